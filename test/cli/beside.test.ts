import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configWith } from '../../src/config/index.ts'
import { Accounts } from '../../src/core/accounts.ts'
import { makeKey } from '../../src/core/keys.ts'
import { openStore } from '../../src/store.ts'
import { aether } from '../support/aether.ts'
import { temporaryFolder, upload } from '../support/app.ts'
import { Visitor } from '../support/dashboard.ts'
import { formBytes, formType } from '../support/multipart.ts'
import { skipWithout } from '../support/needs.ts'
import { keyIn, root, runLarder, startServer } from '../support/process.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'

const dir = await temporaryFolder(thisFile)
const server = await startServer(thisFile, dir, {
  args: ['--set', 'limits.api=off', '--set', 'limits.auth=off', '--set', 'log.level=trace'],
})
const app = { url: server.url, key: keyIn(server.output()) }

/** One command beside the server, which must do it. */
async function larder(args: string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await runLarder([...args, '--data-dir', dir], { input })
  assert.equal(code, 0, stderr)
  return stdout.trimEnd()
}

const statusWith = async (key: string) => (await aether(app, 'GET', '/files', { key })).status

test('The first start prints its address, the set-up link, a key and an upload line that works when it is pasted', async (t) => {
  const printed = server.output()
  assert.match(printed, /^Larder serves at\n {2}http:\/\/127\.0\.0\.1:\d+\/\n/)
  assert.match(printed, /\/app\/set-up\?token=[A-Za-z0-9_-]{43}\n/)
  assert.equal(await statusWith(app.key), 200)
  const line = printed.split('\n').find((one) => one.includes('curl')) ?? ''
  assert.ok(line.includes(app.key) && line.includes(`${server.url}/api/v1/files/upload`))
  if (skipWithout(t, 'curl', () => existsSync('/usr/bin/curl'))) return
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile('sh', ['-c', line], { cwd: root }, (error, out) => (error ? reject(error) : resolve(out)))
  })
  const { file } = JSON.parse(stdout) as { file: { url: string } }
  assert.equal((await fetch(file.url)).status, 200)
})

test('A key that the command line makes opens the server at once, and one that it revokes opens nothing more', async () => {
  await larder(['user', 'add', '--email', 'ada@example.org', '--password-stdin'], 'correct horse')
  const key = await larder(['key', 'create', '--account', 'ada@example.org', '--quiet'])
  assert.equal(await statusWith(key), 200)
  const id = (await larder(['key', 'list', '--account', 'ada@example.org'])).split('\n')[1]?.split(' ')[0] ?? ''
  await larder(['key', 'revoke', id])
  const { status, body } = await aether(app, 'GET', '/files', { key })
  assert.deepEqual([status, body.error.message], [401, 'this key was revoked'])
})

test('A disabled account is shut out with the very next request, its sessions end, and it comes back with its files', async () => {
  const key = await larder(['key', 'create', '--account', 'ada@example.org', '--quiet'])
  const file = await upload({ url: app.url, key }, 'kept', 'kept.txt')
  const visitor = new Visitor(app)
  await visitor.post('/app/sign-in', { email: 'ada@example.org', password: 'correct horse' })
  assert.equal((await visitor.get('/app/')).status, 200)
  await larder(['user', 'disable', '--email', 'ada@example.org'])
  assert.equal(await statusWith(key), 403)
  assert.equal((await visitor.get('/app/')).status, 303)
  await larder(['user', 'enable', '--email', 'ada@example.org'])
  assert.equal((await aether(app, 'GET', `/files/${file.id}`, { key })).status, 200)
  assert.equal((await visitor.get('/app/')).status, 303, 'who was signed in signs in again')
})

test('A new password ends the sessions that the old one opened', async () => {
  const visitor = new Visitor(app)
  await visitor.post('/app/sign-in', { email: 'ada@example.org', password: 'correct horse' })
  assert.equal((await visitor.get('/app/')).status, 200)
  await larder(['user', 'password', '--email', 'ada@example.org', '--password-stdin'], 'battery staple')
  assert.equal((await visitor.get('/app/')).status, 303)
  const old = await visitor.post('/app/sign-in', { email: 'ada@example.org', password: 'correct horse' })
  assert.equal(old.status, 401)
  const again = await visitor.post('/app/sign-in', { email: 'ada@example.org', password: 'battery staple' })
  assert.equal(again.status, 303)
})

test('A set-up link from the command line works once', async () => {
  const link = new URL(await larder(['user', 'setup-link']))
  const visitor = new Visitor(app)
  const token = link.searchParams.get('token') ?? ''
  const wish = { token, email: 'owner@example.org', password: 'long enough' }
  assert.equal((await visitor.get(`/app/set-up?token=${token}`)).status, 200)
  assert.equal((await visitor.post('/app/set-up', wish)).status, 303)
  assert.equal((await visitor.post('/app/set-up', wish)).status, 404)
  assert.match(await larder(['user', 'list']), /owner@example\.org +active +owner/)
})

test('Fifty times over, the next request feels what another process changed', async () => {
  const store = await openStore(configWith({ 'data.dir': dir }))
  const accounts = new Accounts(store)
  try {
    const ada = await accounts.named('ada@example.org')
    for (let n = 0; n < 50; n++) {
      const { text, row } = makeKey(ada.id, { kind: 'ak' }, Date.now())
      assert.equal(await statusWith(text), 401, `round ${n}: not made yet`)
      await store.catalogue.write.createKey(row)
      assert.equal(await statusWith(text), 200, `round ${n}: made`)
      await accounts.setDisabled(ada, true)
      assert.equal(await statusWith(text), 403, `round ${n}: disabled`)
      await accounts.setDisabled(ada, false)
      assert.equal(await statusWith(text), 200, `round ${n}: enabled`)
      await store.catalogue.write.revokeKey({ id: row.id, now: Date.now() })
      assert.equal(await statusWith(text), 401, `round ${n}: revoked`)
    }
  } finally {
    await store.close()
  }
})

test('A second server on the same folder is refused with the reason, and so is one on the same port', async () => {
  const { port } = new URL(server.url)
  const other = await temporaryFolder(thisFile)
  const [sameFolder, samePort, foreignAddress] = await Promise.all([
    runLarder(['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', dir]),
    runLarder(['serve', '--host', '127.0.0.1', '--port', port, '--data-dir', other]),
    runLarder(['serve', '--host', '192.0.2.1', '--port', '0', '--data-dir', join(other, 'b')]),
  ])
  assert.equal(sameFolder.code, 2)
  assert.match(sameFolder.stderr, /^larder: Another Larder serves the data folder .*\n$/)
  assert.equal(samePort.code, 2)
  assert.match(samePort.stderr, new RegExp(`^larder: port ${port} is in use by another program.*\n$`))
  assert.equal(foreignAddress.code, 2)
  assert.match(foreignAddress.stderr, /^larder: 192\.0\.2\.1 is no address of this machine.*\n$/)
  assert.equal(await statusWith(app.key), 200)
})

test('healthcheck asks the server of the configuration, and tells by its exit code', async () => {
  const { port } = new URL(server.url)
  const at = (number: string) =>
    runLarder(['healthcheck', '--set', `server.port=${number}`, '--set', 'server.host=127.0.0.1'])
  const [well, nobody] = await Promise.all([at(port), at('1')])
  assert.deepEqual([well.code, well.stdout], [0, 'ready\n'])
  assert.equal(nobody.code, 1)
  assert.match(nobody.stderr, /^larder: no answer from http:\/\/127\.0\.0\.1:1\/readyz: .*\n$/)
})

test('What the server prints after its first lines holds no secret', async () => {
  await aether(app, 'GET', `/files/${app.key}?key=${app.key}`)
  const lines = () =>
    server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
  await until('the log to be written', () => lines().some((line) => line.includes('/api/v1/files/ak_…')))
  const secret = app.key.slice(3)
  const token = /token=([A-Za-z0-9_-]{43})/.exec(server.output())?.[1] ?? 'none'
  for (const line of lines()) {
    for (const text of [secret, token, 'correct horse', 'battery staple']) assert.ok(!line.includes(text), line)
  }
})

test('SIGTERM lets an upload under way end, then the server exits with 0; the next start prints its address only', async () => {
  const bytes = Buffer.alloc(200_000, 'x')
  const form = formBytes([{ filename: 'last.txt', value: bytes }])
  const connection = await RawConnection.open(server.url)
  connection.send(
    requestHead('POST', '/api/v1/files/upload', {
      Authorization: `Bearer ${app.key}`,
      'Content-Type': formType,
      'Content-Length': form.length,
      Expect: '100-continue',
    }),
  )
  assert.equal((await connection.answer()).status, 100)
  await connection.sent(form.subarray(0, 50_000))
  const stopped = server.stop('SIGTERM')
  await until('new connections to be refused', () =>
    RawConnection.open(server.url).then(
      (one) => {
        one.destroy()
        return false
      },
      () => true,
    ),
  )
  connection.send(form.subarray(50_000))
  const answer = await connection.answer()
  assert.equal(answer.status, 201)
  assert.deepEqual(await stopped, { code: 0, signal: null })
  const next = await startServer(thisFile, dir)
  assert.match(next.output(), /^Larder serves at\n {2}http:\/\/127\.0\.0\.1:\d+\/\n/)
  assert.doesNotMatch(next.output(), /token|ak_|curl/)
  const { id } = JSON.parse(answer.body.toString()).file
  const download = await aether({ url: next.url, key: app.key }, 'GET', `/files/${id}/download`)
  assert.deepEqual(download.bytes, bytes)
  assert.deepEqual(await next.stop('SIGINT'), { code: 0, signal: null })
})

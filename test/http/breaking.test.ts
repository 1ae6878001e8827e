import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { keyFilePath, readOrMake } from '../../src/tokens/key-file.ts'
import { openTestApp, type TestApp, withKey } from '../support/app.ts'
import { atiru, newPerson, registered, signedIn } from '../support/atiru.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { until } from '../support/state.ts'

const store = (app: TestApp, type: string, body: string) =>
  fetch(`${app.url}/files`, { method: 'POST', headers: { ...withKey(app.key), 'Content-Type': type }, body })

test('Clients that leave at any moment of a raw upload end nothing but their upload', async (t) => {
  const app = await openTestApp(t)
  for (let n = 0; n < 200; n++) {
    const socket = connect(app.port, '127.0.0.1').on('error', () => {})
    const head = `POST /files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${app.key}\r\nContent-Type: text/plain\r\n`
    socket.write(`${head}Content-Length: 100000\r\n\r\n${'a'.repeat(5_000)}`)
    setTimeout(() => socket.resetAndDestroy(), n % 12)
    if (n % 20 === 19) await sleep(20)
  }
  await until('all to be gone', async () => !(await app.isUploading()))
  assert.equal((await store(app, 'text/plain', 'after them')).status, 201)
  assert.doesNotMatch(await app.wholeLog(), /"level":50/)
})

test('No parameter of a type makes a browser find another one in it', async (t) => {
  const app = await openTestApp(t)
  for (const sent of [
    'text/plain; a="\\"; b=",text/html;x="',
    'text/plain; a="x,text/html"',
    'text/plain; charset=utf-8,text/html',
    'text/plain; x=text/html; charset=ISO-8859-1',
  ]) {
    const response = await store(app, sent, '<h1>Hello</h1>')
    if (response.status === 400) continue
    const { file } = (await response.json()) as { file: { file_id: string } }
    for (const route of ['m', 'd']) {
      const served = (await fetch(`${app.url}/${route}/${file.file_id}`)).headers.get('content-type') ?? ''
      assert.match(served, /^[a-z]+\/[a-z-]+(; charset=[a-z0-9-]+)?$/, sent)
      assert.doesNotMatch(served, /html/)
    }
  }
})

test('A key that was retired signs nothing any more, however long it says that its tokens live', async (t) => {
  const app = await openTestApp(t)
  const { account, session } = await newPerson(app, 'ann@example.org')
  const accessToken = session.access_token
  const [head = '', body = ''] = accessToken.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { issuer, keys } = await readOrMake(keyFilePath(app.folder), 0)
  const key = keys.find(({ id }) => id === read(head).kid)
  const sign = (times: { iat: number; exp: number }) =>
    new SignJWT({ ...read(body), ...times, iss: issuer, sub: account.id })
      .setProtectedHeader(read(head))
      .sign(Buffer.from(key?.secret ?? '', 'base64url'))
  const now = Math.floor(Date.now() / 1_000)
  const month = 30 * 86_400
  const opens = async (token: string) => (await fetch(`${app.url}/files`, { headers: withKey(token) })).status
  assert.equal(await opens(await sign({ iat: now, exp: now + 3_600 })), 200)
  assert.equal(
    await opens(await sign({ iat: now, exp: now + month + 9_000 })),
    401,
    'no token lives longer than a session',
  )
  const { rotateSigningKey } = await import('../../src/tokens/index.ts')
  await rotateSigningKey({ dir: app.folder, clock: { now: () => Date.now() }, tokenLifeMs: month * 1_000 })
  await sleep(1_100)
  assert.equal(await opens(accessToken), 200, 'what it signed before is good until it ends')
  assert.equal(await opens(await sign({ iat: now + 60, exp: now + 3_660 })), 401)
})

test('A log-in that ends while its upload is under way publishes nothing', async (t) => {
  const app = await openTestApp(t)
  const accessToken = (await newPerson(app, 'ann@example.org')).session.access_token
  const headers = { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'text/plain', 'Content-Length': '10' }
  const slow = await RawConnection.open(app.url)
  slow.send(`${requestHead('POST', '/files', headers)}12345`)
  await until('its beginning', async () => (await readdir(join(app.folder, 'tmp'))).length > 0)
  await fetch(`${app.url}/auth/logout`, { method: 'POST', headers: withKey(accessToken) })
  slow.send('67890')
  assert.equal((await slow.answer()).status, 401)
  assert.deepEqual(await readdir(join(app.folder, 'tmp')), [])
})

test('Where nobody needs to say who calls, a body is as small as an e-mail and a password', async (t) => {
  const app = await openTestApp(t)
  const body = `{"refresh_token":[${'[],'.repeat(200_000)}1]}`
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${app.url}/auth/refresh`, { method: 'POST', headers, body })
  assert.deepEqual([response.status, ((await response.json()) as { code: string }).code], [413, 'FILE_TOO_LARGE'])
})

test('Those who register are put on the plan that is named for them', async (t) => {
  const plans = { small: { files: 1, trial_days: 14 } }
  const app = await openTestApp(t, { 'auth.registration': 'open', 'auth.plan': 'small', plans })
  await registered(app, 'ann@example.org')
  const account = await app.accounts.named('ann@example.org')
  assert.equal(account.plan, 'small')
  const { body } = await atiru(app, 'GET', '/profile', { key: (await signedIn(app, 'ann@example.org')).access_token })
  assert.equal(Date.parse(body.access_until ?? ''), (account.planSince ?? 0) + 14 * 86_400_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { type Answer, call } from '../support/call.ts'
import { fileNameIn } from '../support/disposition.ts'
import { thisFile } from '../support/shared.ts'
import { put, refusal, type StorageAnswer, type StorageBody, storage } from '../support/storage.ts'

const app = await openTestApp(thisFile)
for (const [path, text] of [
  ['team/plan.txt', 'the plan'],
  ['team/deep/er/notes.txt', 'notes'],
  ['team/deep/log', 'a log'],
  ['team2/secret.txt', 'secret'],
  ['secret.txt', 'secret'],
] as const)
  await put(app, path, text)

/** Shares a folder; the link's path on the server. */
async function share(path: string, wish: object = {}): Promise<string> {
  const { status, body } = await storage(app, 'POST', '/files/share', { json: { path, folder: true, ...wish } })
  assert.equal(status, 201, JSON.stringify(body))
  return `/s/${body.token}`
}

const open = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<StorageAnswer> =>
  call(app.url + path, method, { key: null, headers })
const page = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const basic = (password: string) => ({ Authorization: `Basic ${btoa(`x:${password}`)}` })
const names = ({ body }: Answer<StorageBody>) => body.entries.map(({ name }) => name)
/** The text behind a redirect to a signed address. */
async function textOf({ status, headers }: StorageAnswer): Promise<string> {
  assert.equal(status, 302)
  return (await fetch(headers.get('location') ?? '')).text()
}

const link = await share('team/')

test('A folder is shared only where that is said, and a file is not shared as one', async () => {
  const wish = (json: object) => storage(app, 'POST', '/files/share', { json })
  refusal(await wish({ path: 'team/' }), 400, 'bad_request', /"folder": true/)
  refusal(await wish({ path: 'team/', folder: false }), 400, 'bad_request')
  refusal(await wish({ path: 'team/plan.txt', folder: true }), 400, 'bad_request')
  refusal(await wish({ path: 'nothing/', folder: true }), 404, 'not_found')
  refusal(await wish({ path: 'team', folder: true }), 400, 'bad_request')
})

test('A shared folder is looked through level by level', async () => {
  const led = await open(link)
  assert.deepEqual([led.status, led.headers.get('location')], [302, `${link}/`])
  const root = await open(`${link}/`)
  assert.equal(root.status, 200)
  assert.deepEqual(Object.keys(root.body), ['path', 'entries', 'cursor'])
  assert.deepEqual([root.body.path, root.body.cursor, names(root)], ['', null, ['deep/', 'plan.txt']])
  const [folder, file] = root.body.entries
  assert.deepEqual([folder?.type, folder?.size, file?.type, file?.size], ['folder', 0, 'text/plain', 8])
  assert.deepEqual(Object.keys(file ?? {}), ['name', 'type', 'size', 'updated_at'])
  const below = await open(`${link}/deep/`)
  assert.deepEqual([below.body.path, names(below)], ['deep/', ['er/', 'log']])
  const slash = await open(`${link}/deep`)
  assert.deepEqual([slash.status, slash.headers.get('location')], [302, `${link}/deep/`])
  assert.equal((await open(`/storage${link}/deep/`)).body.path, 'deep/')
})

test('Its files are downloaded by the names they have in it', async () => {
  assert.equal(await textOf(await open(`${link}/plan.txt`)), 'the plan')
  assert.equal(await textOf(await open(`${link}/deep/er/notes.txt`)), 'notes')
  assert.equal(await textOf(await open(`${link}/deep/log`)), 'a log')
  assert.equal(await textOf(await open(`/storage${link}/plan.txt`, {}, 'HEAD')), 'the plan')
  for (const path of ['nothing', 'nothing/', 'plan.txt/', 'deep/er/notes'])
    refusal(await open(`${link}/${path}`), 404, 'not_found')
})

test('Nothing outside of it can be reached', async () => {
  const ways = [
    '..%2Fsecret.txt',
    'deep%2F..%2F..%2Fsecret.txt',
    '%2Fsecret.txt',
    '%2e%2e%2fsecret.txt',
    '..%5Csecret.txt',
    '%00',
  ]
  for (const way of ways) refusal(await open(`${link}/${way}`), 400, 'bad_request')
  for (const way of [
    '//secret.txt',
    '/team2/secret.txt',
    '/secret.txt',
    '/team/plan.txt',
    '2/secret.txt',
    '/..%252fsecret.txt',
  ])
    assert.ok([400, 401, 404].includes((await open(`${link}${way}`)).status), way)
  const answers = await Promise.all([...ways, 'team2/', '%2E%2E/', '.%2F'].map((way) => open(`${link}/${way}?zip=1`)))
  assert.ok(answers.every(({ status }) => status === 400 || status === 404))
})

test('It comes as one zip, whole or from a folder below', async () => {
  const whole = await open(`${link}/?zip=1`)
  assert.deepEqual([whole.status, whole.headers.get('content-type')], [200, 'application/zip'])
  assert.equal(fileNameIn(whole.headers.get('content-disposition') ?? ''), 'team.zip')
  for (const name of ['plan.txt', 'deep/log', 'deep/er/notes.txt']) assert.ok(whole.bytes.includes(name))
  assert.ok(!whole.bytes.includes('secret'))
  const part = await open(`${link}/deep/?zip=1`)
  assert.equal(fileNameIn(part.headers.get('content-disposition') ?? ''), 'deep.zip')
  assert.ok(part.bytes.includes('er/notes.txt') && !part.bytes.includes('plan.txt'))
  assert.equal((await open(`${link}/?zip=1`, {}, 'HEAD')).bytes.length, 0)
  assert.equal(await textOf(await open(`${link}/plan.txt?zip=1`)), 'the plan')
})

test('A long list comes in pages', async () => {
  const file = (await app.catalogue.read.entryAt(app.owner.id, 'team/plan.txt'))?.file ?? assert.fail()
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'long/' } })
  await app.catalogue.write.publishFiles({
    accountId: app.owner.id,
    destination: { segments: ['long'] },
    prefix: null,
    files: Array.from({ length: 501 }, (_, n) => {
      const name = `f${String(n).padStart(3, '0')}`
      const ids = { id: crypto.randomUUID(), fileId: `page-file-${n}`.padEnd(16, 'x'), entryId: crypto.randomUUID() }
      return { ...file, ...ids, name, segments: [name] }
    }),
    quota: { bytes: null, files: null },
    now: Date.now(),
  })
  const long = await share('long/')
  const first = await open(`${long}/`)
  assert.equal(first.body.entries.length, 500)
  const second = await open(`${long}/?cursor=${first.body.cursor}`)
  assert.deepEqual([names(second), second.body.cursor], [['f500'], null])
  const html = (await open(`${long}/`, page)).bytes.toString()
  assert.ok(html.includes(`href="?cursor=${first.body.cursor}"`))
  refusal(await open(`${long}/?cursor=nonsense`), 400, 'bad_request')
})

test('The link follows the folder, and ends with it', async () => {
  await put(app, 'going/a.txt', 'going')
  const moved = await share('going/')
  await storage(app, 'POST', '/files/move', { json: { from: 'going/', to: 'gone/there/' } })
  assert.equal(await textOf(await open(`${moved}/a.txt`)), 'going')
  await put(app, 'gone/there/b.txt', 'more')
  assert.deepEqual(names(await open(`${moved}/`)), ['a.txt', 'b.txt'])
  await storage(app, 'DELETE', '/files/gone/')
  await put(app, 'going/a.txt', 'another')
  await put(app, 'gone/there/a.txt', 'another')
  for (const path of ['', '/', '/a.txt', '/?zip=1']) refusal(await open(moved + path), 404, 'not_found')
})

test('A link of a file has nothing below it', async () => {
  const { body } = await storage(app, 'POST', '/files/share', { json: { path: 'team/plan.txt' } })
  for (const path of ['/', '/plan.txt', '/../deep/log', '/?zip=1'])
    assert.ok([401, 404].includes((await open(`/s/${body.token}${path}`)).status), path)
})

test('Without the password nothing of the folder is told, at any address of the link', async () => {
  const locked = await share('team/', { password: 'correct horse' })
  const paths = ['', '/', '/plan.txt', '/deep', '/deep/', '/nothing', '/?zip=1', '/deep/?zip=1', '/..%2Fsecret.txt']
  for (const base of ['', '/storage'])
    for (const path of paths)
      for (const method of ['GET', 'HEAD']) {
        for (const headers of [{}, basic('wrong horse')]) {
          const answer = await open(base + locked + path, headers, method)
          assert.deepEqual([answer.status, answer.headers.get('location')], [401, null], `${method} ${path}`)
          if (method === 'GET') refusal(answer, 401, 'unauthorized', /has a password/)
        }
        const html = await open(base + locked + path, page, method)
        assert.deepEqual([html.status, html.headers.get('location')], [401, null])
        assert.doesNotMatch(html.bytes.toString(), /team|plan|deep/)
      }
  assert.deepEqual(names(await open(`${locked}/`, basic('correct horse'))), ['deep/', 'plan.txt'])
  assert.equal(await textOf(await open(`${locked}/plan.txt`, basic('correct horse'))), 'the plan')
  assert.equal((await open(`${locked}/?zip=1`, basic('correct horse'))).status, 200)
  assert.equal((await open(`${locked}/nothing`, basic('correct horse'))).status, 404)
})

test('Files and zips are downloads, lists are none; past the last the list is still there', async () => {
  const few = await share('team/', { max_downloads: 2 })
  for (let n = 0; n < 3; n++) assert.equal((await open(`${few}/`)).status, 200)
  assert.equal((await open(`${few}/plan.txt`)).status, 302)
  assert.equal((await open(`${few}/?zip=1`, {}, 'HEAD')).status, 200)
  assert.equal((await open(`${few}/plan.txt`, {}, 'HEAD')).headers.get('location'), null)
  assert.equal((await open(`${few}/nothing`)).status, 404)
  assert.equal((await open(`${few}/deep/?zip=1`)).headers.get('content-type'), 'application/zip')
  for (const path of ['/plan.txt', '/?zip=1', '/deep/log']) refusal(await open(few + path), 401, 'unauthorized')
  assert.equal((await open(`${few}/`)).status, 200)
})

test('Of twenty zips at once as many come as there are downloads', async () => {
  const few = await share('team/', { max_downloads: 5 })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => open(`${few}/${n % 2 ? '?zip=1' : 'plan.txt'}`)),
  )
  assert.equal(answers.filter(({ status }) => status !== 401).length, 5)
})

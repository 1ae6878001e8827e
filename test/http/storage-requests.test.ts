import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { leavesNothing } from '../support/atiru.ts'
import { call } from '../support/call.ts'
import { MovingClock } from '../support/clock.ts'
import { chunked, formBytes, formType } from '../support/multipart.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'
import { put, refusal, type StorageAnswer, type StorageBody, storage } from '../support/storage.ts'

const clock = new MovingClock()
const app = await openTestApp(thisFile, {}, { clock })
const otherKey = (await app.newKey({}, await app.newAccount('other@example.org'))).text
await storage(app, 'POST', '/files/mkdir', { json: { path: 'inbox/' } })

interface Request {
  token: string
  url: string
  path: string
  max_files: number | null
  max_bytes: number | null
  files: number
  bytes: number
}
type Body = StorageBody & Request & { requests: Request[] }

const api = (method: string, path: string, options: Parameters<typeof storage>[3] = {}) =>
  storage(app, method, path, options) as Promise<StorageAnswer & { body: Body }>

/** Asks for files; the link's path on the server. */
async function ask(path: string, wish: object = {}, key = app.key) {
  const { status, body } = await api('POST', '/requests', { json: { path, ...wish }, key })
  assert.equal(status, 201, JSON.stringify(body))
  return { ...body, link: `/r/${body.token}` }
}

type Files = readonly (readonly [name: string, text: string, type?: string])[]

function formOf(files: Files): FormData {
  const form = new FormData()
  for (const [name, text, type = 'text/plain'] of files) form.append('file', new Blob([text], { type }), name)
  return form
}

/** Sends files to a link as a program does, or a browser with a page to read. */
const drop = (link: string, files: Files, headers: Record<string, string> = {}) =>
  call<{ files: { name: string; size: number }[]; error: string; message: string }>(app.url + link, 'POST', {
    key: null,
    body: formOf(files),
    headers,
  })
const open = (path: string, headers: Record<string, string> = {}): Promise<StorageAnswer> =>
  call(app.url + path, 'GET', { key: null, headers })
const page = { Accept: 'text/html' }
const namesIn = async (prefix: string) =>
  (await storage(app, 'GET', `/files?prefix=${prefix}`)).body.entries.map(({ name }) => name)
const textAt = async (path: string) => {
  const led = await storage(app, 'GET', `/files/${path}`)
  return (await fetch(led.headers.get('location') ?? '')).text()
}

test('Whoever has the link puts files into the folder, without an account and for its owner’s eyes alone', async () => {
  const asked = await ask('inbox/', { ttl: 86_400, max_files: 20, max_bytes: 1_000 })
  const { expires_at: at, token, url, ...terms } = asked
  assert.match(token, /^[A-Za-z0-9_-]{21}$/)
  assert.equal(url, `${app.url}/r/${token}`)
  assert.ok(Math.abs((at ?? 0) - clock.now() - 86_400_000) < 5_000)
  assert.deepEqual(terms, { link: `/r/${token}`, path: 'inbox/', ttl: 86_400, max_files: 20, max_bytes: 1_000 })
  const { status, body } = await drop(asked.link, [
    ['a.txt', 'first'],
    ['b.txt', 'second!'],
  ])
  assert.deepEqual(
    [status, body],
    [
      201,
      {
        files: [
          { name: 'a.txt', size: 5 },
          { name: 'b.txt', size: 7 },
        ],
      },
    ],
  )
  assert.deepEqual(await namesIn('inbox/'), ['a.txt', 'b.txt'])
  assert.equal(await textAt('inbox/b.txt'), 'second!')
  const file = (await app.catalogue.read.entryAt(app.owner.id, 'inbox/a.txt'))?.file
  assert.equal(file?.isPublic, false)
  assert.equal((await fetch(`${app.url}/m/${file.fileId}`)).status, 404)
  const { events } = (await storage(app, 'GET', '/files/log?path=inbox/a.txt')).body
  assert.deepEqual(
    events.map(({ action }) => action),
    ['put'],
  )
})

test('Nothing that is there is overwritten', async () => {
  await put(app, 'taken/a.txt', 'mine')
  const { link } = await ask('taken/')
  for (const text of ['theirs', 'theirs again']) assert.equal((await drop(link, [['a.txt', text]])).status, 201)
  assert.equal(await textAt('taken/a.txt'), 'mine')
  const names = await namesIn('taken/')
  assert.equal(names.length, 3)
  assert.ok(names.every((name) => /^a(-[\w-]{16})?\.txt$/.test(name)))
})

test('The page says how much may be sent and until when, and nothing else', async () => {
  const { link } = await ask('taken/', { max_files: 3, max_bytes: 2_048 })
  for (const path of [link, `/storage${link}`]) {
    const { status, headers, bytes } = await open(path, page)
    const html = bytes.toString()
    assert.deepEqual([status, headers.get('content-type')], [200, 'text/html; charset=utf-8'])
    for (const term of [
      '3 files at most',
      '2 KB in all',
      'until ',
      '<input id="file" name="file" type="file" multiple required>',
    ])
      assert.ok(html.includes(term), term)
    assert.doesNotMatch(html.replace(/<style>.*<\/style>/s, ''), /taken|a\.txt|@|<script/)
  }
  const { headers, bytes, status } = await drop(link, [['x.txt', 'x']], page)
  assert.deepEqual([status, headers.get('content-type')], [201, 'text/html; charset=utf-8'])
  assert.match(bytes.toString(), /x\.txt \(1 byte\)/)
  assert.match((await open(link, page)).bytes.toString(), /2 files at most[\s\S]*2 KB in all/)
})

test('Names come back as they were sent, and as nothing else', async () => {
  const { link } = await ask('inbox/')
  const names = ['<img src=x onerror=alert(1)>.txt', '"quoted\' & co.txt', '../../evil.txt', 'ünï.txt']
  const { bytes } = await drop(
    link,
    names.map((name) => [name, 'x'] as const),
    page,
  )
  const html = bytes.toString()
  assert.ok(html.includes('&lt;img src=x onerror=alert(1)&gt;.txt'))
  assert.ok(html.includes('&#39; &amp; co.txt'))
  assert.ok(!html.includes('<img') && !html.includes('../'))
  assert.ok((await namesIn('inbox/')).includes('evil.txt'))
  assert.ok(!(await namesIn('')).includes('evil.txt'))
})

test('Twenty who send at once send no more files, and no more bytes, than may come', async () => {
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'rush/files/' } })
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'rush/bytes/' } })
  for (const [path, wish] of [
    ['rush/files/', { max_files: 5 }],
    ['rush/bytes/', { max_bytes: 59 }],
  ] as const) {
    const { link, token } = await ask(path, wish)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => drop(link, [[`${n}.txt`, 'ten bytes!']])))
    const taken = answers.filter(({ status }) => status === 201)
    assert.equal(taken.length, 5)
    for (const answer of answers)
      if (answer.status !== 201) assert.deepEqual([answer.status, answer.body.error], [403, 'quota_exceeded'])
    assert.equal((await namesIn(path)).length, 5)
    const [listed] = (await api('GET', '/requests')).body.requests.filter((one) => one.token === token)
    assert.deepEqual([listed?.files, listed?.bytes], [5, 50])
  }
})

test('A form is taken whole or not at all', async () => {
  const { link } = await ask('inbox/', { max_files: 2 })
  const three = [1, 2, 3].map((n) => [`whole${n}.txt`, 'x'] as const)
  const refused = await leavesNothing(app, () => drop(link, three))
  assert.deepEqual([refused.status, refused.body.error], [403, 'quota_exceeded'])
  assert.deepEqual(Object.keys(refused.body), ['error', 'message'])
  const html = await leavesNothing(app, () => drop(link, three, page))
  assert.deepEqual([html.status, html.headers.get('content-type')], [403, 'text/html; charset=utf-8'])
  const none = await leavesNothing(app, () => drop(link, []))
  assert.equal(none.status, 400)
  const wrong = await call(app.url + link, 'POST', { key: null, json: {} })
  assert.equal(wrong.status, 400)
})

test('What is too much is refused before it has all come, also where its length is not said', async () => {
  const { link } = await ask('inbox/', { max_bytes: 1_000 })
  const body = formBytes([{ filename: 'x.bin', value: Buffer.alloc(300_000) }])
  for (const headers of [{ 'Content-Length': body.length }, { 'Transfer-Encoding': 'chunked' }]) {
    await leavesNothing(app, async () => {
      const connection = await RawConnection.open(app.url)
      connection.send(Buffer.from(requestHead('POST', link, { 'Content-Type': formType, ...headers }), 'latin1'))
      // Never the end: the answer must come without it.
      const part = 'Content-Length' in headers ? body.subarray(0, 100_000) : chunked(body).subarray(0, 100_000)
      connection.send(part)
      assert.equal((await connection.answer()).status, 403)
      connection.destroy()
    })
  }
})

test('What its owner may not store, nobody may send; how full an account is, nobody is told', async (t) => {
  const plans = { tiny: { storage: 100, files: 3 } }
  const small = await openTestApp(t, { plans, 'uploads.max_size': '1 KiB' })
  await small.accounts.setPlan(small.owner, 'tiny', null)
  await put(small, 'in/a.txt', 'x'.repeat(90))
  const { body } = await storage(small, 'POST', '/requests', { json: { path: 'in/' } })
  const send = (text: string, headers = {}) =>
    call<StorageBody>(`${small.url}/r/${body.token}`, 'POST', { key: null, body: formOf([['b.txt', text]]), headers })
  const full = await send('x'.repeat(20))
  assert.deepEqual([full.status, full.body.error], [403, 'quota_exceeded'])
  assert.doesNotMatch(full.bytes.toString(), /\d/)
  assert.doesNotMatch((await send('x'.repeat(20), page)).bytes.toString().replace(/<style>.*<\/style>/s, ''), /100|90/)
  assert.equal((await send('x'.repeat(2_000))).status, 413)
  assert.equal((await send('ok')).status, 201)
  await small.accounts.setPlan(small.owner, 'tiny', Date.now() - 1)
  const ended = await send('x')
  assert.deepEqual([ended.status, ended.body.error], [403, 'forbidden'])
  assert.doesNotMatch(ended.bytes.toString(), /trial/)
})

test('A link for sending is made within a key’s prefix and scopes alone, and for a folder that is there', async () => {
  await put(app, 'held/in/a.txt', 'x')
  const { text: held } = await app.newKey({ pathPrefix: 'held/' })
  const { text: reader } = await app.newKey({ scopes: ['files:read'] })
  const wish = (path: string, key: string | null = app.key, more = {}) =>
    storage(app, 'POST', '/requests', { json: { path, ...more }, key })
  assert.equal((await wish('held/in/', held)).status, 201)
  assert.equal((await wish('held/', held)).status, 201)
  refusal(await wish('inbox/', held), 403, 'forbidden')
  refusal(await wish('held/in/', reader), 403, 'forbidden')
  refusal(await wish('held/in/', null), 401, 'unauthorized')
  refusal(await wish('held/in/', otherKey), 404, 'not_found')
  refusal(await wish('nothing/'), 404, 'not_found')
  for (const path of ['held/in', 'held/in/a.txt', '', '/', '../', 'held//in/'])
    refusal(await wish(path), 400, 'bad_request')
  for (const more of [
    { ttl: 59 },
    { ttl: 604_801 },
    { ttl: 0 },
    { max_files: 0 },
    { max_bytes: 0 },
    { max_files: 1.5 },
  ])
    refusal(await wish('inbox/', app.key, more), 400, 'bad_request')
  const inner = (await api('GET', '/requests', { key: held })).body.requests
  assert.deepEqual(new Set(inner.map(({ path }) => path)), new Set(['held/', 'held/in/']))
  refusal(await api('GET', '/requests', { key: reader }), 403, 'forbidden')
  const outer = await ask('inbox/')
  refusal(await api('DELETE', `/requests/${outer.token}`, { key: held }), 404, 'not_found')
  refusal(await api('DELETE', `/requests/${outer.token}`, { key: otherKey }), 404, 'not_found')
  assert.deepEqual((await api('GET', '/requests', { key: otherKey })).body.requests, [])
})

test('A link that is revoked, over or unknown takes nothing, for programs and for people', async () => {
  const revoked = await ask('inbox/')
  const gone = await api('DELETE', `/requests/${revoked.token}`)
  assert.deepEqual([gone.status, gone.body], [200, { deleted: true }])
  refusal(await api('DELETE', `/requests/${revoked.token}`), 404, 'not_found')
  const over = await ask('inbox/', { ttl: 60 })
  clock.aheadMs += 60_001
  assert.ok(!(await api('GET', '/requests')).body.requests.some(({ token }) => token === over.token))
  for (const link of [revoked.link, over.link, '/r/unknown', `/storage${over.link}`]) {
    refusal(await open(link), 401, 'unauthorized', /not known, or is over/)
    const html = await open(link, page)
    assert.deepEqual([html.status, html.headers.get('content-type')], [401, 'text/html; charset=utf-8'])
    const sent = await leavesNothing(app, () => drop(link, [['late.txt', 'late']]))
    assert.deepEqual([sent.status, sent.body.error], [401, 'unauthorized'])
    assert.equal((await drop(link, [['late.txt', 'late']], page)).status, 401)
  }
  clock.aheadMs -= 60_001
})

test('The link follows its folder, and ends with it', async () => {
  await put(app, 'walk/in/a.txt', 'x')
  const { link } = await ask('walk/in/')
  await storage(app, 'POST', '/files/move', { json: { from: 'walk/', to: 'walked/' } })
  assert.equal((await drop(link, [['b.txt', 'b']])).status, 201)
  assert.equal(await textAt('walked/in/b.txt'), 'b')
  await storage(app, 'DELETE', '/files/walked/')
  await put(app, 'walk/in/a.txt', 'another')
  refusal(await open(link), 404, 'not_found')
  assert.equal((await leavesNothing(app, () => drop(link, [['c.txt', 'c']]))).status, 404)
})

/** Begins to send a file, does something, and sends the rest. */
async function sendAround(link: string, between: () => Promise<unknown>): Promise<number> {
  const body = formBytes([{ filename: 'slow.txt', value: 'x'.repeat(1_000) }])
  const connection = await RawConnection.open(app.url)
  const head = { 'Content-Type': formType, 'Content-Length': body.length }
  connection.send(Buffer.from(requestHead('POST', link, head), 'latin1'))
  connection.send(body.subarray(0, 500))
  await until('the upload to begin', () => app.isUploading())
  await between()
  connection.send(body.subarray(500))
  const { status } = await connection.answer()
  connection.destroy()
  return status
}

test('What happens to the link or its folder while files come holds for them', async () => {
  await put(app, 'slow/in/a.txt', 'x')
  const moved = await ask('slow/in/')
  const move = { json: { from: 'slow/', to: 'slowly/' } }
  assert.equal(await sendAround(moved.link, () => storage(app, 'POST', '/files/move', move)), 201)
  assert.deepEqual(await namesIn('slowly/in/'), ['a.txt', 'slow.txt'])
  const revoked = await ask('slowly/in/')
  const status = await leavesNothing(app, () =>
    sendAround(revoked.link, () => api('DELETE', `/requests/${revoked.token}`)),
  )
  assert.equal(status, 401)
  const deleted = await ask('slowly/in/')
  assert.equal(await sendAround(deleted.link, () => storage(app, 'DELETE', '/files/slowly/in/')), 404)
})

test('Links for sending files are listed in pages, with what may be sent still', async () => {
  const account = await app.newAccount('pages@example.org')
  const { text: key } = await app.newKey({}, account)
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'in/' }, key })
  const made: string[] = []
  for (let n = 0; n < 3; n++) made.push((await ask('in/', { max_files: n + 1 }, key)).token)
  const seen: string[] = []
  for (let cursor: string | null = 'null'; cursor !== null; ) {
    const { body } = await api('GET', `/requests?limit=2&cursor=${cursor}`, { key })
    seen.push(...body.requests.map(({ token }) => token))
    assert.equal(body.truncated, body.cursor !== null)
    cursor = body.cursor
  }
  assert.deepEqual(seen.toSorted(), made.toSorted())
})

test('Who sends too much is told so beside the form, and may send less; when all is had, no more is asked for', async () => {
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'again/' } })
  const { link } = await ask('again/', { max_files: 1 })
  const two: Files = [
    ['one.txt', '1'],
    ['two.txt', '2'],
  ]
  const refused = await drop(link, two, page)
  assert.equal(refused.status, 403)
  assert.match(refused.bytes.toString(), /more than may be sent.*<form method="post"/s)
  assert.deepEqual(await namesIn('again/'), [])
  const taken = await drop(link, [['one.txt', '1']], page)
  assert.equal(taken.status, 201)
  assert.doesNotMatch(taken.bytes.toString(), /Send more/)
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { openTestApp, upload } from '../support/app.ts'
import { atiru } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { RawConnection, rawRequest, requestHead } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { put, refusal, storage } from '../support/storage.ts'

const clock = new MovingClock()
const app = await openTestApp(thisFile, { 'quota.storage': '10 MiB' }, { clock })
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** An account of a test's own, with a key for all of it. */
let people = 0
async function somebody() {
  const account = await app.newAccount(`somebody-${++people}@example.org`)
  return { account, url: app.url, key: (await app.newKey({}, account)).text }
}

const names = (entries: readonly { name: string }[]): string[] => entries.map(({ name }) => name)

test('A file is put at its path: 201, and replaced: 200, with the next transaction each time', async () => {
  const me = await somebody()
  const first = await put(me, 'docs/2026/hello.txt', 'one')
  assert.equal(first.status, 201)
  const { time, ...said } = first.body
  assert.deepEqual(said, { path: 'docs/2026/hello.txt', name: 'hello.txt', size: 3, tx: 1 })
  assert.ok(Math.abs(time - clock.now()) < 10_000)
  const second = await put(me, 'docs/2026/hello.txt', 'three')
  assert.deepEqual([second.status, second.body.size, second.body.tx], [200, 5, 2])
  assert.deepEqual((await storage(me, 'GET', '/files/stats')).body, { files: 1, bytes: 5 })
})

test('GET leads to an address that is good by itself, with range, name, ETag and the digest for whoever wants it', async () => {
  const me = await somebody()
  await put(me, 'docs/Über uns.txt', 'Hello, Larder')
  const led = await storage(me, 'GET', `/files/${encodeURIComponent('docs/Über uns.txt')}`)
  assert.equal(led.status, 302)
  const url = led.headers.get('location') ?? ''
  assert.ok(url.startsWith(`${app.url}/o/`))
  const whole = await fetch(url, { headers: { 'Want-Repr-Digest': 'sha-512=3, sha-256=10' } })
  assert.equal(await whole.text(), 'Hello, Larder')
  assert.equal(whole.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.match(
    whole.headers.get('content-disposition') ?? '',
    /^inline; filename="\?ber uns\.txt"; filename\*=UTF-8''%C3%9Cber%20uns\.txt$/,
  )
  const hash = Buffer.from(sha256('Hello, Larder'), 'hex').toString('base64')
  assert.equal(whole.headers.get('repr-digest'), `sha-256=:${hash}:`)
  assert.equal(whole.headers.get('cache-control'), 'private, no-cache')
  const part = await fetch(url, { headers: { Range: 'bytes=7-' } })
  assert.deepEqual([part.status, await part.text(), part.headers.get('repr-digest')], [206, 'Larder', null])
  const known = await fetch(url, { headers: { 'If-None-Match': whole.headers.get('etag') ?? '' } })
  assert.equal(known.status, 304)
  const head = await fetch(url, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '13'])
})

test('Where JSON is preferred, GET tells of the file instead', async () => {
  const me = await somebody()
  const { body: made } = await put(me, 'docs/a.txt', 'Hello')
  for (const accept of ['application/json', 'application/json, text/plain, */*', 'application/json;q=0.9, */*;q=0.1']) {
    const { status, body } = await storage(me, 'GET', '/files/docs/a.txt', { headers: { Accept: accept } })
    const { url, ...rest } = body
    assert.equal(status, 200)
    assert.deepEqual(rest, {
      path: 'docs/a.txt',
      name: 'a.txt',
      size: 5,
      content_type: 'text/plain',
      etag: `"${sha256('Hello')}"`,
      updated_at: made.time,
      tx: 1,
      tx_time: made.time,
      expires_in: 3_600,
    })
    assert.equal(await (await fetch(url)).text(), 'Hello')
  }
  for (const accept of ['*/*', 'text/html, */*;q=0.8', 'text/html, application/json;q=0', 'image/png'])
    assert.equal((await storage(me, 'GET', '/files/docs/a.txt', { headers: { Accept: accept } })).status, 302, accept)
})

test('HEAD tells type, length, ETag and time in headers', async () => {
  const me = await somebody()
  await put(me, 'a.txt', 'Hello')
  const { status, headers, bytes } = await storage(me, 'HEAD', '/files/a.txt')
  assert.deepEqual([status, bytes.length, headers.get('content-length')], [200, 0, '5'])
  assert.equal(headers.get('etag'), `"${sha256('Hello')}"`)
  assert.ok(Date.parse(headers.get('last-modified') ?? '') > 0)
  assert.equal((await storage(me, 'HEAD', '/files/b.txt')).status, 404)
})

test('What is missing is 404: no such file, a folder without its slash, a folder as a file', async () => {
  const me = await somebody()
  await put(me, 'docs/a.txt', 'a')
  for (const path of ['nothing', 'docs', 'docs/', 'docs/b.txt', 'docs/a.txt/b'])
    refusal(await storage(me, 'GET', `/files/${path}`), 404, 'not_found')
  for (const path of ['docs', 'docs/'])
    refusal(await storage(me, 'GET', `/files/${path}`), 404, 'not_found', /"docs\/" is a folder/)
  refusal(await storage(me, 'DELETE', '/files/docs'), 404, 'not_found', /"docs\/" is a folder/)
  for (const path of ['docs', 'nothing/']) refusal(await storage(me, 'DELETE', `/files/${path}`), 404, 'not_found')
})

test('A list shows one level: folders first, each with its slash, then files', async () => {
  const me = await somebody()
  for (const path of ['b.txt', 'a.txt', 'z/deep/er.txt', 'docs/x.txt', 'Ä.txt']) await put(me, path, path)
  await storage(me, 'POST', '/files/mkdir', { json: { path: 'empty/' } })
  const { body } = await storage(me, 'GET', '/files')
  assert.deepEqual(names(body.entries), ['docs/', 'empty/', 'z/', 'a.txt', 'b.txt', 'Ä.txt'])
  assert.deepEqual([body.prefix, body.truncated, body.cursor], ['', false, null])
  const [docs, empty] = body.entries
  assert.deepEqual([docs?.type, docs?.size, docs?.tx, empty?.tx], ['folder', 0, 4, 6])
  for (const prefix of ['z', 'z/'])
    assert.deepEqual(names((await storage(me, 'GET', `/files?prefix=${prefix}`)).body.entries), ['deep/'])
  const { body: missing } = await storage(me, 'GET', '/files?prefix=nothing&limit=null&offset=null')
  assert.deepEqual(missing, { prefix: 'nothing/', entries: [], truncated: false, cursor: null })
})

test('Pages go on by cursor or by offset, and meet every entry once', async () => {
  const me = await somebody()
  const paths = ['a/1', 'b/1', 'c/1', 'd.txt', 'e.txt', 'f.txt', 'g.txt']
  for (const path of paths) await put(me, path, path)
  const whole = names((await storage(me, 'GET', '/files')).body.entries)
  for (const limit of [1, 2, 3, 4, 7, 5_000]) {
    const [byCursor, byOffset]: [string[], string[]] = [[], []]
    let next = ''
    do {
      const { body } = await storage(me, 'GET', `/files?limit=${limit}${next && `&cursor=${next}`}`)
      byCursor.push(...names(body.entries))
      assert.equal(body.truncated, body.cursor !== null)
      next = body.cursor ?? ''
    } while (next !== '')
    for (let offset = 0; offset < whole.length; offset += limit)
      byOffset.push(...names((await storage(me, 'GET', `/files?limit=${limit}&offset=${offset}`)).body.entries))
    assert.deepEqual([byCursor, byOffset], [whole, whole], `limit ${limit}`)
  }
  refusal(await storage(me, 'GET', '/files?cursor=nonsense'), 400, 'bad_request')
  for (const query of ['limit=0', 'limit=-1', 'limit=x', 'offset=-1', 'offset=1.5'])
    refusal(await storage(me, 'GET', `/files?${query}`), 400, 'bad_request')
})

test('A folder is made once, with those above it', async () => {
  const me = await somebody()
  const make = (path: string) => storage(me, 'POST', '/files/mkdir', { json: { path } })
  assert.deepEqual((await make('docs/drafts/')).body, { path: 'docs/drafts/', created: true })
  assert.deepEqual((await make('docs/drafts/')).body, { path: 'docs/drafts/', created: false })
  assert.deepEqual((await make('docs/')).body, { path: 'docs/', created: false })
  await put(me, 'file', 'x')
  refusal(await make('file/'), 409, 'conflict')
  refusal(await make('file/below/'), 409, 'conflict')
  refusal(await make('docs'), 400, 'bad_request', /ends with "\/"/)
  const { body } = await storage(me, 'GET', '/files/log')
  assert.deepEqual(
    body.events.map(({ action, path, tx }) => [tx, action, path]),
    [
      [2, 'put', 'file'],
      [1, 'mkdir', 'docs/drafts/'],
    ],
  )
})

test('A file below a file, and a file where a folder is, is 409', async () => {
  const me = await somebody()
  await put(me, 'docs/a.txt', 'a')
  refusal(await put(me, 'docs/a.txt/b.txt', 'b'), 409, 'conflict')
  refusal(await put(me, 'docs', 'b'), 409, 'conflict')
  const json = { path: 'docs/a.txt/deep/er.txt' }
  refusal(await storage(me, 'POST', '/files/uploads', { json }), 409, 'conflict', /"docs\/a.txt" is a file/)
  // Before the body is asked for.
  const head = { Authorization: `Bearer ${me.key}`, 'Content-Length': 5, Expect: '100-continue' }
  const connection = await RawConnection.open(app.url)
  connection.send(requestHead('PUT', '/storage/files/docs/a.txt/x/y', head))
  assert.equal((await connection.answer()).status, 409)
  refusal(await put(me, 'docs/', 'b'), 400, 'bad_request')
})

test('A move keeps content, visibility and tags, sets the name, and is one transaction', async () => {
  const me = await somebody()
  const { id } = await upload(me, 'Hello', 'old.txt', 'text/plain', { public: 'true', tags: 'a,b' })
  const { status, body } = await storage(me, 'POST', '/files/move', {
    json: { from: 'old.txt', to: 'docs/new.txt', message: 'tidied' },
  })
  const { time, ...said } = body
  assert.deepEqual([status, said], [200, { from: 'old.txt', to: 'docs/new.txt', tx: 2 }])
  assert.equal(await (await fetch(`${app.url}/m/${id}`)).text(), 'Hello')
  const [file] = (await atiru(me, 'GET', '/files')).body.files
  assert.deepEqual([file?.file_id, file?.name, file?.is_public], [id, 'new.txt', true])
  const { events } = (await storage(me, 'GET', '/files/log')).body
  assert.deepEqual(events[0], {
    tx: 2,
    action: 'move',
    path: 'old.txt',
    to: 'docs/new.txt',
    size: 5,
    msg: 'tidied',
    ts: time,
  })
})

test('A move is refused onto what is there, from what is not, into itself, and from a file to a folder', async () => {
  const me = await somebody()
  for (const path of ['a.txt', 'b.txt', 'docs/c.txt']) await put(me, path, path)
  const move = (from: string, to: string) => storage(me, 'POST', '/files/move', { json: { from, to } })
  refusal(await move('a.txt', 'b.txt'), 409, 'conflict')
  refusal(await move('a.txt', 'docs'), 409, 'conflict')
  refusal(await move('nothing', 'x'), 404, 'not_found')
  refusal(await move('docs', 'x'), 404, 'not_found')
  refusal(await move('docs/', 'docs/in/it/'), 400, 'bad_request')
  refusal(await move('docs/', 'x'), 400, 'bad_request')
  refusal(await move('a.txt', 'x/'), 400, 'bad_request')
  refusal(await move('a.txt', 'b.txt/x'), 409, 'conflict')
  assert.equal((await move('docs/', 'papers/2026/')).status, 200)
  assert.equal((await storage(me, 'HEAD', '/files/papers/2026/c.txt')).status, 200)
  assert.equal((await storage(me, 'HEAD', '/files/docs/c.txt')).status, 404)
})

test('A folder goes with all below it, in one transaction that counts files and empty folders', async () => {
  const me = await somebody()
  for (const path of ['docs/a.txt', 'docs/b/c.txt', 'docs/b/d.txt', 'kept.txt']) await put(me, path, path)
  for (const path of ['docs/empty/', 'docs/b/hollow/']) await storage(me, 'POST', '/files/mkdir', { json: { path } })
  const { status, body } = await storage(me, 'DELETE', '/files/docs/')
  assert.deepEqual([status, body.deleted, body.tx], [200, 5, 7])
  assert.deepEqual(names((await storage(me, 'GET', '/files')).body.entries), ['kept.txt'])
  assert.deepEqual((await storage(me, 'GET', '/files/stats')).body, { files: 1, bytes: 8 })
  const one = await storage(me, 'DELETE', '/files/kept.txt')
  assert.deepEqual([one.body.deleted, one.body.tx], [1, 8])
})

test('What is replaced or deleted is gone at every door, and its bytes leave the quota', async () => {
  const me = await somebody()
  await put(me, 'a.txt', 'first')
  const [old] = (await atiru(me, 'GET', '/files')).body.files
  await put(me, 'a.txt', 'second')
  assert.equal((await atiru(me, 'GET', `/files/${old?.file_id}`)).status, 404)
  const [now] = (await atiru(me, 'GET', '/files')).body.files
  assert.deepEqual([now?.name, now?.size, now?.is_public], ['a.txt', 6, false])
  assert.notEqual(now?.id, old?.id)
})

test('A file of 6 of 10 MiB may be replaced by another of 6, and not be joined by one', async () => {
  const me = await somebody()
  const big = (fill: number) => Buffer.alloc(6 * 1024 * 1024, fill)
  const type = { headers: { 'Content-Type': 'application/octet-stream' } }
  assert.equal((await put(me, 'big.bin', big(1), type)).status, 201)
  assert.equal((await put(me, 'big.bin', big(2), type)).status, 200)
  refusal(await put(me, 'other.bin', big(3), type), 403, 'quota_exceeded')
})

test('No path leads out of its form: dots, empty parts, backslashes, controls, a leading slash, a route of the door', async () => {
  const me = await somebody()
  const bad = [
    '..',
    'a/../b',
    'a/./b',
    'a//b',
    '%2e%2e/x',
    'a/%2e%2e/b',
    'a%5Cb',
    'a%00b',
    'a%0Ab',
    '%2Fa',
    'log',
    'stats',
    'search',
    '',
    'a%zz',
    'a%ff',
  ]
  for (const path of bad) {
    const headers = { Authorization: `Bearer ${me.key}` }
    const { status, body } = await rawRequest(app.url, 'PUT', `/storage/files/${path}`, headers, 'x')
    assert.deepEqual([path, status, JSON.parse(body.toString()).error], [path, 400, 'bad_request'])
  }
  for (const path of ['../x/', '/x/', 'a//b/', './', 'x'])
    refusal(await storage(me, 'POST', '/files/mkdir', { json: { path } }), 400, 'bad_request')
  assert.deepEqual((await storage(me, 'GET', '/files/log')).body.events, [])
})

test('A part of a file, or its compressed form, never takes the place of the whole', async () => {
  const me = await somebody()
  await put(me, 'ten.txt', '0123456789')
  for (const headers of [{ 'Content-Range': 'bytes 6-9/10' }, { 'Content-Encoding': 'gzip' }])
    refusal(await put(me, 'ten.txt', '6789', { headers }), 400, 'bad_request')
  const { url } = (await storage(me, 'POST', '/files/uploads', { json: { path: 'ten.txt' } })).body
  const sent = await fetch(url, { method: 'PUT', headers: { 'Content-Range': 'bytes 6-9/10' }, body: '6789' })
  assert.equal(sent.status, 400)
  assert.equal((await storage(me, 'HEAD', '/files/ten.txt')).headers.get('content-length'), '10')
})

test('A path has at most a hundred parts, and one that is much too long is refused before it is looked at', async () => {
  const me = await somebody()
  const make = (path: string) => storage(me, 'POST', '/files/mkdir', { json: { path } })
  assert.equal((await make('a/'.repeat(100))).status, 200)
  refusal(await make('b/'.repeat(101)), 400, 'bad_request', /more than 100 parts/)
  // To bring a million marks into their one order would take minutes.
  refusal(await make(`a${'\u0301\u0323'.repeat(450_000)}/`), 400, 'bad_request', /more than 1,024 bytes/)
  assert.deepEqual(await app.catalogue.audit.wrongCounters(), [])
})

test('A path is one whether composed or decomposed, and its slashes plain or encoded', async () => {
  const me = await somebody()
  assert.equal((await put(me, 'docs/Ünder.txt', 'x')).status, 201)
  assert.equal((await put(me, 'docs/U\u0308nder.txt', 'y')).status, 200)
  assert.equal((await storage(me, 'HEAD', `/files/${encodeURIComponent('docs/Ünder.txt')}`)).status, 200)
})

test('A key held to docs/ reaches docs/a, and neither docs2/a nor anything by a way round', async () => {
  const me = await somebody()
  for (const path of ['docs/a', 'docs2/a', 'other']) await put(me, path, path)
  const key = (await app.newKey({ pathPrefix: 'docs' }, me.account)).text
  const held = { url: app.url, key }
  assert.equal((await storage(held, 'GET', '/files/docs/a')).status, 302)
  for (const path of ['docs2/a', 'other', 'docs', 'do\u0441s/a'])
    refusal(await storage(held, 'GET', `/files/${encodeURIComponent(path)}`), 403, 'forbidden')
  refusal(await storage(held, 'GET', '/files/docs%2f..%2fother'), 400, 'bad_request')
  assert.deepEqual(names((await storage(held, 'GET', '/files')).body.entries), ['a'])
  assert.deepEqual((await storage(held, 'GET', '/files/stats')).body, { files: 1, bytes: 6 })
  refusal(await storage(held, 'GET', '/files?prefix=docs2'), 403, 'forbidden')
  for (const [from, to] of [
    ['docs/a', 'x'],
    ['other', 'docs/x'],
  ])
    refusal(await storage(held, 'POST', '/files/move', { json: { from, to } }), 403, 'forbidden')
  for (const path of ['docs/', 'other']) refusal(await storage(held, 'DELETE', `/files/${path}`), 403, 'forbidden')
})

test('The log of a key that is held to a folder shows its own end of a move, and nothing of what is outside', async () => {
  const me = await somebody()
  for (const path of ['docs/a', 'out/b']) await put(me, path, path)
  for (const [from, to] of [
    ['docs/a', 'out/a'],
    ['out/b', 'docs/b'],
    ['out/a', 'out/c'],
  ])
    await storage(me, 'POST', '/files/move', { json: { from, to, message: 'a word on what is outside' } })
  const held = { url: app.url, key: (await app.newKey({ pathPrefix: 'docs/' }, me.account)).text }
  const { events } = (await storage(held, 'GET', '/files/log?since_tx=0')).body
  assert.deepEqual(
    events.map(({ tx, action, path, to, msg }) => [tx, action, path, to, msg]),
    [
      [1, 'put', 'docs/a', undefined, ''],
      [3, 'move', 'docs/a', '', ''],
      [4, 'move', '', 'docs/b', ''],
    ],
  )
})

test('The log tells what happened through every door, newest first, or after a transaction in order', async () => {
  const me = await somebody()
  await upload(me, 'by AetherCDN', 'a.txt')
  await atiru(me, 'POST', '/files', {
    bytes: 'by Atiru',
    headers: { 'Content-Type': 'text/plain', 'x-file-name': 'b.txt' },
  })
  await put(me, 'c.txt', 'by Storage')
  await storage(me, 'DELETE', '/files/c.txt')
  const log = async (query = '') => (await storage(me, 'GET', `/files/log${query}`)).body.events
  const shown = (await log()).map(({ tx, action, path, size }) => [tx, action, path, size])
  assert.deepEqual(shown, [
    [4, 'delete', 'c.txt', 10],
    [3, 'put', 'c.txt', 10],
    [2, 'put', 'b.txt', 8],
    [1, 'put', 'a.txt', 12],
  ])
  const txs = async (query: string) => (await log(query)).map(({ tx }) => tx)
  assert.deepEqual(await txs('?since_tx=1&limit=2'), [2, 3])
  assert.deepEqual(await txs('?path=c.txt'), [4, 3])
  assert.deepEqual(await txs('?since_tx=4'), [])
  assert.equal((await log('?path=a.txt'))[0]?.sha256, sha256('by AetherCDN'))
})

test('Files are found by words of their names and of the folders they lie in, best first', async () => {
  const me = await somebody()
  const paths = ['report.pdf.txt', 'docs/report 2026.txt', 'reports/summary.txt', 'über/Été.txt', 'other.txt']
  for (const path of paths) await put(me, path, path)
  const find = async (q: string) => {
    const { body } = await storage(me, 'GET', `/files/search?q=${encodeURIComponent(q)}`)
    assert.equal(body.query, q)
    return body.results.map(({ path }) => path)
  }
  assert.deepEqual(await find('report'), ['report.pdf.txt', 'docs/report 2026.txt', 'reports/summary.txt'])
  assert.deepEqual(await find('ETE uber'), ['über/Été.txt'])
  assert.deepEqual(await find('docs 2026'), ['docs/report 2026.txt'])
  assert.deepEqual(await find('nothing'), [])
  const { results } = (await storage(me, 'GET', '/files/search?q=other&limit=1')).body
  assert.deepEqual(
    results.map(({ path, name, size, type }) => [path, name, size, type]),
    [['other.txt', 'other.txt', 9, 'text/plain']],
  )
  for (const query of ['', '?q=', '?q=%20', '?q=null'])
    refusal(await storage(me, 'GET', `/files/search${query}`), 400, 'bad_request')
})

test('A signed address that was changed in any part of it, or is over, opens nothing', async () => {
  const me = await somebody()
  await put(me, 'a.txt', 'secret')
  await put(me, 'b.txt', 'other secret')
  const signed = new URL((await storage(me, 'GET', '/files/a.txt')).headers.get('location') ?? '')
  const other = new URL((await storage(me, 'GET', '/files/b.txt')).headers.get('location') ?? '')
  const opens = async (url: URL, method = 'GET') => (await fetch(url, { method })).status
  assert.equal(await opens(signed), 200)
  for (const name of ['expires', 'by', 'kid', 'signature']) {
    const [changed, without] = [new URL(signed), new URL(signed)]
    changed.searchParams.set(name, `${changed.searchParams.get(name)}0`)
    without.searchParams.delete(name)
    assert.deepEqual([await opens(changed), await opens(without)], [403, 403], name)
  }
  assert.equal(await opens(new URL(signed.pathname + other.search, app.url)), 403)
  assert.equal(await opens(signed, 'PUT'), 405)
  // What is not signed is not believed, and does nothing.
  signed.searchParams.set('response-content-type', 'text/html')
  assert.equal((await fetch(signed)).headers.get('content-type'), 'text/plain; charset=utf-8')
  clock.aheadMs += 3_600_001
  assert.equal(await opens(signed), 403)
})

test('A signed address ends with its key, its account and its file', async () => {
  const me = await somebody()
  await put(me, 'a.txt', 'a')
  const { id, text } = await app.newKey({}, me.account)
  const address = async (key: string) =>
    (await storage({ url: app.url, key }, 'GET', '/files/a.txt')).headers.get('location') ?? ''
  const [byKey, byOther] = [await address(text), await address(me.key)]
  await app.catalogue.write.revokeKey({ id, now: clock.now() })
  assert.deepEqual([(await fetch(byKey)).status, (await fetch(byOther)).status], [403, 200])
  await put(me, 'a.txt', 'b')
  assert.equal((await fetch(byOther)).status, 404)
  const last = await address(me.key)
  await app.accounts.setDisabled(me.account, true)
  assert.equal((await fetch(last)).status, 403)
})

test('A signed address opens nothing that has left the folder of its key', async () => {
  const me = await somebody()
  await put(me, 'docs/a.txt', 'a')
  const held = { url: app.url, key: (await app.newKey({ pathPrefix: 'docs/' }, me.account)).text }
  const signed = (await storage(held, 'GET', '/files/docs/a.txt')).headers.get('location') ?? ''
  assert.equal((await fetch(signed)).status, 200)
  await storage(me, 'POST', '/files/move', { json: { from: 'docs/a.txt', to: 'docs/deeper/b.txt' } })
  assert.equal((await fetch(signed)).status, 200)
  await storage(me, 'POST', '/files/move', { json: { from: 'docs/deeper/', to: 'private/' } })
  assert.equal((await fetch(signed)).status, 403)
})

test('What leads somewhere by itself is not written to the log', async () => {
  const me = await somebody()
  await put(me, 'a.txt', 'a')
  const { token } = (await storage(me, 'POST', '/files/share', { json: { path: 'a.txt' } })).body
  const reader = { url: app.url, key: (await app.newKey({ scopes: ['files:read'] }, me.account)).text }
  refusal(await storage(reader, 'DELETE', `/shares/${token}`), 403, 'forbidden')
  await fetch(`${app.url}/s/${token}`, { redirect: 'manual' })
  await fetch(`${app.url}/storage/s/${token}`, { redirect: 'manual' })
  assert.ok(!(await app.wholeLog()).includes(token))
})

test('What another account has is missing, by path and by every list', async () => {
  const [me, them] = [await somebody(), await somebody()]
  await put(me, 'mine/a.txt', 'mine')
  refusal(await storage(them, 'GET', '/files/mine/a.txt'), 404, 'not_found')
  refusal(await storage(them, 'DELETE', '/files/mine/'), 404, 'not_found')
  refusal(await storage(them, 'POST', '/files/move', { json: { from: 'mine/a.txt', to: 'x' } }), 404, 'not_found')
  assert.deepEqual((await storage(them, 'GET', '/files')).body.entries, [])
  assert.deepEqual((await storage(them, 'GET', '/files/search?q=mine')).body.results, [])
  assert.deepEqual((await storage(them, 'GET', '/files/log')).body.events, [])
  assert.equal((await put(them, 'mine/a.txt', 'theirs')).status, 201)
  assert.equal((await storage(me, 'HEAD', '/files/mine/a.txt')).headers.get('content-length'), '4')
})

test("Under the door's own host name and below a base path, the addresses it gives are the ones it answers", async (t) => {
  const own = await openTestApp(t, { hosts: { 'storage.home.lan': 'storage' }, 'server.base_path': '/box' })
  const ask = (method: string, target: string, headers = {}, body = '') =>
    rawRequest(own.url, method, target, { Host: 'storage.home.lan', ...headers }, body)
  const key = { Authorization: `Bearer ${own.key}` }
  assert.equal((await ask('PUT', '/box/files/docs/a.txt', key, 'Hello')).status, 201)
  const led = await ask('GET', '/box/files/docs/a.txt', key)
  const signed = new URL(led.headers.location ?? '')
  assert.equal(signed.href.startsWith('http://storage.home.lan/box/o/'), true, signed.href)
  assert.equal((await ask('GET', signed.pathname + signed.search)).body.toString(), 'Hello')
  const type = { 'Content-Type': 'application/json' }
  const made = await ask('POST', '/box/files/share', { ...key, ...type }, '{"path":"docs/a.txt"}')
  const { url } = JSON.parse(made.body.toString()) as { url: string }
  assert.ok(url.startsWith('http://storage.home.lan/box/s/'), url)
  assert.equal((await ask('GET', new URL(url).pathname)).status, 302)
})

test('Too many calls are told to wait, in the words of this door; downloads by signed addresses are no calls', async (t) => {
  const strict = await openTestApp(t, { 'limits.api': '3/1m' })
  await put(strict, 'a.txt', 'a')
  const signed = (await storage(strict, 'GET', '/files/a.txt')).headers.get('location') ?? ''
  await storage(strict, 'GET', '/files')
  const refused = await storage(strict, 'GET', '/files')
  refusal(refused, 429, 'rate_limited', /try again in \d+ seconds/)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal(refused.headers.get('ratelimit-remaining'), '0')
  for (let n = 0; n < 10; n++) assert.equal((await fetch(signed)).status, 200)
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import {
  complete,
  contentAt,
  dayMs,
  nothingUnderWay,
  ok,
  openUploadServer,
  partFiles,
  refusedWith,
  send,
  sent,
  sha256,
  start,
  started,
  uploadBytes,
  uploadFolders,
} from '../support/direct-uploads.ts'
import { RawConnection, rawRequest, requestHead } from '../support/raw.ts'
import { until } from '../support/state.ts'
import { put, refusal, storage } from '../support/storage.ts'

const { app, clock } = await openUploadServer(openTestApp)

const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const targetOf = (url: string): string => url.slice(app.url.length)

test('an upload begins with an address, takes one PUT there, and is a file once it is completed', async () => {
  const body = await started(app, { path: 'docs/report.txt', content_type: 'text/plain' })
  assert.deepEqual(Object.keys(body), ['url', 'content_type', 'expires_in'])
  assert.ok(body.url.startsWith(`${app.url}/o/uploads/`), body.url)
  assert.deepEqual([body.content_type, body.expires_in], ['text/plain', 3_600])
  const answer = await send(body.url, 'the report', 'text/plain')
  assert.deepEqual([answer.status, answer.etag, answer.bytes.length], [200, `"${sha256('the report')}"`, 0])
  assert.equal(answer.headers.get('access-control-allow-origin'), '*')
  refusal(await storage(app, 'GET', '/files/docs/report.txt'), 404, 'not_found')
  const done = ok(await complete(app, { path: 'docs/report.txt', message: 'first' }))
  assert.deepEqual(Object.keys(done), ['path', 'name', 'size', 'tx', 'time'])
  assert.deepEqual([done.path, done.name, done.size], ['docs/report.txt', 'report.txt', 10])
  assert.ok(Math.abs(done.time - clock.now()) < 60_000)
  assert.equal((await contentAt(app, 'docs/report.txt')).toString(), 'the report')
  const { events } = ok(await storage(app, 'GET', '/files/log?path=docs/report.txt'))
  assert.deepEqual(
    events.map(({ tx, action, msg, size }) => ({ tx, action, msg, size })),
    [{ tx: done.tx, action: 'put', msg: 'first', size: 10 }],
  )
  assert.deepEqual([await partFiles(app), await uploadBytes(app)], [[], 0])
})

test('completing again within a day is the same answer, and later there is nothing to complete', async () => {
  const { url } = await started(app, { path: 'again.txt' })
  await sent(url, 'once')
  const first = ok(await complete(app, { path: 'again.txt', message: 'one' }))
  assert.deepEqual(ok(await complete(app, { path: 'again.txt', message: 'two' })), first)
  clock.aheadMs += dayMs + 1_000
  refusal(await complete(app, { path: 'again.txt' }), 404, 'not_found')
  assert.equal((await contentAt(app, 'again.txt')).toString(), 'once')
})

test('completed twice at once, it is published once', async () => {
  const { url } = await started(app, { path: 'twice.txt' })
  await sent(url, 'twice')
  const answers = await Promise.all(Array.from({ length: 5 }, () => complete(app, { path: 'twice.txt' })))
  const [first, ...others] = answers.map(ok)
  for (const other of others) assert.deepEqual(other, first)
  assert.equal(ok(await storage(app, 'GET', '/files/log?path=twice.txt')).events.length, 1)
})

test('without the bytes there is nothing to complete, and nothing where no upload was begun', async () => {
  refusal(await complete(app, { path: 'never.txt' }), 404, 'not_found', /there is no such upload$/)
  await started(app, { path: 'never.txt' })
  refusal(await complete(app, { path: 'never.txt' }), 404, 'not_found', /it was begun, and nothing has come yet/)
})

test('a PUT may be repeated: the last one that finished counts, and leaves nothing of the others', async () => {
  const { url } = await started(app, { path: 'repeated.bin' })
  const before = (await partFiles(app)).length
  for (const n of [1, 2, 3]) await sent(url, `body ${n}`)
  await Promise.all(Array.from({ length: 8 }, () => sent(url, randomBytes(300_000))))
  const last = randomBytes(1_000)
  await sent(url, last)
  assert.equal((await partFiles(app)).length, before + 1)
  assert.equal(await uploadBytes(app), 1_000)
  assert.equal(ok(await complete(app, { path: 'repeated.bin' })).size, 1_000)
  assert.deepEqual(await contentAt(app, 'repeated.bin'), last)
})

test('after completion a PUT is a conflict, until another upload begins for the path', async () => {
  const { url } = await started(app, { path: 'closed.txt' })
  await sent(url, 'one')
  const first = ok(await complete(app, { path: 'closed.txt' }))
  assert.deepEqual(refusedWith(await send(url, 'two')), [409, 'conflict'])
  const second = await started(app, { path: 'closed.txt' })
  refusal(await complete(app, { path: 'closed.txt' }), 404, 'not_found')
  await sent(second.url, 'three')
  assert.ok(ok(await complete(app, { path: 'closed.txt' })).tx > first.tx)
  assert.equal((await contentAt(app, 'closed.txt')).toString(), 'three')
})

test('a second start joins the first, and says anew what comes', async () => {
  const first = await started(app, { path: 'joined.txt', content_type: 'text/plain' })
  const second = await started(app, { path: 'joined.txt', content_type: 'text/csv' })
  assert.equal(new URL(second.url).pathname, new URL(first.url).pathname)
  await sent(first.url, 'a;b', 1, 'text/plain')
  ok(await complete(app, { path: 'joined.txt' }))
  const { content_type: type } = ok(
    await storage(app, 'GET', '/files/joined.txt', { headers: { Accept: 'application/json' } }),
  )
  assert.equal(type, 'text/csv')
})

test('twenty starts at once for one path are one upload', async () => {
  const bodies = await Promise.all(Array.from({ length: 20 }, () => started(app, { path: 'rush.txt' })))
  assert.equal(new Set(bodies.map(({ url }) => new URL(url).pathname)).size, 1)
})

test('a Content-Type other than the one asked for is refused; none, and one with parameters, are not', async () => {
  const { url } = await started(app, { path: 'typed.txt', content_type: 'text/plain' })
  assert.deepEqual(refusedWith(await send(url, 'x', 'text/html')), [400, 'bad_request'])
  assert.deepEqual(refusedWith(await send(url, 'x', 'application/octet-stream')), [400, 'bad_request'])
  for (const type of [undefined, 'text/plain', 'TEXT/PLAIN; charset=utf-8']) await sent(url, 'x', 1, type)
})

test('where no type was asked for any is taken, and the file has what was sent, or what its bytes tell', async () => {
  const typeOf = async (path: string, bytes: Uint8Array | string, type?: string) => {
    const body = await started(app, { path })
    assert.equal(body.content_type, 'application/octet-stream')
    await sent(body.url, bytes, 1, type)
    ok(await complete(app, { path }))
    return (await storage(app, 'HEAD', `/files/${path}`)).headers.get('content-type')
  }
  assert.equal(await typeOf('kinds/a', 'text', 'text/markdown'), 'text/markdown')
  assert.equal(await typeOf('kinds/b', png), 'image/png')
  assert.equal(await typeOf('kinds/c.css', 'a {}'), 'text/css')
  // What curl says of any body.
  assert.equal(await typeOf('kinds/d', png, 'application/x-www-form-urlencoded'), 'image/png')
})

test('bytes of another type than was asked for are not published, and what was right can be sent in their place', async () => {
  const { url } = await started(app, { path: 'picture.png', content_type: 'image/png' })
  await sent(url, 'no picture', 1, 'image/png')
  refusal(await complete(app, { path: 'picture.png' }), 400, 'bad_request', /not image\/png/)
  await sent(url, png, 1, 'image/png')
  ok(await complete(app, { path: 'picture.png' }))
})

test('a type that is none is refused', async () => {
  for (const type of ['', 'nonsense', 'text/plain, text/html'])
    refusal(await start(app, { path: 'x', content_type: type }), 400, 'bad_request', /content_type/)
})

test('a tampered address is refused, whatever of it was changed', async () => {
  const { url } = await started(app, { path: 'tampered.txt', content_type: 'text/plain' })
  const changed = (change: (url: URL) => void): string => {
    const other = new URL(url)
    change(other)
    return other.href
  }
  const query = new URL(url).searchParams
  assert.deepEqual([...query.keys()], ['type', 'length', 'expires', 'kid', 'signature'])
  const wrong: Record<string, string> = {
    type: 'text/html',
    length: '0-99999999999',
    expires: String(Number(query.get('expires')) + 60),
    kid: 'another',
    signature: query.get('signature')?.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) ?? '',
  }
  for (const [name, value] of Object.entries(wrong)) {
    for (const change of [
      (other: URL) => other.searchParams.set(name, value),
      (other: URL) => other.searchParams.delete(name),
    ])
      assert.deepEqual(refusedWith(await send(changed(change), 'x', 'text/plain')), [403, 'forbidden'], name)
  }
  for (const path of [/\/1$/, /[0-9a-f](?=\/1$)/]) {
    const other = changed((one) => {
      one.pathname = one.pathname.replace(path, (found) => (found === '/1' ? '/2' : found === '0' ? '1' : '0'))
    })
    assert.deepEqual(refusedWith(await send(other, 'x', 'text/plain')), [403, 'forbidden'], other)
  }
  const more = changed((other) => other.searchParams.append('part', '2'))
  await sent(more, 'what is not signed means nothing', 1, 'text/plain')
})

test('an address is good for one thing: not to read, not for another method', async () => {
  const { url } = await started(app, { path: 'method.txt' })
  for (const method of ['GET', 'POST', 'DELETE']) {
    const response = await fetch(url, { method })
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'PUT, OPTIONS'])
    await response.arrayBuffer()
  }
})

test('an address is over after an hour, and the upload goes on with another', async () => {
  const { url } = await started(app, { path: 'hour.txt' })
  clock.aheadMs += 3_601_000
  assert.deepEqual(refusedWith(await send(url, 'late')), [403, 'forbidden'])
  await sent((await started(app, { path: 'hour.txt' })).url, 'in time')
  ok(await complete(app, { path: 'hour.txt' }))
})

test('what is never completed is dropped after a day', async () => {
  const { url } = await started(app, { path: 'forgotten.txt' })
  await sent(url, 'for nobody')
  clock.aheadMs += dayMs + 1_000
  refusal(await complete(app, { path: 'forgotten.txt' }), 404, 'not_found')
  // Nothing of it is left to one that begins anew.
  await started(app, { path: 'forgotten.txt' })
  refusal(await complete(app, { path: 'forgotten.txt' }), 404, 'not_found')
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[], 0])
})

test('a body larger than a file may be is refused before it is sent, or where it has no length, once it is too long', async () => {
  const { url } = await started(app, { path: 'large.bin' })
  const connection = await RawConnection.open(app.url)
  const headers = { 'Content-Length': 8 * 1024 * 1024 + 1, Expect: '100-continue' }
  connection.send(requestHead('PUT', targetOf(url), headers))
  const { status, body } = await connection.answer()
  assert.deepEqual([status, JSON.parse(body.toString()).error], [413, 'too_large'])
  connection.destroy()
  const chunks = new ReadableStream({
    start(controller) {
      for (let n = 0; n < 9; n++) controller.enqueue(new Uint8Array(1024 * 1024))
      controller.close()
    },
  })
  const init = { method: 'PUT', body: chunks, duplex: 'half' } as RequestInit
  const response = await fetch(url, init)
  assert.deepEqual([response.status, ((await response.json()) as { error: string }).error], [413, 'too_large'])
  await nothingUnderWay(app)
  assert.equal(await uploadBytes(app), 0)
})

test('a client that waits to be asked is asked, and taken at its word', async () => {
  const { url } = await started(app, { path: 'expect.txt' })
  const connection = await RawConnection.open(app.url)
  connection.send(requestHead('PUT', targetOf(url), { 'Content-Length': 5, Expect: '100-continue' }))
  assert.equal((await connection.answer()).status, 100)
  connection.send('hello')
  const { status, headers } = await connection.answer()
  assert.deepEqual([status, headers.etag], [200, `"${sha256('hello')}"`])
  connection.destroy()
})

test('bytes without a length are taken, and so are none at all', async () => {
  const { url } = await started(app, { path: 'chunked.txt' })
  const answer = await rawRequest(
    app.url,
    'PUT',
    targetOf(url),
    { 'Transfer-Encoding': 'chunked' },
    '5\r\nhello\r\n0\r\n\r\n',
  )
  assert.equal(answer.status, 400, 'both a length and chunks are no request')
  const connection = await RawConnection.open(app.url)
  connection.send(`${requestHead('PUT', targetOf(url), { 'Transfer-Encoding': 'chunked' })}5\r\nhello\r\n0\r\n\r\n`)
  assert.equal((await connection.answer()).status, 200)
  connection.destroy()
  assert.equal(ok(await complete(app, { path: 'chunked.txt' })).size, 5)
  const empty = await started(app, { path: 'empty.txt' })
  await sent(empty.url, '')
  assert.equal(ok(await complete(app, { path: 'empty.txt' })).size, 0)
  assert.equal((await contentAt(app, 'empty.txt')).length, 0)
})

test('a client that is gone half-way leaves nothing, and what it sent before is still there', async () => {
  const { url } = await started(app, { path: 'gone.bin' })
  await sent(url, 'before')
  const files = await partFiles(app)
  const connection = await RawConnection.open(app.url)
  connection.send(requestHead('PUT', targetOf(url), { 'Content-Length': 4_000_000 }))
  await connection.sent(randomBytes(1_000_000))
  await until('its file', async () => (await partFiles(app)).length > files.length)
  connection.destroy()
  await until('its end', async () => (await partFiles(app)).length === files.length)
  await nothingUnderWay(app)
  assert.deepEqual(await partFiles(app), files)
  assert.equal(ok(await complete(app, { path: 'gone.bin' })).size, 6)
})

test("an address ends with the key that it was asked for with, and with the key's account", async () => {
  const other = await app.newAccount('keys@example.org')
  const urlBy = async (wish: Parameters<typeof app.newKey>[0], path: string) => {
    const { id, text } = await app.newKey(wish, other)
    return { id, text, url: (await started(app, { path }, { key: text })).url }
  }
  const revoked = await urlBy({}, 'revoked.txt')
  const expiring = await urlBy({ expiresAt: clock.now() + 60_000 }, 'expiring.txt')
  await sent(revoked.url, 'still good')
  await sent(expiring.url, 'still good')
  await app.catalogue.write.revokeKey({ id: revoked.id, now: clock.now() })
  assert.deepEqual(refusedWith(await send(revoked.url, 'x')), [403, 'forbidden'])
  refusal(await complete(app, { path: 'revoked.txt' }, { key: revoked.text }), 401, 'unauthorized')
  clock.aheadMs += 61_000
  assert.deepEqual(refusedWith(await send(expiring.url, 'x')), [403, 'forbidden'])
  // Another key of the account takes the upload over.
  const next = await urlBy({}, 'revoked.txt')
  assert.equal(ok(await complete(app, { path: 'revoked.txt' }, { key: next.text })).size, 10)
  const disabled = await urlBy({}, 'disabled.txt')
  await app.accounts.setDisabled(other, true)
  assert.deepEqual(refusedWith(await send(disabled.url, 'x')), [403, 'forbidden'])
})

test('a key that is revoked while the bytes come has them refused', async () => {
  const { id, text } = await app.newKey()
  const { url } = await started(app, { path: 'meanwhile.bin' }, { key: text })
  const before = (await partFiles(app)).length
  const connection = await RawConnection.open(app.url)
  connection.send(requestHead('PUT', targetOf(url), { 'Content-Length': 600_000 }))
  await connection.sent(randomBytes(300_000))
  await until('its file', async () => (await partFiles(app)).length > before)
  await app.catalogue.write.revokeKey({ id, now: clock.now() })
  connection.send(randomBytes(300_000))
  assert.equal((await connection.answer()).status, 403)
  connection.destroy()
  await nothingUnderWay(app)
  assert.equal((await partFiles(app)).length, before)
})

test('uploads are of one account, and inside the prefix of a key', async () => {
  const other = await app.newAccount('other@example.org')
  const theirs = (await app.newKey({}, other)).text
  const held = (await app.newKey({ pathPrefix: 'docs/' })).text
  const { url } = await started(app, { path: 'private/own.txt' })
  await sent(url, 'mine')
  refusal(await complete(app, { path: 'private/own.txt' }, { key: theirs }), 404, 'not_found')
  refusal(await complete(app, { path: 'private/own.txt' }, { key: held }), 403, 'forbidden')
  for (const path of ['private/own.txt', 'docs2/a', 'docs', 'Docs/a'])
    refusal(await start(app, { path }, { key: held }), 403, 'forbidden')
  for (const path of ['docs/../private', '/docs/a', 'docs//a', 'docs/.', 'docs\\a', '', 'a/', 'log'])
    refusal(await start(app, { path }, { key: held }), 400, 'bad_request')
  await sent((await started(app, { path: 'docs/held.txt' }, { key: held })).url, 'inside')
  ok(await complete(app, { path: 'docs/held.txt' }, { key: held }))
  const reader = (await app.newKey({ scopes: ['files:read'] })).text
  refusal(await start(app, { path: 'x' }, { key: reader }), 403, 'forbidden')
  refusal(await complete(app, { path: 'x' }, { key: reader }), 403, 'forbidden')
  refusal(await storage(app, 'POST', '/files/uploads', { json: { path: 'x' }, key: null }), 401, 'unauthorized')
})

test('a path in another form is the same upload', async () => {
  const { url } = await started(app, { path: 'caf\u0065\u0301.txt' })
  await sent(url, 'crème')
  assert.equal(ok(await complete(app, { path: 'caf\u00e9.txt' })).path, 'caf\u00e9.txt')
})

test('onto a folder, or below a file, is a conflict: when it begins, and where it comes to be one, when it is completed', async () => {
  ok(await storage(app, 'POST', '/files/mkdir', { json: { path: 'taken/' } }))
  refusal(await start(app, { path: 'taken' }), 409, 'conflict')
  const { url } = await started(app, { path: 'file/below' })
  await sent(url, 'kept for when the way is free')
  assert.equal((await put(app, 'file', 'x')).status, 201)
  refusal(await start(app, { path: 'file/below' }), 409, 'conflict')
  refusal(await complete(app, { path: 'file/below' }), 409, 'conflict')
  ok(await storage(app, 'DELETE', '/files/file'))
  ok(await complete(app, { path: 'file/below' }))
  assert.equal((await contentAt(app, 'file/below')).toString(), 'kept for when the way is free')
})

test('an upload takes the place of the file that is there', async () => {
  assert.equal((await put(app, 'over.txt', 'old')).status, 201)
  await sent((await started(app, { path: 'over.txt' })).url, 'new!')
  assert.equal((await contentAt(app, 'over.txt')).toString(), 'old')
  assert.equal(ok(await complete(app, { path: 'over.txt' })).size, 4)
  assert.equal((await contentAt(app, 'over.txt')).toString(), 'new!')
})

test('bytes that the account has need not be sent: the file is there at once', async () => {
  assert.equal((await put(app, 'original.txt', 'the very same')).status, 201)
  const body = ok(await start(app, { path: 'copy.txt', content_hash: sha256('the very same').toUpperCase() }))
  assert.deepEqual(Object.keys(body), ['path', 'name', 'size', 'tx', 'time', 'exists'])
  assert.deepEqual([body.path, body.name, body.size, body.exists], ['copy.txt', 'copy.txt', 13, true])
  assert.equal((await contentAt(app, 'copy.txt')).toString(), 'the very same')
  const wrong = { path: 'copy.png', content_type: 'image/png', content_hash: sha256('the very same') }
  refusal(await start(app, wrong), 400, 'bad_request', /not image\/png/)
})

test('bytes that only others have, or that the key does not reach, are to be sent like any', async () => {
  const other = await app.newAccount('same@example.org')
  const key = (await app.newKey({}, other)).text
  assert.equal((await put(app, 'secret/plan.txt', 'nobody must know')).status, 201)
  const known = { path: 'docs/plan.txt', content_hash: sha256('nobody must know') }
  const unknown = { path: 'docs/plan.txt', content_hash: sha256('nobody has this') }
  const shape = async (json: object, by: string) => {
    const answer = await start(app, json as never, { key: by })
    return [answer.status, Object.keys(answer.body), answer.body.content_type, answer.body.expires_in]
  }
  assert.deepEqual(await shape(known, key), await shape(unknown, key))
  const held = (await app.newKey({ pathPrefix: 'docs/' })).text
  assert.deepEqual(await shape(known, held), await shape(unknown, held))
})

test('content_hash is checked on completion', async () => {
  const { url } = await started(app, { path: 'hashed.txt', content_hash: sha256('right') })
  await sent(url, 'wrong')
  refusal(await complete(app, { path: 'hashed.txt' }), 400, 'bad_request', /hashes to/)
  await sent(url, 'right')
  assert.equal(ok(await complete(app, { path: 'hashed.txt' })).size, 5)
  for (const hash of ['', 'xyz', sha256('a').slice(1), `${sha256('a')}0`])
    refusal(await start(app, { path: 'x', content_hash: hash }), 400, 'bad_request', /content_hash/)
})

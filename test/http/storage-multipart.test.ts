import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import Database from 'better-sqlite3'
import { openTestApp, type TestApp, temporaryFolder } from '../support/app.ts'
import {
  abort,
  completeParts,
  contentAt,
  dayMs,
  nothingUnderWay,
  ok,
  openUploadServer,
  partFiles,
  random,
  refusedWith,
  send,
  sent,
  sentParts,
  sha256,
  startedParts,
  startParts,
  uploadBytes,
  uploadFolders,
} from '../support/direct-uploads.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { mustBeSound } from '../support/sound.ts'
import { blobPath, until } from '../support/state.ts'
import { put, refusal, type StorageBody, storage } from '../support/storage.ts'

const { app, clock } = await openUploadServer(openTestApp)

test('an upload in parts gives an address for each, and is a file once it is completed', async () => {
  const body = await startedParts(app, { path: 'films/long.bin', content_type: 'application/x-film', part_count: 3 })
  assert.deepEqual(Object.keys(body), ['upload_id', 'key', 'content_type', 'part_urls', 'expires_in'])
  assert.deepEqual([body.key, body.content_type, body.expires_in], ['films/long.bin', 'application/x-film', 3_600])
  assert.equal(new Set(body.part_urls).size, 3)
  const bodies = random(1_500_000, 1, 700_000)
  const parts = await Promise.all(
    bodies.map((bytes, at) => sent(body.part_urls[at] ?? '', bytes, at + 1, 'application/x-film')),
  )
  assert.deepEqual(
    parts.map(({ etag }) => etag),
    bodies.map((bytes) => `"${sha256(bytes)}"`),
  )
  const listed = ok(await storage(app, 'GET', `/uploads/${body.upload_id}`))
  assert.deepEqual(listed, {
    upload_id: body.upload_id,
    path: 'films/long.bin',
    parts: parts.map((part, at) => ({ ...part, size: bodies[at]?.length })),
  })
  assert.equal(await uploadBytes(app), 2_200_001)
  const wish = { path: 'films/long.bin', upload_id: body.upload_id, parts, message: 'the film' }
  const done = ok(await completeParts(app, wish))
  assert.deepEqual(Object.keys(done), ['path', 'name', 'size', 'tx', 'time'])
  assert.deepEqual([done.path, done.name, done.size], ['films/long.bin', 'long.bin', 2_200_001])
  assert.deepEqual(await contentAt(app, 'films/long.bin'), Buffer.concat(bodies))
  const head = await storage(app, 'HEAD', '/files/films/long.bin')
  assert.equal(head.headers.get('content-type'), 'application/x-film')
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[], 0])
  assert.deepEqual(ok(await completeParts(app, wish)), done, 'again it is the same')
  refusal(await storage(app, 'GET', `/uploads/${body.upload_id}`), 404, 'not_found')
  assert.deepEqual(refusedWith(await send(body.part_urls[0] ?? '', 'x', 'application/x-film')), [409, 'conflict'])
})

test('parts may be listed in any order, and those that are not listed are not used', async () => {
  const bodies = random(100, 200, 300, 400)
  const { wish, parts } = await sentParts(app, 'order.bin', bodies)
  const chosen = [4, 1, 3].map((number) => parts.find((part) => part.part_number === number))
  assert.equal(ok(await completeParts(app, { ...wish, parts: chosen })).size, 800)
  const [first, , third, fourth] = bodies as [Buffer, Buffer, Buffer, Buffer]
  assert.deepEqual(await contentAt(app, 'order.bin'), Buffer.concat([first, third, fourth]))
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[], 0])
})

test('a wrong ETag, a part that was not sent, one that is listed twice: none is published, and the parts stay', async () => {
  const { upload, wish, parts } = await sentParts(app, 'wrong.bin', random(10, 20))
  const [one, two] = parts.sort((a, b) => a.part_number - b.part_number) as [(typeof parts)[0], (typeof parts)[0]]
  const wrong = [
    [one, { ...two, etag: one.etag }],
    [one, { ...two, etag: '' }],
    [one, two, { part_number: 3, etag: one.etag }],
    [one, one],
    [],
    [{ part_number: 0, etag: one.etag }],
    [{ part_number: 10_001, etag: one.etag }],
    [{ part_number: 1.5, etag: one.etag }],
    [{ part_number: 1 }],
  ]
  for (const list of wrong) refusal(await completeParts(app, { ...wish, parts: list }), 400, 'bad_request')
  assert.equal(ok(await storage(app, 'GET', `/uploads/${upload.upload_id}`)).parts.length, 2)
  const bare = { ...two, etag: two.etag.replaceAll('"', '').toUpperCase() }
  assert.equal(ok(await completeParts(app, { ...wish, parts: [one, bare] })).size, 30)
})

test('a part that is still coming when the upload is completed is refused at its end', async () => {
  const { upload, wish } = await sentParts(app, 'slow.bin', random(100, 100))
  const { pathname, search } = new URL(upload.part_urls[1] ?? '')
  const connection = await RawConnection.open(app.url)
  connection.send(requestHead('PUT', pathname + search, { 'Content-Length': 600_000 }))
  await connection.sent(randomBytes(300_000))
  await until('its file', async () => (await partFiles(app)).length === 3)
  ok(await completeParts(app, wish))
  connection.send(randomBytes(300_000))
  const { status, body } = await connection.answer()
  assert.deepEqual([status, JSON.parse(body.toString()).error], [409, 'conflict'])
  connection.destroy()
  await nothingUnderWay(app)
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[], 0])
})

test('an aborted upload takes no more parts, leaves nothing, and may be aborted again', async () => {
  const { upload, wish } = await sentParts(app, 'aborted.bin', random(1_000, 2_000))
  assert.equal(await uploadBytes(app), 3_000)
  assert.deepEqual(ok(await abort(app, wish)), { aborted: true })
  assert.deepEqual(ok(await abort(app, wish)), { aborted: false })
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[], 0])
  assert.deepEqual(refusedWith(await send(upload.part_urls[0] ?? '', 'x')), [404, 'not_found'])
  refusal(await completeParts(app, wish), 404, 'not_found')
  refusal(await storage(app, 'GET', `/uploads/${upload.upload_id}`), 404, 'not_found')
  refusal(await abort(app, { ...wish, upload_id: randomUUID() }), 404, 'not_found')
  refusal(await abort(app, { ...wish, path: 'other.bin' }), 404, 'not_found')
  const again = await startedParts(app, { path: 'aborted.bin' })
  assert.notEqual(again.upload_id, upload.upload_id)
})

test('a part that is still coming when its upload is aborted is not found at its end, and leaves nothing', async () => {
  const { upload, wish } = await sentParts(app, 'aborted-meanwhile.bin', random(100, 100))
  const { pathname, search } = new URL(upload.part_urls[1] ?? '')
  const connection = await RawConnection.open(app.url)
  connection.send(requestHead('PUT', pathname + search, { 'Content-Length': 600_000 }))
  await connection.sent(randomBytes(300_000))
  await until('its file', async () => (await partFiles(app)).length === 3)
  assert.deepEqual(ok(await abort(app, wish)), { aborted: true })
  connection.send(randomBytes(300_000))
  assert.equal((await connection.answer()).status, 404)
  connection.destroy()
  await nothingUnderWay(app)
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[], 0])
})

test('what is complete is not aborted any more', async () => {
  const { wish } = await sentParts(app, 'done.bin', random(10))
  ok(await completeParts(app, wish))
  refusal(await abort(app, wish), 409, 'conflict')
})

test('a second start joins the first, with as many addresses as it asks for', async () => {
  const first = await startedParts(app, { path: 'join.bin', part_count: 2 })
  await sent(first.part_urls[0] ?? '', 'one')
  const second = await startedParts(app, { path: 'join.bin', part_count: 4 })
  assert.equal(second.upload_id, first.upload_id)
  assert.equal(second.part_urls.length, 4)
  assert.equal(ok(await storage(app, 'GET', `/uploads/${first.upload_id}`)).parts.length, 1)
})

test('there are 1 to 10,000 parts, and one where nothing is said', async () => {
  for (const count of [0, -1, 10_001, 1.5, '3'])
    refusal(await startParts(app, { path: 'count.bin', part_count: count }), 400, 'bad_request', /part_count/)
  assert.equal((await startedParts(app, { path: 'count.bin' })).part_urls.length, 1)
  const many = await startedParts(app, { path: 'count.bin', part_count: 10_000 })
  assert.equal(many.part_urls.length, 10_000)
  assert.match(await sent(many.part_urls[9_999] ?? '', 'the last', 10_000).then(({ etag }) => etag), /^"[0-9a-f]{64}"$/)
  const parts = [{ part_number: 10_000, etag: sha256('the last') }]
  ok(await completeParts(app, { path: 'count.bin', upload_id: many.upload_id, parts }))
})

test('an upload in parts lives seven days, however long its addresses', async () => {
  const { wish } = await sentParts(app, 'week.bin', random(5, 5))
  const { upload: late } = await sentParts(app, 'late.bin', random(5))
  clock.aheadMs += 7 * dayMs - 60_000
  const near = await startedParts(app, { path: 'new.bin' })
  assert.equal(near.expires_in, 3_600)
  ok(await completeParts(app, wish))
  clock.aheadMs += 120_000
  refusal(await storage(app, 'GET', `/uploads/${late.upload_id}`), 404, 'not_found')
  refusal(
    await completeParts(app, { path: 'late.bin', upload_id: late.upload_id, parts: [{ part_number: 1, etag: 'x' }] }),
    404,
    'not_found',
  )
})

test('all parts together are no larger than a file may be', async () => {
  const upload = await startedParts(app, { path: 'sum.bin', part_count: 3 })
  const [one = '', two = '', three = ''] = upload.part_urls
  await sent(one, Buffer.alloc(4 * 1024 * 1024))
  await sent(two, Buffer.alloc(4 * 1024 * 1024))
  assert.deepEqual(refusedWith(await send(three, 'x')), [413, 'too_large'])
  // In place of another part there is room.
  await sent(two, 'x')
  await sent(three, 'x')
  ok(await abort(app, { path: 'sum.bin', upload_id: upload.upload_id }))
})

test("another account's upload is not there, and one outside a key's prefix is forbidden", async () => {
  const theirs = { key: (await app.newKey({}, await app.newAccount('other@example.org'))).text }
  const held = { key: (await app.newKey({ pathPrefix: 'docs/' })).text }
  const { upload, wish } = await sentParts(app, 'private.bin', random(10))
  const { upload: single } = {
    upload: ok(await storage(app, 'POST', '/files/uploads', { json: { path: 'private.bin' } })),
  }
  const singleId = new URL(single.url).pathname.split('/').at(-2) ?? ''
  for (const [by, status, error] of [
    [theirs, 404, 'not_found'],
    [held, 403, 'forbidden'],
  ] as const) {
    refusal(await completeParts(app, wish, by), status, error)
    refusal(await abort(app, wish, by), status, error)
    refusal(await storage(app, 'GET', `/uploads/${upload.upload_id}`, by), status, error)
  }
  // A path inside the prefix does not make the upload one that is.
  refusal(await abort(app, { ...wish, path: 'docs/private.bin' }, held), 404, 'not_found')
  refusal(await abort(app, { ...wish, upload_id: singleId }), 404, 'not_found')
  refusal(await storage(app, 'GET', '/uploads/nonsense'), 404, 'not_found')
  const reader = { key: (await app.newKey({ scopes: ['files:read'] })).text }
  refusal(await storage(app, 'GET', `/uploads/${upload.upload_id}`, reader), 403, 'forbidden')
  ok(await completeParts(app, wish))
})

test('content_hash is of the whole: checked on completion, and what the account has is there at once', async () => {
  const bodies = random(1_000, 2_000)
  const whole = Buffer.concat(bodies)
  const bad = await sentParts(app, 'hash.bin', bodies, { content_hash: sha256('other') })
  refusal(await completeParts(app, bad.wish), 400, 'bad_request', /hashes to/)
  await startedParts(app, { path: 'hash.bin', content_hash: sha256(whole) })
  ok(await completeParts(app, bad.wish))
  const body = ok(await startParts(app, { path: 'hash-copy.bin', part_count: 2, content_hash: sha256(whole) }))
  assert.deepEqual(Object.keys(body), ['path', 'name', 'size', 'tx', 'time', 'exists'])
  assert.deepEqual([body.size, body.exists], [3_000, true])
})

test('what was asked for a picture must be one, by the start of its first part', async () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
  const { upload, wish } = await sentParts(app, 'picture.png', [Buffer.from('no picture'), Buffer.from('rest')])
  await startedParts(app, { path: 'picture.png', content_type: 'image/png' })
  refusal(await completeParts(app, wish), 400, 'bad_request', /not image\/png/)
  const first = await sent(upload.part_urls[0] ?? '', png)
  const parts = wish.parts.map((part) => (part.part_number === 1 ? first : part))
  assert.equal(ok(await completeParts(app, { ...wish, parts })).size, png.length + 4)
})

test('an upload whose way is not free can be completed later, also after its parts were put together', async () => {
  const bodies = random(400_000, 300_000)
  const { wish } = await sentParts(app, 'way/free.bin', bodies)
  assert.equal((await put(app, 'way', 'x')).status, 201)
  for (let n = 0; n < 2; n++) refusal(await completeParts(app, wish), 409, 'conflict')
  ok(await storage(app, 'DELETE', '/files/way'))
  ok(await completeParts(app, wish))
  assert.deepEqual(await contentAt(app, 'way/free.bin'), Buffer.concat(bodies))
})

test('what an upload has received is counted, whatever becomes of its parts, and a check tells where that is wrong', async (t) => {
  const server = await openTestApp(t)
  const { read, write, audit } = server.catalogue
  const { upload, wish } = await sentParts(server, 'counted.bin', random(100, 200, 300))
  const { upload_id: uploadId, part_urls: urls } = upload
  const requireCounted = async (bytes: number, ofPart: number) => {
    assert.deepEqual(await read.received({ uploadId, number: 2 }), { bytes, ofPart })
    assert.deepEqual([await uploadBytes(server), await audit.wrongCounters()], [bytes, []])
  }
  await requireCounted(600, 200)
  for (const size of [50, 5_000, 5_000]) {
    await sent(urls[1] ?? '', randomBytes(size))
    await requireCounted(400 + size, size)
  }
  await write.dropPart({ uploadId, number: 2 })
  await requireCounted(400, 0)
  await startedParts(server, { path: 'counted.bin', part_count: 3 })
  await requireCounted(400, 0)
  const raw = new Database(join(server.folder, 'catalogue.db'))
  raw.exec('UPDATE uploads SET bytes = 7')
  const [wrong, ...others] = await audit.wrongCounters()
  assert.deepEqual([wrong?.where, wrong?.kept, wrong?.counted, others], [`upload ${uploadId}`, 7, 400, []])
  raw.exec('UPDATE uploads SET bytes = 400')
  raw.close()
  ok(await completeParts(server, listOf(wish)(1, 3)))
  await requireCounted(0, 0)
  const aborted = await sentParts(server, 'counted.bin', random(10, 20))
  ok(await abort(server, aborted.wish))
  assert.deepEqual(await audit.wrongCounters(), [])
})

test('a part whose file was lost is named, and can be sent again', async () => {
  const bodies = random(1_000, 2_000, 3_000)
  const { upload, parts, wish } = await sentParts(app, 'lost.bin', bodies)
  const row = (await app.catalogue.read.parts(upload.upload_id)).find(({ number }) => number === 2)
  await rm(join(app.folder, 'uploads', upload.upload_id, row?.file ?? ''))
  refusal(await completeParts(app, wish), 400, 'bad_request', /part 2 is not there any more/)
  refusal(await completeParts(app, wish), 400, 'bad_request', /part 2 was not received/)
  await sent(upload.part_urls[1] ?? '', bodies[1] as Buffer)
  assert.equal(ok(await completeParts(app, { ...wish, parts })).size, 6_000)
})

/** A server with a small quota, and what its owner uses. */
async function smallServer(t: TestContext) {
  const small = await openTestApp(t, { 'quota.storage': '1 MB', 'quota.files': 3 })
  return { small, used: async () => (await small.catalogue.read.used(small.owner.id)).bytes }
}

test('parts count against the quota as they come, of two at once one is refused, and abort gives them back', async (t) => {
  const { small, used } = await smallServer(t)
  const one = await startedParts(small, { path: 'one.bin', part_count: 2 })
  const two = await startedParts(small, { path: 'two.bin', part_count: 2 })
  const body = randomBytes(600_000)
  const answers = await Promise.all([one, two].map(({ part_urls: [url = ''] }) => send(url, body)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403])
  const refused = answers.find(({ status }) => status === 403)
  assert.equal(refused?.body.error, 'quota_exceeded')
  assert.equal(await used(), 600_000)
  const [winner, loser] = answers[0]?.status === 200 ? [one, two] : [two, one]
  assert.equal((await put(small, 'direct.bin', randomBytes(500_000))).status, 403)
  // The same part again takes no more than before.
  await sent(winner.part_urls[0] ?? '', randomBytes(900_000))
  assert.equal(await used(), 900_000)
  assert.equal((await send(loser.part_urls[0] ?? '', randomBytes(200_000))).status, 403)
  const etag = await sent(winner.part_urls[0] ?? '', body)
  ok(await completeParts(small, { path: winner.key, upload_id: winner.upload_id, parts: [etag] }))
  assert.equal(await used(), 600_000)
  await sent(loser.part_urls[0] ?? '', randomBytes(400_000))
  assert.equal(await used(), 1_000_000)
  ok(await abort(small, { path: loser.key, upload_id: loser.upload_id }))
  assert.equal(await used(), 600_000)
  await nothingUnderWay(small)
})

test('an upload of a file more than the quota allows does not begin, but in place of another it does', async (t) => {
  const { small } = await smallServer(t)
  for (const path of ['a', 'b', 'c']) assert.equal((await put(small, path, path)).status, 201)
  refusal(await startParts(small, { path: 'd' }), 403, 'quota_exceeded')
  const { wish } = await sentParts(small, 'c', random(5))
  assert.equal(ok(await completeParts(small, wish)).size, 5)
})

/** Opens a server on a folder, does something with it, and closes it. */
async function during<T>(t: TestContext, folder: string, work: (server: TestApp) => Promise<T>): Promise<T> {
  const server = await openTestApp(t, { 'data.dir': folder })
  try {
    return await work(server)
  } finally {
    await server.close()
  }
}

/** The same address at a server that has another port by now. */
const at = (server: TestApp, url: string): string => {
  const { pathname, search } = new URL(url)
  return server.url + pathname + search
}

test('parts survive a restart, addresses too, and what is no part of an open upload is removed', async (t) => {
  const folder = await temporaryFolder(t)
  const bodies = random(300_000, 200_000, 100)
  const { upload, parts, key } = await during(t, folder, async (server) => {
    const begun = await startedParts(server, { path: 'restart.bin', part_count: 3 })
    const first = [await sent(begun.part_urls[0] ?? '', bodies[0] as Buffer, 1)]
    const gone = await sentParts(server, 'gone.bin', random(10))
    await server.catalogue.write.endUpload({ id: gone.upload.upload_id, state: 'aborted', now: Date.now() })
    return { upload: begun as StorageBody, parts: first, key: server.key }
  })
  await during(t, folder, async (opened) => {
    const server = { ...opened, key }
    assert.deepEqual(await uploadFolders(server), [upload.upload_id])
    parts.push(await sent(at(server, upload.part_urls[2] ?? ''), bodies[2] as Buffer, 3))
    parts.push(await sent(at(server, upload.part_urls[1] ?? ''), bodies[1] as Buffer, 2))
  })
  await during(t, folder, async (opened) => {
    const server = { ...opened, key }
    const { upload_id: id } = upload
    assert.equal(ok(await storage(server, 'GET', `/uploads/${id}`)).parts.length, 3)
    ok(await completeParts(server, { path: 'restart.bin', upload_id: id, parts }))
    assert.deepEqual(await contentAt(server, 'restart.bin'), Buffer.concat(bodies))
  })
})

/** What completes an upload of some of its parts. */
const listOf =
  (wish: { path: string; upload_id: string; parts: readonly { part_number: number; etag: string }[] }) =>
  (...numbers: number[]) => ({
    ...wish,
    parts: numbers.map((number) => wish.parts.find((part) => part.part_number === number)),
  })

test('after a refused completion other parts can be sent and listed, and an equal blob that is published stays as it is', async () => {
  const bodies = random(400_000, 300_000, 300_000)
  const [one, two, three] = bodies as [Buffer, Buffer, Buffer]
  const { upload, wish } = await sentParts(app, 'way1/free.bin', bodies)
  assert.equal((await put(app, 'way1', 'x')).status, 201)
  const listed = listOf(wish)
  // Its blob is the very file that the first part is in, also once somebody else has published it.
  assert.equal((await put(app, 'equal.bin', Buffer.concat([one, two]))).status, 201)
  refusal(await completeParts(app, listed(1, 2)), 409, 'conflict')
  assert.equal((await stat(blobPath(app, sha256(Buffer.concat([one, two]))))).nlink, 2)
  for (const numbers of [[1, 3], [2, 3], [1], [1, 2, 3], [1, 2]])
    refusal(await completeParts(app, listed(...numbers)), 409, 'conflict')
  const again = await sent(upload.part_urls[1] ?? '', three, 2)
  refusal(await completeParts(app, { ...wish, parts: [...listed(1).parts, again] }), 409, 'conflict')
  assert.deepEqual(await contentAt(app, 'equal.bin'), Buffer.concat([one, two]))
  ok(await storage(app, 'DELETE', '/files/way1'))
  ok(await completeParts(app, { ...wish, parts: [...listed(1).parts, again, ...listed(3).parts] }))
  assert.deepEqual(await contentAt(app, 'way1/free.bin'), Buffer.concat([one, three, three]))
  assert.deepEqual(await contentAt(app, 'equal.bin'), Buffer.concat([one, two]))
  assert.ok(!(await uploadFolders(app)).includes(upload.upload_id))
  assert.deepEqual(await readdir(join(app.folder, 'tmp')), [])
  await mustBeSound(app.folder)
})

test('of equal parts only one holds what was put together', async () => {
  const [same, one, other] = random(1_000, 500, 500) as [Buffer, Buffer, Buffer]
  const { wish } = await sentParts(app, 'way2/same.bin', [same, one, same, one, other])
  assert.equal((await put(app, 'way2', 'x')).status, 201)
  const listed = listOf(wish)
  for (const numbers of [
    [3, 5],
    [1, 2],
  ])
    refusal(await completeParts(app, listed(...numbers)), 409, 'conflict')
  ok(await storage(app, 'DELETE', '/files/way2'))
  ok(await completeParts(app, listed(3, 4)))
  assert.deepEqual(await contentAt(app, 'way2/same.bin'), Buffer.concat([same, one]))
})

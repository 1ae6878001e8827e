import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkStore } from '../../src/jobs/fsck.ts'
import { collectGarbage } from '../../src/jobs/gc.ts'
import { temporaryFolder } from '../support/app.ts'
import {
  abort,
  complete,
  completeParts,
  contentAt,
  nothingUnderWay,
  ok,
  openUploadServer,
  partFiles,
  random,
  refusedWith,
  type Sent,
  send,
  sent,
  sentParts,
  sha256,
  started,
  startedParts,
  startParts,
  uploadBytes,
  uploadFolders,
} from '../support/direct-uploads.ts'
import { type InnerApp, openInnerApp } from '../support/inner-app.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { namesBelow, until } from '../support/state.ts'
import { put, refusal, storage } from '../support/storage.ts'

const { app } = await openUploadServer(openInnerApp)

test('completed five times at once, it is published once, and a part that comes meanwhile is a conflict', async () => {
  const bodies = random(2_000_000, 2_000_000, 2_000_000)
  const { upload, wish } = await sentParts(app, 'at-once.bin', bodies)
  const { write } = app.catalogue
  const putFile = write.putFile
  let late: Promise<Sent> | undefined
  write.putFile = async (input) => {
    write.putFile = putFile
    late = send(upload.part_urls[1] ?? '', 'late')
    await late
    return putFile(input)
  }
  const answers = await Promise.all(Array.from({ length: 5 }, () => completeParts(app, wish)))
  const [first, ...others] = answers.map(ok)
  for (const other of others) assert.deepEqual(other, first)
  assert.deepEqual(refusedWith((await late) as Sent), [409, 'conflict'])
  assert.deepEqual(await contentAt(app, 'at-once.bin'), Buffer.concat(bodies))
  assert.equal(ok(await storage(app, 'GET', '/files/log?path=at-once.bin')).events.length, 1)
})

test('a part is taken without a look at the others', async () => {
  const { upload, wish } = await sentParts(app, 'alone.bin', random(10, 20))
  const { read } = app.catalogue
  const { parts } = read
  read.parts = () => Promise.reject(new Error('all parts are read'))
  try {
    await sent(upload.part_urls[1] ?? '', 'x')
  } finally {
    read.parts = parts
  }
  ok(await abort(app, wish))
})

/** A server with a small quota, and what its owner uses. */
async function smallServer(t: TestContext) {
  const small = await openInnerApp(t, { 'quota.storage': '1 MB', 'quota.files': 3 })
  return { small, used: async () => (await small.catalogue.read.used(small.owner.id)).bytes }
}

test('a part that waits for the quota while its upload is aborted leaves no folder when its client is gone', async (t) => {
  const { small } = await smallServer(t)
  const { reservations } = small.core.uploads
  const begin = async (path: string, bytes: number) => {
    const { upload_id: id, part_urls: urls } = await startedParts(small, { path })
    const { pathname, search } = new URL(urls[0] ?? '')
    const connection = await RawConnection.open(small.url)
    connection.send(requestHead('PUT', pathname + search, { 'Content-Length': bytes }))
    return { id, connection }
  }
  const holder = await begin('holder.bin', 900_000)
  await until('it to hold the quota', () => reservations.reservedBy(small.owner.id) === 900_000)
  let waits = false
  const take = reservations.take
  reservations.take = (...wanted) => {
    waits = true
    return take.apply(reservations, wanted)
  }
  const waiting = await begin('waiting.bin', 500_000)
  await until('it to wait', () => waits)
  ok(await abort(small, { path: 'waiting.bin', upload_id: waiting.id }))
  holder.connection.destroy()
  await until('its folder', async () => (await uploadFolders(small)).includes(waiting.id))
  waiting.connection.destroy()
  await nothingUnderWay(small)
  assert.ok(!(await uploadFolders(small)).includes(waiting.id))
})

/** Opens a server on a folder, does something with it, and closes it. */
async function during<T>(t: TestContext, folder: string, work: (server: InnerApp) => Promise<T>): Promise<T> {
  const server = await openInnerApp(t, { 'data.dir': folder })
  try {
    return await work(server)
  } finally {
    await server.close()
  }
}

/** Lets the server's next publication of an upload fail as a kill would, with the parts in place under their digest already. */
function cutOff(server: InnerApp): void {
  const { write } = server.catalogue
  const putFile = write.putFile
  write.putFile = async () => {
    write.putFile = putFile
    throw new Error('cut off')
  }
}

test('a completion that was cut off after its parts were put together is taken up by the next, also after a restart', async (t) => {
  const folder = await temporaryFolder(t)
  const bodies = random(300_000, 200_000)
  const { wish, key } = await during(t, folder, async (server) => {
    const begun = await sentParts(server, 'cut.bin', bodies)
    cutOff(server)
    assert.equal((await completeParts(server, begun.wish)).status, 500)
    return { wish: begun.wish, key: server.key }
  })
  await during(t, folder, async (opened) => {
    const server = { ...opened, key }
    assert.equal(ok(await storage(server, 'GET', `/uploads/${wish.upload_id}`)).parts.length, 2)
    ok(await completeParts(server, wish))
    assert.deepEqual(await contentAt(server, 'cut.bin'), Buffer.concat(bodies))
    assert.deepEqual(await uploadFolders(server), [])
  })
})

/** What completes an upload of some of its parts. */
const listOf =
  (wish: { path: string; upload_id: string; parts: readonly { part_number: number; etag: string }[] }) =>
  (...numbers: number[]) => ({
    ...wish,
    parts: numbers.map((number) => wish.parts.find((part) => part.part_number === number)),
  })

/** Removes every blob that nobody's file has, without a grace. */
async function collectAll({ core }: InnerApp): Promise<void> {
  for (let n = 0; n < 2; n++) await collectGarbage({ ...core }, { graceMs: 0, dryRun: false })
}

async function requireSound({ core }: InnerApp): Promise<void> {
  const damages: unknown[] = []
  await checkStore(core, { readData: true, quarantine: false, onDamage: (damage) => void damages.push(damage) })
  assert.deepEqual(damages, [])
}

const blobsOf = (server: InnerApp): Promise<string[]> => namesBelow(join(server.folder, 'blobs'))

test('what a cut-off completion put together may have been collected meanwhile: its parts are there, and come to the same', async (t) => {
  const server = await openInnerApp(t)
  const bodies = random(300, 200)
  const { wish } = await sentParts(server, 'collected.bin', bodies)
  cutOff(server)
  assert.equal((await completeParts(server, wish)).status, 500)
  const blob = server.core.blobs.pathOf(sha256(Buffer.concat(bodies)))
  assert.equal((await readFile(blob)).length, 500)
  await collectAll(server)
  assert.deepEqual(await blobsOf(server), [])
  assert.equal(ok(await completeParts(server, wish)).size, 500)
  assert.deepEqual(await contentAt(server, 'collected.bin'), Buffer.concat(bodies))
  assert.deepEqual([await uploadFolders(server), await uploadBytes(server)], [[], 0])
  await requireSound(server)
})

test('a completion that was cut off before it noted what it made leaves nothing noted of the one before', async () => {
  const bodies = random(1_000, 500, 500)
  const { wish } = await sentParts(app, 'way3/noted.bin', bodies)
  const listed = listOf(wish)
  assert.equal((await put(app, 'way3', 'x')).status, 201)
  refusal(await completeParts(app, listed(1, 2)), 409, 'conflict')
  const { write } = app.catalogue
  const { noteAssembled } = write
  write.noteAssembled = async (input) => {
    if (input.assembled === null) return noteAssembled(input)
    write.noteAssembled = noteAssembled
    throw new Error('cut off')
  }
  // As long as the one before, and of other bytes.
  assert.equal((await completeParts(app, listed(1, 3))).status, 500)
  ok(await storage(app, 'DELETE', '/files/way3'))
  ok(await completeParts(app, listed(1, 2)))
  assert.deepEqual(await contentAt(app, 'way3/noted.bin'), Buffer.concat(bodies.slice(0, 2)))
})

test('an account has only so many uploads open, and may still go on with each of them', async (t) => {
  const server = await openInnerApp(t)
  const { write } = server.catalogue
  const { openUpload } = write
  write.openUpload = (input) => {
    assert.equal(input.openAtMost, 10_000)
    return openUpload({ ...input, openAtMost: 3 })
  }
  const [first] = await Promise.all(['a', 'b', 'c'].map((path) => startedParts(server, { path })))
  refusal(await startParts(server, { path: 'd' }), 409, 'conflict', /has 3 uploads open/)
  refusal(await storage(server, 'POST', '/files/uploads', { json: { path: 'a' } }), 409, 'conflict')
  assert.equal((await startedParts(server, { path: 'a' })).upload_id, first?.upload_id)
  const key = (await server.newKey({}, await server.newAccount('other@example.org'))).text
  await startedParts(server, { path: 'd' }, { key })
  ok(await abort(server, { path: 'a', upload_id: first?.upload_id }))
  await startedParts(server, { path: 'd' })
})

test('a completion that is refused leaves no blob and takes no part: collected and completed again, it is right', async (t) => {
  const { small } = await smallServer(t)
  const bodies = random(400_000, 300_000)
  const blocked = await sentParts(small, 'way/free.bin', bodies)
  const single = await started(small, { path: 'way/single.bin' })
  await sent(single.url, 'in one body')
  assert.equal((await put(small, 'way', randomBytes(10))).status, 201)
  const before = await blobsOf(small)
  refusal(await completeParts(small, blocked.wish), 409, 'conflict')
  refusal(await complete(small, { path: 'way/single.bin' }), 409, 'conflict')
  assert.deepEqual(await blobsOf(small), before)
  await collectAll(small)
  ok(await storage(small, 'DELETE', '/files/way'))
  for (const path of ['a', 'b', 'c']) assert.equal((await put(small, path, path)).status, 201)
  refusal(await completeParts(small, blocked.wish), 403, 'quota_exceeded')
  refusal(await complete(small, { path: 'way/single.bin' }), 403, 'quota_exceeded')
  await collectAll(small)
  assert.equal((await partFiles(small)).length, 3)
  for (const path of ['a', 'b', 'c']) ok(await storage(small, 'DELETE', `/files/${path}`))
  ok(await completeParts(small, blocked.wish))
  ok(await complete(small, { path: 'way/single.bin' }))
  assert.deepEqual(await contentAt(small, 'way/free.bin'), Buffer.concat(bodies))
  assert.equal((await contentAt(small, 'way/single.bin')).toString(), 'in one body')
  await requireSound(small)
})

test('another account that is refused the same bytes takes nothing away from an upload', async () => {
  const other = (await app.newKey({}, await app.newAccount('refused@example.org'))).text
  const bodies = random(400_000, 300_000)
  const whole = Buffer.concat(bodies)
  const { wish } = await sentParts(app, 'way0/mine.bin', bodies)
  for (const key of [app.key, other]) assert.equal((await put({ ...app, key }, 'way0', 'x')).status, 201)
  refusal(await completeParts(app, wish), 409, 'conflict')
  assert.equal((await put({ ...app, key: other }, 'way0/theirs.bin', whole)).status, 409)
  cutOff(app)
  assert.equal((await completeParts(app, wish)).status, 500)
  assert.equal((await put({ ...app, key: other }, 'way0/theirs.bin', whole)).status, 409)
  ok(await storage(app, 'DELETE', '/files/way0'))
  ok(await completeParts(app, wish))
  assert.deepEqual(await contentAt(app, 'way0/mine.bin'), whole)
  await requireSound(app)
})

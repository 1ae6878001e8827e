import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openTestApp, withKey } from '../support/app.ts'
import { atiru, leavesNothing, nothingUnderWay, refusal, sendRaw, store } from '../support/atiru.ts'
import { chunked } from '../support/multipart.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'

const KiB = 1024
const MiB = 1024 * KiB
const app = await openTestApp(thisFile, { 'uploads.max_size': '1 MiB' })

/** A picture of one pixel, whole. */
const png = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63606060600000000500' +
    '01a5f645400000000049454e44ae426082',
  'hex',
)

const bytesOf = async (fileId: string): Promise<Buffer> =>
  Buffer.from(await (await fetch(`${app.url}/m/${fileId}`)).arrayBuffer())

test('The body is the file: what goes in comes out byte for byte, and is described as it was sent', async () => {
  const bytes = Buffer.concat([png, randomBytes(300 * KiB)])
  const headers = { 'Content-Type': 'image/png', 'x-file-name': 'example.png' }
  const { status, body } = await atiru(app, 'POST', '/files', { bytes, headers })
  assert.equal(status, 201)
  assert.deepEqual(Object.keys(body), ['file', 'message'])
  assert.equal(body.message, 'File uploaded')
  const { file } = body
  const { id, file_id: fileId, created_at: at } = file
  assert.match(id, /^[0-9a-f-]{36}$/)
  assert.match(fileId, /^[\w-]{16}$/)
  assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(file, {
    id,
    user_id: app.owner.id,
    file_id: fileId,
    name: 'example.png',
    content_type: 'image/png',
    size: bytes.length,
    public_url: `${app.url}/m/${fileId}`,
    default_url: `${app.url}/m/${fileId}`,
    default_download_url: `${app.url}/d/${fileId}`,
    public_download_url: `${app.url}/d/${fileId}`,
    created_at: at,
    is_public: true,
  })
  for (const url of [file.public_url, file.default_download_url]) {
    const answer = await fetch(url ?? '')
    assert.ok(bytes.equals(Buffer.from(await answer.arrayBuffer())), url ?? '')
    assert.equal(answer.headers.get('etag'), `"${createHash('sha256').update(bytes).digest('hex')}"`)
  }
})

test('An empty file is a file', async () => {
  const { connection, status, body } = await sendRaw(app, { 'Content-Type': 'text/plain', 'Content-Length': 0 })
  connection.destroy()
  assert.deepEqual([status, body.file.size], [201, 0])
  assert.equal((await bytesOf(body.file.file_id)).length, 0)
})

const text = { 'Content-Type': 'text/plain' }

test('isPublic is true, false, 1 or 0, and true where nothing is said', async () => {
  const wishes: [string, boolean][] = [
    ['', true],
    ['?isPublic=true', true],
    ['?isPublic=1', true],
    ['?isPublic=false', false],
    ['?isPublic=0', false],
    ['?isPublic=false&isPublic=true', false],
  ]
  for (const [query, isPublic] of wishes) {
    const { status, body } = await atiru(app, 'POST', `/files${query}`, { bytes: 'x', headers: text })
    assert.deepEqual([status, body.file.is_public], [201, isPublic], query)
  }
  await leavesNothing(app, async () => {
    for (const wrong of ['', 'yes', 'no', 'TRUE', 'null', '2', '-1', 'true%20', '%00']) {
      const answer = await atiru(app, 'POST', `/files?isPublic=${wrong}`, { bytes: 'x', headers: text })
      refusal(answer, 400, 'INVALID_REQUEST', /^isPublic is true or false$/)
    }
  })
})

const bytesType = { 'Content-Type': 'application/octet-stream' }

test('A body without a length is taken in chunks, and stopped where it grows too long', async () => {
  const bytes = randomBytes(400 * KiB)
  const headers = { ...bytesType, 'Transfer-Encoding': 'chunked' }
  const { connection, status, body } = await sendRaw(app, headers, chunked(bytes, 10_000))
  connection.destroy()
  assert.deepEqual([status, body.file.size], [201, bytes.length])
  assert.ok(bytes.equals(await bytesOf(body.file.file_id)))
  await leavesNothing(app, async () => {
    const long = await sendRaw(app, headers, chunked(Buffer.alloc(MiB + 1), 100_000))
    long.connection.destroy()
    assert.deepEqual([long.status, long.body.code], [413, 'FILE_TOO_LARGE'])
  })
})

/** What a client is told that says how long its body is, and waits for leave to send it. */
async function leaveFor(length: number) {
  const answer = await sendRaw(app, { ...bytesType, 'Content-Length': length, Expect: '100-continue' })
  if (answer.status !== 100) answer.connection.destroy()
  return answer
}

test('A length over the limit is refused before a byte of the body is asked for', async () => {
  await leavesNothing(app, async () => {
    for (const length of [MiB + 1, 500 * MiB]) {
      const { status, body } = await leaveFor(length)
      assert.deepEqual([status, body.code], [413, 'FILE_TOO_LARGE'])
      assert.equal(body.error, `the file is too large: at most ${MiB} bytes`)
    }
  })
  const { connection, status } = await leaveFor(MiB)
  assert.equal(status, 100)
  connection.send(Buffer.alloc(MiB))
  assert.equal((await connection.answer()).status, 201)
  connection.destroy()
})

test('A file over the limit is too large, and not the disk too full, also where the disk has no room for it', async () => {
  await leavesNothing(app, async () => {
    const { status, body } = await leaveFor(Number.MAX_SAFE_INTEGER)
    assert.deepEqual([status, body.code], [413, 'FILE_TOO_LARGE'])
  })
})

test('A client gone at the headers or in the body leaves nothing', async () => {
  const bytes = randomBytes(500 * KiB)
  const headers = { ...withKey(app.key), ...bytesType, 'Content-Length': bytes.length }
  await leavesNothing(app, async () => {
    for (const sent of [0, 1, 300 * KiB, bytes.length - 1]) {
      const connection = await RawConnection.open(app.url)
      await connection.sent(requestHead('POST', '/files', headers))
      await connection.sent(bytes.subarray(0, sent))
      await until('the upload to begin', () => app.isUploading())
      connection.destroy()
      await nothingUnderWay(app)
    }
  })
})

test('Twenty at once are twenty files, each with its own bytes', async () => {
  const bodies = Array.from({ length: 20 }, () => randomBytes(100 * KiB))
  const files = await Promise.all(
    bodies.map((bytes) => store(app, bytes, { name: 'same', type: bytesType['Content-Type'] })),
  )
  assert.equal(new Set(files.map((file) => file.file_id)).size, 20)
  for (const [n, file] of files.entries()) {
    assert.equal(file.name, 'same')
    assert.ok(bodies[n]?.equals(await bytesOf(file.file_id)))
  }
})

test('A key without files:write stores nothing, and one that is held to a folder stores there', async () => {
  const reader = await app.newKey({ scopes: ['files:read'] })
  await leavesNothing(app, async () => {
    const refused = await atiru(app, 'POST', '/files', { bytes: 'x', headers: text, key: reader.text })
    refusal(refused, 403, 'FORBIDDEN', /files:write/)
    refusal(await atiru(app, 'POST', '/files', { bytes: 'x', headers: text, key: null }), 401, 'MISSING_AUTH')
  })
  const held = await app.newKey({ pathPrefix: 'docs/2026/' })
  const file = await store(app, 'held', { name: '../../a.txt', key: held.text })
  const { read } = app.catalogue
  assert.equal(await read.pathOf((await read.file(file.file_id))?.entryId ?? ''), 'docs/2026/a.txt')
})

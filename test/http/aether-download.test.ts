import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { openTestApp, upload, withKey } from '../support/app.ts'
import { thisFile } from '../support/shared.ts'

const app = await openTestApp(thisFile)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const sizes: [string, number][] = [
  ['a small file', 1_000],
  ['a large file', 700_000],
]

const files = await Promise.all(
  sizes.map(async ([what, size]) => {
    const bytes = randomBytes(size)
    const file = await upload(app, bytes, 'data.bin', 'application/octet-stream', { public: 'false' })
    return { what, size, bytes, file }
  }),
)

for (const { what, size, bytes, file } of files) {
  const path = `/files/${file.id}/download`

  test(`A download of ${what} is its bytes, as an attachment that no shared cache keeps`, async () => {
    const { status, headers, bytes: got } = await aether(app, 'GET', path)
    assert.equal(status, 200)
    assert.deepEqual(got, bytes)
    assert.equal(headers.get('content-type'), 'application/octet-stream')
    assert.equal(headers.get('content-length'), String(size))
    assert.equal(headers.get('content-disposition'), 'attachment; filename=data.bin')
    assert.equal(headers.get('etag'), `"${sha256(bytes)}"`)
    assert.equal(headers.get('cache-control'), 'private')
    assert.equal(headers.get('accept-ranges'), 'bytes')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*sandbox/)
    assert.ok(Math.abs(Date.parse(headers.get('last-modified') ?? '') - Date.now()) < 3_600_000)
  })

  test(`HEAD of a download of ${what} has the headers of GET and no body`, async () => {
    const get = await aether(app, 'GET', path)
    const head = await aether(app, 'HEAD', path)
    assert.equal(head.status, 200)
    assert.equal(head.bytes.length, 0)
    for (const [name, value] of get.headers) {
      if (!['date', 'x-request-id', 'connection', 'keep-alive'].includes(name))
        assert.equal(head.headers.get(name), value, name)
    }
  })

  test(`A download of ${what} can be had in parts`, async () => {
    const part = (range: string, headers: Record<string, string> = {}) =>
      aether(app, 'GET', path, { headers: { Range: range, ...headers } })
    const first = await part('bytes=0-99')
    assert.deepEqual([first.status, first.headers.get('content-range')], [206, `bytes 0-99/${size}`])
    assert.deepEqual(first.bytes, bytes.subarray(0, 100))
    const last = await part('bytes=-100')
    assert.deepEqual([last.status, last.bytes], [206, bytes.subarray(-100)])
    const rest = await part('bytes=500-')
    assert.deepEqual([rest.status, rest.bytes], [206, bytes.subarray(500)])
    const beyond = await part(`bytes=${size}-`)
    assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, `bytes */${size}`])
    const etag = `"${sha256(bytes)}"`
    assert.equal((await part('bytes=0-1', { 'If-Range': etag })).status, 206)
    const changed = await part('bytes=0-1', { 'If-Range': '"another"' })
    assert.deepEqual([changed.status, changed.bytes], [200, bytes])
    assert.equal((await aether(app, 'GET', path, { headers: { 'If-None-Match': etag } })).status, 304)
    assert.equal((await aether(app, 'GET', path, { headers: { 'If-Match': '"another"' } })).status, 412)
  })
}

test('A download of a private file asks for its key each time', async () => {
  const file = await upload(app, 'secret', 's.txt', 'text/plain', { public: 'false' })
  const path = `/files/${file.id}/download`
  assert.equal((await aether(app, 'GET', path, { key: null })).status, 401)
  assert.equal((await fetch(file.url, { headers: withKey(app.key) })).status, 200)
})

test('A file of no bytes is stored, listed and downloaded like any other', async () => {
  const file = await upload(app, '', 'empty.txt')
  assert.equal(file.size, 0)
  for (const url of [`${app.url}/api/v1/files/${file.id}/download`, file.url, `${app.url}/d/${file.id}`]) {
    const response = await fetch(url, { headers: withKey(app.key) })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-length'), '0')
    assert.equal(response.headers.get('etag'), `"${sha256(new Uint8Array())}"`)
    assert.equal((await response.arrayBuffer()).byteLength, 0)
    const part = await fetch(url, { headers: { ...withKey(app.key), Range: 'bytes=0-' } })
    assert.deepEqual([part.status, part.headers.get('content-range')], [416, 'bytes */0'])
  }
})

test('The type that was sent is the type that is given back; a file sent without one is told by bytes, then by name', async () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
    'base64',
  )
  const tries: [Uint8Array | string, string, string, string][] = [
    ['{}', 'a.json', 'application/json', 'application/json'],
    ['# x', 'a.md', 'text/markdown', 'text/markdown'],
    [png, 'picture', 'application/octet-stream', 'image/png'],
    [png, 'picture.txt', 'application/octet-stream', 'image/png'],
    ['a,b', 'table.csv', 'application/octet-stream', 'text/csv'],
    ['a,b', 'nobody.knows', 'application/octet-stream', 'application/octet-stream'],
    ['x', 'a.txt', 'not a type', 'text/plain'],
  ]
  for (const [bytes, name, sent, stored] of tries) {
    const file = await upload(app, bytes, name, sent)
    assert.equal(file.mimeType, stored, `${name} as ${sent}`)
  }
})

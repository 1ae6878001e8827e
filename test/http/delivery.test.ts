import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { truncate, unlink } from 'node:fs/promises'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { openTestApp, upload, withKey } from '../support/app.ts'
import { RawConnection, rawRequest, requestHead } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { blobPath, until } from '../support/state.ts'

const app = await openTestApp(thisFile)
const KiB = 1024
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What a film begins with: a type that is said is held against the bytes. */
const filmStart = Buffer.from('\0\0\0\x1cftypisom\0\0\x02\0isomiso2mp41', 'latin1')

/** A small file is kept in memory, a large one is streamed: everything must hold for both, and on both routes. */
const files = await Promise.all(
  [
    { what: 'a small file', size: 10 * KiB },
    { what: 'a large file', size: 700 * KiB },
  ].map(async ({ what, size }) => {
    const bytes = Buffer.concat([filmStart, randomBytes(size - filmStart.length)])
    const { id } = await upload(app, bytes, 'clip.mp4', 'video/mp4')
    return { what, size, bytes, id, etag: `"${sha256(bytes)}"` }
  }),
)

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(app.url + path, { method, headers })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

for (const { what, size, bytes, id, etag } of files) {
  for (const route of ['m', 'd']) {
    const path = `/${route}/${id}`

    test(`/${route} gives ${what} whole, with all its headers, and the same again`, async () => {
      for (const round of [1, 2]) {
        const { status, headers, bytes: got } = await ask(path)
        assert.equal(status, 200)
        assert.deepEqual(got, bytes, `round ${round}`)
        const expected = {
          'content-type': 'video/mp4',
          'content-length': String(size),
          'content-disposition': `${route === 'm' ? 'inline' : 'attachment'}; filename=clip.mp4`,
          etag,
          'cache-control': 'public, max-age=31536000, immutable',
          'accept-ranges': 'bytes',
          'x-content-type-options': 'nosniff',
          'access-control-allow-origin': '*',
          'cross-origin-resource-policy': 'cross-origin',
        }
        for (const [name, value] of Object.entries(expected)) assert.equal(headers.get(name), value, name)
        assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none';.*sandbox/)
        assert.match(headers.get('last-modified') ?? '', /GMT$/)
        assert.ok(headers.get('x-request-id'))
        assert.equal(headers.get('set-cookie'), null)
      }
    })

    test(`/${route} answers HEAD for ${what} as GET, without the body, and takes no notice of a Range`, async () => {
      const answer = await rawRequest(app.url, 'HEAD', path, { Range: 'bytes=0-9' })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-length'], String(size))
      assert.equal(answer.headers.etag, etag)
      assert.equal(answer.headers['content-range'], undefined)
    })

    test(`/${route} answers 304 for ${what} that the client has, and what it carries is what a cache needs`, async () => {
      const modified = (await ask(path)).headers.get('last-modified') ?? ''
      for (const headers of [
        { 'If-None-Match': etag },
        { 'If-None-Match': `W/${etag}` },
        { 'If-None-Match': `"x", ${etag}` },
        { 'If-None-Match': '*' },
        { 'If-Modified-Since': modified },
      ] as Record<string, string>[]) {
        const answer = await ask(path, headers)
        assert.deepEqual([answer.status, answer.bytes.length], [304, 0], JSON.stringify(headers))
        assert.equal(answer.headers.get('etag'), etag)
        assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable')
        assert.equal(answer.headers.get('content-length'), null)
      }
      assert.equal((await ask(path, { 'If-None-Match': '"x"', 'If-Modified-Since': modified })).status, 200)
      assert.equal((await ask(path, { 'If-None-Match': etag, Range: 'bytes=0-1' })).status, 304)
    })

    test(`/${route} answers 412 where ${what} is not what the client thinks`, async () => {
      for (const headers of [
        { 'If-Match': '"x"' },
        { 'If-Match': `W/${etag}` },
        { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
      ] as Record<string, string>[]) {
        const answer = await ask(path, headers)
        assert.deepEqual([answer.status, answer.bytes.length], [412, 0], JSON.stringify(headers))
      }
      assert.equal((await ask(path, { 'If-Match': etag })).status, 200)
      assert.equal((await ask(path, { 'If-Match': '*' })).status, 200)
    })

    test(`/${route} gives any one part of ${what}`, async () => {
      const parts: [string, number, number][] = [
        ['bytes=0-0', 0, 0],
        ['bytes=100-199', 100, 199],
        [`bytes=${size - 1}-`, size - 1, size - 1],
        ['bytes=5000-', 5_000, size - 1],
        ['bytes=-1', size - 1, size - 1],
        [`bytes=-${size * 2}`, 0, size - 1],
        [`bytes=0-${size * 2}`, 0, size - 1],
      ]
      for (const [range, start, end] of parts) {
        const answer = await ask(path, { Range: range })
        assert.equal(answer.status, 206, range)
        assert.equal(answer.headers.get('content-range'), `bytes ${start}-${end}/${size}`)
        assert.equal(answer.headers.get('content-length'), String(end - start + 1))
        assert.equal(answer.headers.get('etag'), etag)
        assert.deepEqual(answer.bytes, bytes.subarray(start, end + 1), range)
      }
      for (const range of [`bytes=${size}-`, 'bytes=-0']) {
        const answer = await ask(path, { Range: range })
        assert.deepEqual([answer.status, answer.bytes.length], [416, 0], range)
        assert.equal(answer.headers.get('content-range'), `bytes */${size}`)
      }
      for (const range of ['bytes=0-1,5-6', 'bytes=5-2', 'lines=1-2', 'bytes=x']) {
        const answer = await ask(path, { Range: range })
        assert.deepEqual([answer.status, answer.bytes.length], [200, size], range)
      }
    })

    test(`/${route} gives a part of ${what} only while it is the one that the client began with`, async () => {
      const modified = (await ask(path)).headers.get('last-modified') ?? ''
      for (const own of [etag, modified]) {
        assert.equal((await ask(path, { Range: 'bytes=0-9', 'If-Range': own })).status, 206, own)
      }
      for (const other of ['"x"', `W/${etag}`, 'Thu, 01 Jan 1970 00:00:00 GMT', 'nonsense']) {
        const answer = await ask(path, { Range: 'bytes=0-9', 'If-Range': other })
        assert.deepEqual([answer.status, answer.bytes.length], [200, size], other)
      }
    })

    test(`/${route} takes any one name after the id of ${what}`, async () => {
      for (const name of ['/holiday.mp4', '/', '/%2e%2e', '/a%2fb.mp4', '/Gr%C3%BC%C3%9Fe.mp4', '/%zz', '/x?y=1&y=2']) {
        const answer = await rawRequest(app.url, 'GET', path + name)
        assert.equal(answer.status, 200, name)
        assert.deepEqual(answer.body, bytes)
      }
      for (const tail of ['/a/b', '//', 'x', '.mp4', '%2fa', '/../x/y']) {
        assert.equal((await rawRequest(app.url, 'GET', path + tail)).status, 404, tail)
      }
    })
  }
}

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)

test('Pictures, sound, films, fonts, PDF and plain text are shown in place', async () => {
  const shown: [Uint8Array | string, string, string][] = [
    [png, 'a.png', 'image/png'],
    ['ID3\u0004\u0000\u0000\u0000\u0000\u0000\u0000', 'a.mp3', 'audio/mpeg'],
    [filmStart, 'a.mp4', 'video/mp4'],
    [Buffer.concat([Buffer.from('wOF2'), Buffer.from([0, 1, 0, 0]), Buffer.alloc(40)]), 'a.woff2', 'font/woff2'],
    ['%PDF-1.4\n%%EOF', 'a.pdf', 'application/pdf'],
    ['just text', 'a.txt', 'text/plain'],
  ]
  for (const [bytes, name, type] of shown) {
    const { id } = await upload(app, bytes, name, type)
    const { headers } = await ask(`/m/${id}`)
    assert.match(headers.get('content-disposition') ?? '', /^inline/, type)
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
    assert.match((await ask(`/d/${id}`)).headers.get('content-disposition') ?? '', /^attachment/)
  }
  const { id } = await upload(app, 'Grüße', 'a.txt', 'text/plain')
  assert.equal((await ask(`/m/${id}`)).headers.get('content-type'), 'text/plain; charset=utf-8')
})

test('What could run in a page is never shown in place, whatever its name', async (t) => {
  const open = await openTestApp(t, { 'uploads.allowed_content_types': '*' })
  const types = [
    'image/svg+xml',
    'IMAGE/SVG+XML',
    'image/svg',
    'text/html',
    'Text/HTML',
    'application/xhtml+xml',
    'application/xml',
    'text/xml',
    'application/atom+xml',
    'image/foo+xml',
    'text/javascript',
    'application/javascript',
    'application/x-javascript',
    'text/css',
    'text/vtt',
    'text/x-unknown',
    'application/json',
    'application/wasm',
    'application/x-shockwave-flash',
    'application/octet-stream',
    'multipart/x-mixed-replace',
    'message/rfc822',
  ]
  for (const type of types) {
    const bytes = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>${type}`
    // The unknown type alone would be told by the name, and be a picture.
    const name = type === 'application/octet-stream' ? 'a' : 'a.png'
    const { id } = await upload(open, bytes, name, type)
    for (const path of [`/m/${id}`, `/m/${id}/a.png`, `/m/${id}?x=1`]) {
      const response = await fetch(open.url + path)
      const disposition = response.headers.get('content-disposition') ?? ''
      assert.match(disposition, /^attachment/, type)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      assert.match(response.headers.get('content-security-policy') ?? '', /sandbox/)
      await response.arrayBuffer()
    }
  }
})

test('What is private, deleted or unknown is 404 alike, in the shape of media, and not to be kept', async () => {
  const hidden = await upload(app, 'hidden', 'h.txt', 'text/plain', { public: 'false' })
  const gone = await upload(app, 'gone', 'g.txt')
  assert.equal((await ask(`/m/${gone.id}`)).status, 200)
  await aether(app, 'DELETE', `/files/${gone.id}`)
  const later = await upload(app, 'later', 'l.txt')
  assert.equal((await ask(`/m/${later.id}`)).status, 200)
  await aether(app, 'PATCH', `/files/${later.id}`, { json: { public: false } })
  const bodies = new Set<string>()
  for (const id of [hidden.id, gone.id, later.id, 'AAAAAAAAAAAAAAAA', 'short', '', '..', '%00', 'A'.repeat(5_000)]) {
    for (const route of ['m', 'd']) {
      const answer = await rawRequest(app.url, 'GET', `/${route}/${id}`, withKey(app.key))
      assert.equal(answer.status, 404, id)
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
      assert.equal(answer.headers.etag, undefined)
      bodies.add(answer.body.toString())
    }
  }
  assert.deepEqual(
    [...bodies].map((body) => JSON.parse(body)),
    [{ error: 'there is no such file', statusCode: 404, code: 'FILE_NOT_FOUND' }],
  )
  await aether(app, 'PATCH', `/files/${later.id}`, { json: { public: true } })
  assert.equal((await ask(`/m/${later.id}`)).status, 200, 'made public again, it is there again')
})

test('Two files of equal bytes keep their own names and types', async () => {
  const first = await upload(app, 'equal bytes', 'first.txt', 'text/plain')
  const second = await upload(app, 'equal bytes', 'second.csv', 'text/csv')
  for (const round of [1, 2]) {
    assert.match((await ask(`/m/${first.id}`)).headers.get('content-disposition') ?? '', /^inline.*first/, `${round}`)
    const { headers } = await ask(`/m/${second.id}`)
    assert.match(headers.get('content-disposition') ?? '', /^attachment.*second/)
    assert.equal(headers.get('content-type'), 'text/csv')
  }
  await aether(app, 'DELETE', `/files/${first.id}`)
  assert.equal((await ask(`/m/${second.id}`)).status, 200)
})

const openFiles = (): number => readdirSync(`/proc/${app.pid}/fd`).length

test('Clients that go away in the middle of a download leave no file open', async () => {
  const { id } = await upload(app, randomBytes(6_000 * KiB), 'large.bin', 'application/octet-stream')
  await ask(`/m/${id}`, { Range: 'bytes=0-0' })
  const before = openFiles()
  const paths = [`/m/${id}`, `/d/${id}`, `/api/v1/files/${id}/download`]
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const connection = await RawConnection.open(app.url)
      connection.send(requestHead('GET', paths[n % 3] as string, withKey(app.key)))
      if (n % 5 !== 0) await new Promise((resolve) => connection.socket.once('data', resolve))
      connection.socket.pause()
      connection.destroy()
    }),
  )
  await until('all files to be closed', () => openFiles() <= before)
})

async function blobOf(id: string): Promise<string> {
  const file = await app.catalogue.read.file(id)
  return blobPath(app, file?.digest ?? '')
}

test('A blob that was cut short is never passed off as whole, and the log says what is wrong', async () => {
  for (const size of [20 * KiB, 600 * KiB]) {
    const { id } = await upload(app, randomBytes(size), 'cut.bin', 'application/octet-stream')
    await truncate(await blobOf(id), size - 1)
    for (const path of [`/m/${id}`, `/d/${id}`, `/api/v1/files/${id}/download`]) {
      const connection = await RawConnection.open(app.url)
      connection.send(requestHead('GET', path, withKey(app.key)))
      const answer = await connection.answer().catch((error: Error) => error)
      assert.ok(answer instanceof Error || answer.status === 500, `${path} of ${size} bytes`)
      connection.destroy()
      const line = () =>
        app
          .log()
          .split('\n')
          .find((one) => one.includes(`"${path}"`)) ?? ''
      await until('the line of the log', () => line() !== '')
      assert.match(line(), /"level":50.*"err":.*bytes/)
    }
  }
})

test('A blob that is missing is an error of the server, shouted in the log, and mended by the next equal upload', async () => {
  for (const size of [20 * KiB, 600 * KiB]) {
    const bytes = randomBytes(size)
    const { id } = await upload(app, bytes, 'lost.bin', 'application/octet-stream')
    await unlink(await blobOf(id))
    for (const path of [`/m/${id}`, `/d/${id}`, `/api/v1/files/${id}/download`]) {
      const { status, headers } = await ask(path, withKey(app.key))
      assert.equal(status, 500, path)
      const line =
        (await app.wholeLog()).split('\n').find((one) => one.includes(`"${headers.get('x-request-id')}"`)) ?? ''
      assert.match(line, /"level":50.*not on the disk/)
    }
    await upload(app, bytes, 'again.bin', 'application/octet-stream')
    assert.deepEqual((await ask(`/m/${id}`)).bytes, bytes)
  }
})

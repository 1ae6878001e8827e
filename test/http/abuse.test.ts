import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { formWith, openTestApp, temporaryFolder, upload, withKey } from '../support/app.ts'
import { atiru, logIn } from '../support/atiru.ts'
import { runLarder } from '../support/process.ts'
import { thisFile } from '../support/shared.ts'

/** For tests that leave it as it was for others. */
const app = await openTestApp(thisFile)

const openFiles = (): number => readdirSync(`/proc/${app.pid}/fd`).length

test('requests that a client sends ahead wait their turn, and do not each open their file', async () => {
  const file = await upload(app, randomBytes(400_000), 'large.bin', 'application/octet-stream')
  const before = openFiles()
  const socket = connect(app.port, '127.0.0.1')
  socket.pause()
  socket.on('error', () => {})
  const one = `GET /m/${file.id} HTTP/1.1\r\nHost: x\r\n\r\n`
  socket.write(one.repeat(10))
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(openFiles() - before < 6, `${openFiles() - before} files are open`)
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
  })
  socket.resume()
  while (received < 10 * 400_000) await new Promise((resolve) => setTimeout(resolve, 20))
  socket.destroy()
})

test('a client that sends hundreds of requests ahead is cut off, and others are served', async () => {
  const file = await upload(app, 'x')
  const socket = connect(app.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(`GET /m/${file.id} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(500))
  await closed
  assert.equal((await fetch(file.url)).status, 200)
})

const boundary = 'abuse'
const good = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="good.txt"\r\n\r\ngood\r\n`
const badHeads = [
  'Content-Disposition: form-data; name="file"; filename="unterminated',
  'Content-Disposition: attachment',
  'Content-Disposition: form-data; name="file"',
  'Content-Disposition: form-data; name="file"; filename*=x-unknown\'\'x',
  'Content-Disposition: form-data; name="file"; filename=a b.txt',
]

for (const head of badHeads) {
  test(`a form whose other file came in a part that cannot be read (${head}) is refused whole`, async (t) => {
    const app = await openTestApp(t)
    const body = `--${boundary}\r\n${head}\r\n\r\nlost\r\n${good}--${boundary}--\r\n`
    const response = await fetch(`${app.url}/api/v1/files/upload`, {
      method: 'POST',
      headers: { ...withKey(app.key), 'Content-Type': `multipart/form-data; boundary=${boundary}` },
      body,
    })
    const files = (await app.catalogue.read.root(app.owner.id)).filesBelow
    // Either both files are there, or neither: never a success for one of two.
    assert.ok(
      response.status === 400 ? files === 0 : response.status === 201 && files === 2,
      `${response.status}, ${files} files`,
    )
    assert.deepEqual(await readdir(join(app.folder, 'tmp')), [])
  })
}

test('a part of a form is counted wherever its delimiter falls between two pieces of the body', async (t) => {
  const app = await openTestApp(t)
  const body = Buffer.from(`${good}${good.replace('good.txt', 'two.txt')}--${boundary}--\r\n`)
  for (const size of [1, 7, 64]) {
    const pieces = Array.from({ length: Math.ceil(body.length / size) }, (_, n) =>
      body.subarray(n * size, (n + 1) * size),
    )
    const response = await fetch(`${app.url}/api/v1/files/upload`, {
      method: 'POST',
      headers: { ...withKey(app.key), 'Content-Type': `multipart/form-data; boundary="${boundary}"` },
      body: ReadableStream.from(pieces),
      duplex: 'half',
    } as RequestInit)
    assert.equal(response.status, 201)
    assert.equal(((await response.json()) as { files: unknown[] }).files.length, 2)
  }
})

test('a field without a name, and longer than a field may be, is refused in words', async () => {
  const form = formWith('x')
  form.append('', 'y'.repeat(70_000))
  const response = await fetch(`${app.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: withKey(app.key),
    body: form,
  })
  assert.equal(response.status, 400)
  assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'bad_request')
})

test('a million wrong tags are told in one sentence', async () => {
  const file = await upload(app, 'x')
  const response = await fetch(`${app.url}/api/v1/files/${file.id}`, {
    method: 'PATCH',
    headers: { ...withKey(app.key), 'Content-Type': 'application/json' },
    body: `{"tags":[${'1,'.repeat(900_000)}1]}`,
  })
  assert.equal(response.status, 400)
  assert.ok((await response.text()).length < 500)
})

test('a key that may only write is told so before its body is read, and may use the folders of its prefix', async () => {
  const { text } = await app.newKey({ scopes: ['files:write'], pathPrefix: 'cam/' })
  const call = (method: string, path: string, body?: object) =>
    fetch(`${app.url}/api/v1${path}`, {
      method,
      headers: { ...withKey(text), 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  await upload({ url: app.url, key: text }, 'x')
  const made = (await (await call('POST', '/folders', { name: 'day' })).json()) as { folder: { id: string } }
  assert.equal(
    (await upload({ url: app.url, key: text }, 'x', 'a.txt', 'text/plain', { folderId: made.folder.id })).folderId,
    made.folder.id,
  )
  assert.equal((await call('PATCH', `/folders/${made.folder.id}`, { name: 'night' })).status, 200)
  assert.equal((await call('DELETE', `/folders/${made.folder.id}?recursive=true`)).status, 200)
  assert.equal((await call('GET', '/files')).status, 403)
})

test('a key in X-API-Key counts beside an Authorization that is meant for a proxy', async () => {
  const headers = { Authorization: 'Basic cHJveHk6cHJveHk=', 'X-API-Key': app.key }
  assert.equal((await fetch(`${app.url}/api/v1/files`, { headers })).status, 200)
})

const opens = async (token: string) => (await atiru(app, 'GET', '/files', { key: token })).status

test('a session is not opened by a password that was changed while it was verified', async () => {
  const account = await app.newAccount('ann@example.org')
  const logins = Array.from({ length: 6 }, () => logIn(app, 'ann@example.org'))
  await app.accounts.setPassword(account, 'another password')
  for (const { status, body } of await Promise.all(logins)) {
    if (status === 200) assert.equal(await opens(body.session.access_token), 401)
    else assert.equal(status, 401)
  }
})

test('a port that is taken does not use up the set-up link and the key', async (t) => {
  const folder = await temporaryFolder(t)
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const refused = await runLarder(['serve', '--host', '127.0.0.1', '--port', String(port), '--data-dir', folder])
  assert.match(refused.stderr, /in use by another program/)
  other.close()
  const app = await openTestApp(t, { 'data.dir': folder })
  assert.ok(app.firstSecrets)
})

test('equal bytes keep the type that each of their files came with', async () => {
  const text = await upload(app, 'same bytes', 'a.txt', 'text/plain')
  const json = await upload(app, 'same bytes', 'a.json', 'application/json')
  assert.match((await fetch(text.url)).headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal((await fetch(json.url)).headers.get('content-type'), 'application/json')
})

test('bytes that look by chance like a type not taken here are kept as what they were sent as', async (t) => {
  const app = await openTestApp(t)
  const file = await upload(app, '%!PS-Adobe-3.0 by chance', 'noise.bin', 'application/octet-stream')
  assert.equal(file.mimeType, 'application/octet-stream')
})

test('where unknown types are not taken, what comes without a type is taken by what its bytes are', async (t) => {
  const app = await openTestApp(t, { 'uploads.allowed_content_types': 'image/png' })
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  assert.equal((await upload(app, png, 'x', 'application/octet-stream')).mimeType, 'image/png')
  await assert.rejects(upload(app, 'mere bytes', 'x', 'application/octet-stream'), /415/)
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { newKey } from '../../src/core/secrets.ts'
import { aether } from '../support/aether.ts'
import { formWith, openTestApp, type TestApp, temporaryFolder, upload, withKey } from '../support/app.ts'
import { formBytes, formType } from '../support/multipart.ts'
import { RawConnection, rawRequest, requestHead } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { namesBelow, stateOf, until } from '../support/state.ts'

const app = await openTestApp(thisFile)
const file = await upload(app, 'served', 'served.txt')
// This takes as long as it takes, and goes on beside the others.
const held = await holdCatalogue()

/** Another process's transaction stands in the way of a write for longer than the server waits for it. */
async function holdCatalogue() {
  const server = await openTestApp(thisFile)
  const lock = new Database(join(server.folder, 'catalogue.db'))
  lock.exec('BEGIN IMMEDIATE')
  const answer = aether(server, 'POST', '/folders', { json: { name: 'late' } }).finally(() => lock.close())
  return { server, answer }
}

interface LogLine {
  readonly request?: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly address: string
}

const linesOf = (of: TestApp): LogLine[] =>
  of
    .log()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine)
    .filter(({ request }) => request !== undefined)

test('Every answer carries an id of its own, and the log has one line for it', async () => {
  const requests: [string, string, number][] = [
    ['GET', '/healthz', 200],
    ['GET', `/m/${file.id}`, 200],
    ['HEAD', `/d/${file.id}`, 200],
    ['GET', '/m/AAAAAAAAAAAAAAAA', 404],
    ['GET', '/api/v1/files', 200],
    ['GET', '/api/v1/nothing', 404],
    ['PUT', '/api/v1/files', 405],
    ['OPTIONS', '/api/v1/files', 204],
    ['GET', '/nothing', 404],
    ['GET', '/app/sign-in', 200],
  ]
  const ids = new Set<string>()
  for (const [method, path, status] of requests) {
    const response = await fetch(app.url + path, { method, headers: withKey(app.key) })
    await response.arrayBuffer()
    assert.equal(response.status, status, path)
    const id = response.headers.get('x-request-id') ?? ''
    ids.add(id)
    await until('the line of the log', () => linesOf(app).some(({ request }) => request === id))
    const lines = linesOf(app).filter(({ request }) => request === id)
    assert.equal(lines.length, 1)
    assert.deepEqual(
      { method: lines[0]?.method, path: lines[0]?.path, status: lines[0]?.status },
      { method, path, status },
    )
  }
  assert.equal(ids.size, requests.length)
})

test('No key, password, cookie or token is ever logged, nor kept in the data folder as it is', async (t) => {
  const own = await openTestApp(t)
  const wrong = newKey('atiru')
  const unfit = `${newKey('sk').slice(0, -6)}000000`
  const setUpToken = own.firstSecrets?.setUpToken ?? ''
  const password = 'a very secret password'
  const wrongPassword = 'not this very one'
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(own.url + path, { redirect: 'manual', ...init }).then(async (response) => {
      await response.arrayBuffer()
      return response
    })
  for (const key of [own.key, wrong, unfit]) {
    await ask('/api/v1/files', { headers: withKey(key) })
    await ask('/api/v1/files', { headers: { 'X-API-Key': key } })
    await ask('/api/v1/files', { headers: { Authorization: `Basic ${key}` } })
    await ask(`/api/v1/files?key=${key}`)
    const inPaths = [`/${key}`, `/m/${key}`, `/app/${key}`, `/api/v1/files/${key}`, `/api/v1/files/x${key}y/download`]
    for (const path of [...inPaths, ...inPaths.map((one) => one.replace('_', '%5f'))]) {
      await ask(path, { headers: withKey(own.key) })
    }
    await ask(`/api/v1/folders`, { method: 'POST', headers: withKey(own.key), body: key })
  }
  const form = (path: string, values: Record<string, string>) =>
    ask(path, { method: 'POST', headers: { Origin: own.url }, body: new URLSearchParams(values) })
  await ask(`/app/set-up?token=${setUpToken}`)
  const signedIn = await form('/app/set-up', { token: setUpToken, email: 'o@example.org', password })
  const cookie = /larder_session=([^;]+)/.exec(signedIn.headers.get('set-cookie') ?? '')?.[1] ?? ''
  assert.ok(cookie.length > 20)
  await form('/app/sign-in', { email: 'o@example.org', password: wrongPassword })
  await ask('/app/', { headers: { Cookie: `larder_session=${cookie}` } })
  await ask('/api/v1/files', { headers: { Cookie: `larder_session=${cookie}` } })
  await own.activityKept()
  const secrets = [own.key, wrong, unfit].map((key) => key.slice(key.indexOf('_') + 1))
  secrets.push(setUpToken, cookie, password, wrongPassword)
  assert.ok(linesOf(own).length > 40)
  for (const secret of secrets) assert.ok(!(await own.wholeLog()).includes(secret), 'a secret is in the log')
  for (const name of await namesBelow(own.folder)) {
    const bytes = await readFile(join(own.folder, name))
    for (const secret of secrets) assert.ok(!bytes.includes(secret), `a secret is in ${name}`)
  }
})

test('Every door may be called from a page of any site, and never with its cookies', async () => {
  for (const path of ['/api/v1/files', `/m/${file.id}`, '/api/v1/nothing', '/m/none', '/healthz', '/nothing']) {
    const response = await fetch(app.url + path, { headers: { Origin: 'https://example.org' } })
    await response.arrayBuffer()
    assert.equal(response.headers.get('access-control-allow-origin'), '*', path)
    assert.equal(response.headers.get('access-control-allow-credentials'), null)
    assert.match(response.headers.get('access-control-expose-headers') ?? '', /ETag.*X-Request-Id/)
  }
  for (const path of ['/api/v1/files/upload', `/m/${file.id}`, '/api/v1/files/x', '*']) {
    const answer = await rawRequest(app.url, 'OPTIONS', path, {
      Origin: 'https://example.org',
      'Access-Control-Request-Method': 'PATCH',
      'Access-Control-Request-Headers': 'authorization, x-api-key, content-type, range',
    })
    assert.equal(answer.status, 204)
    assert.equal(answer.headers['access-control-allow-origin'], '*')
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']) {
      assert.ok(answer.headers['access-control-allow-methods']?.includes(method))
    }
    for (const name of ['authorization', 'x-api-key', 'content-type', 'range']) {
      assert.ok(answer.headers['access-control-allow-headers']?.toLowerCase().includes(name), name)
    }
    assert.ok(Number(answer.headers['access-control-max-age']) > 0)
  }
  const page = await fetch(`${app.url}/app/sign-in`, { headers: { Origin: 'https://example.org' } })
  assert.equal(page.headers.get('access-control-allow-origin'), null, 'pages with forms are for their own site alone')
})

test('Under a base path everything is below it, and nothing beside it', async (t) => {
  const below = await openTestApp(t, { 'server.base_path': '/larder' })
  const origin = new URL(below.url).origin
  assert.equal(below.url, `${origin}/larder`)
  const stored = await upload(below, 'x', 'x.txt')
  assert.equal(stored.url, `${origin}/larder/m/${stored.id}`)
  assert.equal(await (await fetch(stored.url)).text(), 'x')
  assert.equal((await fetch(String(stored.downloadUrl), { headers: withKey(below.key) })).status, 200)
  assert.equal((await fetch(`${origin}/larder/healthz`)).status, 200)
  for (const path of [
    '/',
    '/healthz',
    `/m/${stored.id}`,
    '/api/v1/files',
    '/larderx/healthz',
    '/Larder/healthz',
    '/larder/larder/healthz',
  ]) {
    assert.equal((await fetch(origin + path, { headers: withKey(below.key) })).status, 404, path)
  }
  const start = await fetch(`${origin}/larder`, { redirect: 'manual' })
  assert.deepEqual([start.status, start.headers.get('location')], [303, '/larder/app/'])
})

test('Links carry the public address where one is configured, and else the host that was asked for', async (t) => {
  const named = await openTestApp(t, { 'server.public_url': 'https://files.example.org/store' })
  assert.match((await upload(named, 'x')).url, /^https:\/\/files\.example\.org\/store\/m\//)
  const body = formBytes([{ filename: 'a.txt', value: 'x' }])
  const urlFor = async (headers: Record<string, string>) => {
    const all = { ...withKey(app.key), 'Content-Type': formType, ...headers }
    const answer = await rawRequest(app.url, 'POST', '/api/v1/files/upload', all, body)
    assert.equal(answer.status, 201)
    return new URL(JSON.parse(answer.body.toString()).file.url).origin
  }
  assert.equal(await urlFor({ Host: 'nas.home.lan:8080' }), 'http://nas.home.lan:8080')
  assert.equal(await urlFor({ Host: '[fd00::1]:8080' }), 'http://[fd00::1]:8080')
  const local = new URL(app.url).origin
  for (const host of ['', 'a b', '<script>', 'x:99999', '1.2.3.4.5', 'a/b', 'u@h', 'a"b']) {
    assert.equal(await urlFor({ Host: host }), local, `Host: ${host}`)
    const redirected = await rawRequest(
      app.url,
      'POST',
      '/api/v1/files/upload',
      { ...withKey(app.key), 'Content-Type': formType, Accept: 'text/html', Host: host },
      formBytes([
        { name: 'redirect', value: '/app/' },
        { filename: 'a.txt', value: 'x' },
      ]),
    )
    assert.deepEqual([redirected.status, redirected.headers.location], [303, '/app/'])
  }
  assert.equal(
    await urlFor({ 'X-Forwarded-Host': 'evil.example.org', 'X-Forwarded-Proto': 'https' }),
    new URL('http://larder.test').origin,
  )
})

test('Under a host name of its own a door is served at the root too, and only there', async (t) => {
  const bound = await openTestApp(t, { hosts: 'cdn.home.lan=aether' })
  const at = (path: string, host: string) => rawRequest(bound.url, 'GET', path, { ...withKey(bound.key), Host: host })
  for (const host of ['cdn.home.lan', 'cdn.home.lan:8080', 'CDN.Home.Lan']) {
    assert.equal((await at('/files', host)).status, 200, host)
    assert.equal((await at('/user/stats', host)).status, 200)
    assert.equal((await at('/api/v1/files', host)).status, 200)
    assert.equal((await at('/healthz', host)).status, 200)
    assert.equal((await at('/app/sign-in', host)).status, 200)
    assert.equal(
      (await at('/auth/confirm?token=none', host)).status,
      404,
      'what a letter leads to is the same everywhere',
    )
    assert.equal(JSON.parse((await at('/auth/confirm?token=none', host)).body.toString()).code, 'NOT_FOUND')
    const nothing = await at('/nothing', host)
    assert.deepEqual([nothing.status, JSON.parse(nothing.body.toString()).success], [404, false])
  }
  for (const host of ['other.home.lan', 'cdn.home.lan.evil.org', 'xcdn.home.lan']) {
    assert.equal((await at('/user/stats', host)).status, 404, host)
    assert.equal(
      'success' in JSON.parse((await at('/files', host)).body.toString()),
      false,
      'it is the door at the root that answers',
    )
  }
})

test('What X-Forwarded-For says counts only as far as trusted proxies said it', async (t) => {
  const proxied = await openTestApp(t, { 'server.trusted_proxies': '127.0.0.1,10.0.0.0/8' })
  const addressFor = async (of: TestApp, forwarded: string): Promise<string | undefined> => {
    const answer = await rawRequest(of.url, 'GET', '/healthz', { 'X-Forwarded-For': forwarded })
    const id = answer.headers['x-request-id']
    await until('the line of the log', () => linesOf(of).some(({ request }) => request === id))
    return linesOf(of).find(({ request }) => request === id)?.address
  }
  assert.equal(await addressFor(proxied, '203.0.113.9'), '203.0.113.9')
  assert.equal(await addressFor(proxied, '6.6.6.6, 203.0.113.9'), '203.0.113.9')
  assert.equal(await addressFor(proxied, '203.0.113.9, 10.1.2.3'), '203.0.113.9')
  assert.equal(await addressFor(proxied, '2001:db8::1'), '2001:db8::1')
  assert.equal(await addressFor(app, '203.0.113.9'), '127.0.0.1')
  const answer = await rawRequest(
    proxied.url,
    'POST',
    '/api/v1/files/upload',
    {
      ...withKey(proxied.key),
      'Content-Type': formType,
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'files.example.org',
    },
    formBytes([{ filename: 'a.txt', value: 'x' }]),
  )
  assert.equal(new URL(JSON.parse(answer.body.toString()).file.url).origin, 'https://files.example.org')
})

test('One address may hold open so many connections, and one more when one of them ends', async (t) => {
  const capped = await openTestApp(t, { 'server.max_connections_per_address': 3 })
  const healthy = async (connection: RawConnection) => {
    connection.send(requestHead('GET', '/healthz'))
    return (await connection.answer()).status === 200
  }
  const open = await Promise.all([1, 2, 3].map(() => RawConnection.open(capped.url)))
  for (const connection of open) assert.ok(await healthy(connection))
  const fourth = await RawConnection.open(capped.url)
  await fourth.closed
  for (const connection of open) assert.ok(await healthy(connection))
  open[0]?.destroy()
  await until('room for another', async () => {
    const another = await RawConnection.open(capped.url)
    return healthy(another).catch(() => false)
  })
  for (const connection of open) connection.destroy()
})

test('Malformed paths, encodings and tricks are refused, and never an error of the server', async () => {
  const before = await stateOf(app)
  const targets = [
    '/api/v1/../..',
    '/api/v1/../../etc/passwd',
    '/api/v1/files/../../../etc/passwd',
    '/api/v1/files/..%2f..%2f..%2fetc%2fpasswd',
    '/api/v1/files/%2e%2e%2f%2e%2e/download',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/m/../../../../etc/passwd',
    '/m/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/m/%2e%2e/x',
    '/d/....//....//etc/passwd',
    '/app/..%2f..%2fetc%2fpasswd',
    '/app/files/%2e%2e/download',
    '/api/v1/files/%00',
    '/api/v1/files/a%00b/download',
    '/m/%00',
    '/%00',
    '/api/v1/files/%',
    '/api/v1/files/%zz/download',
    '/api/v1/folders/%e0%a4%a',
    '/api/v1/files/%ff%fe',
    '/api/v1/files/..%c0%af..',
    '/app/files/%/download',
    '/%',
    '/%zz',
    '/m/%',
    '//',
    '///api/v1/files',
    '//evil.example.org/api/v1/files',
    '/api/v1//files',
    '/api/v1/files//',
    '/api\\v1\\files',
    '/..\\..\\windows',
    '/api/v1/files;x=y',
    '/api/v1/files/..;/x',
    '/api/v1/files/__proto__',
    '/api/v1/files/constructor/download',
    '/m/__proto__',
    '/m/hasOwnProperty00',
    '/.outside',
    '/?',
    '/#',
    '*',
    'api/v1/files',
    `/${'a/'.repeat(3_000)}`,
    `/api/v1/files/${'x'.repeat(8_000)}`,
    `/m/${'x'.repeat(8_000)}`,
    `/api/v1/files?limit=${'1'.repeat(5_000)}`,
    '/api/v1/files?folderId=%00',
    '/api/v1/files?folderId[$ne]=x',
    '/api/v1/files?limit=%zz&offset=%',
    "/api/v1/files/'%20OR%20'1'='1",
  ]
  for (const target of targets) {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PROPFIND', 'TRACE']) {
      const answer = await rawRequest(app.url, method, target, withKey(app.key))
      const isList = /^\/api\/v1\/files\?folderId\[/.test(target) && answer.status === 200
      const isLedOn = answer.status === 303 && /^\/app\//.test(answer.headers.location ?? '')
      const isRefused = answer.status >= 400 && answer.status < 500
      assert.ok(isList || isLedOn || isRefused, `${method} ${target}: ${answer.status}`)
      assert.doesNotMatch(answer.body.toString(), /root:|ENOENT|node_modules/)
    }
  }
  assert.deepEqual(await stateOf(app), before)
  assert.ok(!(await app.wholeLog()).includes('"level":50'), 'nothing of it was an error')
})

test('What is no HTTP at all ends its own connection and nothing else', async () => {
  const rubbish = [
    '\r\n\r\n\r\n',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'hello\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00',
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
    'GET / HTTP/1.1\r\nHost: x\r\nBroken header\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
  ]
  for (const text of rubbish) {
    const connection = await RawConnection.open(app.url)
    await connection.sent(text)
    connection.socket.end()
    await connection.closed
    connection.destroy()
  }
  assert.equal((await fetch(`${app.url}/healthz`)).status, 200)
})

test('A request in the form that proxies are sent, or of HTTP/1.0, is served all the same', async () => {
  const origin = new URL(app.url).origin
  const list = await rawRequest(app.url, 'GET', `${origin}/api/v1/files?limit=1`, withKey(app.key))
  assert.deepEqual([list.status, JSON.parse(list.body.toString()).pagination.limit], [200, 1])
  const media = await rawRequest(app.url, 'GET', `HTTP://larder.test/m/${file.id}`)
  assert.deepEqual([media.status, media.body.toString()], [200, 'served'])
  assert.equal((await rawRequest(app.url, 'GET', origin)).status, 303)
  const connection = await RawConnection.open(app.url)
  connection.send(`GET /m/${file.id} HTTP/1.0\r\n\r\n`)
  assert.equal((await connection.answer()).body.toString(), 'served')
  await connection.closed
})

test('healthz says that the server serves; readyz says whether the disk can be written, too', async (t) => {
  const ill = await openTestApp(t)
  const tmp = join(ill.folder, 'tmp')
  const ask = async (path: string) => {
    const response = await fetch(ill.url + path)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    return [response.status, await response.json()]
  }
  // No folder, whatever rights there are.
  await rename(tmp, `${tmp}.away`)
  await writeFile(tmp, '')
  assert.deepEqual(await ask('/readyz'), [503, { status: 'not ready', faults: ['the disk cannot be written'] }])
  assert.deepEqual(await ask('/healthz'), [200, { status: 'ok' }])
  await unlink(tmp)
  await rename(`${tmp}.away`, tmp)
  await until('the server to be ready again', async () => (await fetch(`${ill.url}/readyz`)).status === 200)
  assert.deepEqual(await ask('/readyz'), [200, { status: 'ready', faults: [] }])
  assert.deepEqual(await readdir(join(ill.folder, 'tmp')), [])
})

async function beginUpload(of: TestApp, form: Buffer, sent: number): Promise<RawConnection> {
  const connection = await RawConnection.open(of.url)
  const headers = { ...withKey(of.key), 'Content-Type': formType, 'Content-Length': form.length }
  connection.send(requestHead('POST', '/api/v1/files/upload', headers))
  await connection.sent(form.subarray(0, sent))
  await until('the upload to begin', () => of.isUploading())
  return connection
}

test('A server that is told to stop takes no new connection, and lets an upload under way end', async (t) => {
  const dir = await temporaryFolder(t)
  const stopping = await openTestApp(t, { 'data.dir': dir, 'server.shutdown_grace': '30s' })
  const bytes = randomBytes(300_000)
  const form = formBytes([{ filename: 'last.bin', value: bytes }])
  const idle = await RawConnection.open(stopping.url)
  idle.send(requestHead('GET', '/healthz'))
  await idle.answer()
  const connection = await beginUpload(stopping, form, 100_000)
  const closing = stopping.close()
  await idle.closed
  await until('new connections to be refused', () =>
    RawConnection.open(stopping.url)
      .then(
        (one) => one.closed,
        () => true,
      )
      .then(() => true),
  )
  await assert.rejects(RawConnection.open(stopping.url), { code: 'ECONNREFUSED' })
  connection.send(form.subarray(100_000))
  assert.equal((await connection.answer()).status, 201)
  await closing
  await connection.closed
  const again = await openTestApp(t, { 'data.dir': dir })
  const { files } = (await aether({ ...again, key: stopping.key }, 'GET', '/files')).body
  assert.deepEqual(
    files.map(({ name, size }) => [name, size]),
    [['last.bin', bytes.length]],
  )
})

test('An upload that does not end within the grace is cut, and leaves nothing', async (t) => {
  const dir = await temporaryFolder(t)
  const stopping = await openTestApp(t, { 'data.dir': dir, 'server.shutdown_grace': '200ms' })
  const form = formBytes([{ filename: 'never.bin', value: randomBytes(300_000) }])
  const connection = await beginUpload(stopping, form, 100_000)
  await stopping.close()
  await connection.closed
  const again = await openTestApp(t, { 'data.dir': dir })
  assert.equal((await aether({ ...again, key: stopping.key }, 'GET', '/files')).body.pagination.total, 0)
  assert.deepEqual(await readdir(join(dir, 'tmp')), [])
})

test('A second server on the same folder is refused, and the first serves on', async () => {
  await assert.rejects(openTestApp(thisFile, { 'data.dir': app.folder }), /Another Larder serves the data folder/)
  assert.equal((await aether(app, 'POST', '/files/upload', { form: formWith('still') })).status, 201)
})

test('While another process holds the catalogue for longer than the server waits, a write is answered with busy', async () => {
  const answer = await held.answer
  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('retry-after'), '5')
  assert.deepEqual(answer.body, {
    success: false,
    error: { code: 'busy', message: 'another process holds the catalogue; try again in 5 seconds' },
  })
  assert.equal((await aether(held.server, 'POST', '/folders', { json: { name: 'late' } })).status, 201)
})

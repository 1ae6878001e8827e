import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether, makeFolder, refusal } from '../support/aether.ts'
import { formWith, openTestApp, upload, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const clock = new MovingClock()
const app = await openTestApp(thisFile, { 'uploads.max_size': '1 MiB' }, { clock })
const file = await upload(app, 'there', 'there.txt')

test('unauthorized: without a key, and it says how one is sent', async () => {
  const answer = await aether(app, 'GET', '/files', { key: null })
  refusal(
    answer,
    401,
    'unauthorized',
    'send an API key or an access token: "Authorization: Bearer …", or a key as "X-API-Key: …"',
  )
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
})

test('unauthorized: a key that is malformed, unknown, expired or revoked, each in its own words', async () => {
  const revoked = await app.newKey()
  await app.catalogue.write.revokeKey({ id: revoked.id, now: Date.now() })
  const expired = await app.newKey({ expiresAt: Date.now() + 1_000 })
  const wrong = `${app.key.slice(0, -6)}000000`
  refusal(await aether(app, 'GET', '/files', { key: revoked.text }), 401, 'unauthorized', 'this key was revoked')
  refusal(
    await aether(app, 'GET', '/files', { key: wrong }),
    401,
    'unauthorized',
    /neither an API key nor an access token/,
  )
  clock.aheadMs = 1_000
  refusal(await aether(app, 'GET', '/files', { key: expired.text }), 401, 'unauthorized', /expired/)
  clock.aheadMs = 0
})

test('forbidden: a key without the scope, and it names the scope', async () => {
  const { text } = await app.newKey({ scopes: ['files:read'] })
  refusal(await aether(app, 'DELETE', `/files/${file.id}`, { key: text }), 403, 'forbidden', /files:write/)
})

test('forbidden: a key outside its folder, and a disabled account', async () => {
  const { text } = await app.newKey({ pathPrefix: 'docs/' })
  refusal(await aether(app, 'GET', `/files/${file.id}`, { key: text }), 403, 'forbidden', /docs\//)
  const account = await app.newAccount('disabled@example.org')
  const key = await app.newKey({}, account)
  await app.accounts.setDisabled(account, true)
  refusal(await aether(app, 'GET', '/files', { key: key.text }), 403, 'forbidden', 'this account is disabled')
})

test('not_found: a file, a folder, a route', async () => {
  refusal(await aether(app, 'GET', '/files/AAAAAAAAAAAAAAAA'), 404, 'not_found', 'there is no such file')
  refusal(await aether(app, 'GET', '/files?folderId=x'), 404, 'not_found', 'there is no such folder')
  refusal(await aether(app, 'GET', '/nothing'), 404, 'not_found', 'there is no such route')
})

test('method_not_allowed: the answer names the methods that there are', async () => {
  const answer = await aether(app, 'PUT', `/files/${file.id}`, { json: {} })
  refusal(answer, 405, 'method_not_allowed', 'this address answers GET, PATCH, DELETE, HEAD, OPTIONS only')
  assert.equal(answer.headers.get('allow'), 'GET, PATCH, DELETE, HEAD, OPTIONS')
})

test('conflict: a name that is taken, and a folder that is not empty', async () => {
  const folder = await makeFolder(app, 'taken')
  await makeFolder(app, 'inside', folder)
  refusal(
    await aether(app, 'POST', '/folders', { json: { name: 'taken' } }),
    409,
    'conflict',
    '"taken" is taken in that folder',
  )
  refusal(await aether(app, 'DELETE', `/folders/${folder}`), 409, 'conflict', /not empty.*recursive=true/)
})

test('bad_request: malformed JSON, no JSON, a field of the wrong kind', async () => {
  const patch =
    (body: string, type = 'application/json') =>
    async () => {
      const response = await fetch(`${app.url}/api/v1/files/${file.id}`, {
        method: 'PATCH',
        headers: { ...withKey(app.key), 'Content-Type': type },
        body,
      })
      const bytes = Buffer.from(await response.arrayBuffer())
      return { status: response.status, headers: response.headers, bytes, body: JSON.parse(bytes.toString()) }
    }
  const malformed = 'the body is not valid JSON'
  for (const text of ['{"name": ', '{name: 1}', '\u0000', '{"a":1}{"b":2}', '[1,']) {
    refusal(await patch(text)(), 400, 'bad_request', malformed)
  }
  refusal(await patch('{}', 'text/plain')(), 400, 'bad_request', /send JSON/)
  refusal(await patch('{}', 'application/json; charset=klingon')(), 400, 'bad_request', /cannot be read/)
  refusal(await patch('{"name":5}')(), 400, 'bad_request', /^name is not a text/)
  refusal(await patch('{"name":5,"tags":7}')(), 400, 'bad_request', /name is .*; tags is /)
})

test('payload_too_large: a file over the limit, and a JSON body over its own', async () => {
  const form = formWith(Buffer.alloc(1024 * 1024 + 1), 'big.bin', 'application/octet-stream')
  const before = await stateOf(app)
  refusal(
    await aether(app, 'POST', '/files/upload', { form }),
    413,
    'payload_too_large',
    'the file is too large: at most 1048576 bytes',
  )
  const json = { description: 'x'.repeat(3 * 1024 * 1024) }
  refusal(await aether(app, 'PATCH', `/files/${file.id}`, { json }), 413, 'payload_too_large', /the body is too large/)
  assert.deepEqual(await stateOf(app), before)
  const exact = formWith(Buffer.alloc(1024 * 1024), 'big.bin', 'application/octet-stream')
  assert.equal((await aether(app, 'POST', '/files/upload', { form: exact })).status, 201)
})

test('unsupported_media_type: a type that is not on the list, said or told from the bytes where unknown ones are not taken', async (t) => {
  const strict = await openTestApp(t, { 'uploads.allowed_content_types': 'image/*' })
  const before = await stateOf(app)
  const program = Buffer.concat([Buffer.from('7f454c46020101000000000000000000', 'hex'), Buffer.alloc(100)])
  const tries: [Uint8Array | string, string][] = [
    ['MZ', 'application/x-msdownload'],
    ['x', 'application/x-sh'],
  ]
  for (const [bytes, type] of tries) {
    const answer = await aether(app, 'POST', '/files/upload', { form: formWith(bytes, 'run', type) })
    refusal(answer, 415, 'unsupported_media_type', /files of type application\/x-[\w-]+ are not taken here/)
  }
  const told = await aether(strict, 'POST', '/files/upload', {
    form: formWith(program, 'run', 'application/octet-stream'),
  })
  refusal(told, 415, 'unsupported_media_type', /files of type application\/x-[\w-]+ are not taken here/)
  assert.deepEqual(await stateOf(app), before)
})

test('quota_exceeded: of bytes, and of files', async (t) => {
  const small = await openTestApp(t, { 'quota.storage': '100 B', 'quota.files': 2 })
  await upload(small, 'x'.repeat(60), 'a.txt')
  const before = await stateOf(small)
  const large = formWith('x'.repeat(41), 'b.txt')
  refusal(
    await aether(small, 'POST', '/files/upload', { form: large }),
    403,
    'quota_exceeded',
    'the quota of 100 bytes does not allow for it: 60 are in use',
  )
  const two = formWith('1', 'b.txt')
  two.append('file', new Blob(['2'], { type: 'text/plain' }), 'c.txt')
  refusal(
    await aether(small, 'POST', '/files/upload', { form: two }),
    403,
    'quota_exceeded',
    'the quota of 2 files does not allow for it: 1 are in use',
  )
  assert.deepEqual(await stateOf(small), before)
  await upload(small, 'x'.repeat(40), 'b.txt')
  const third = formWith('', 'c.txt')
  refusal(await aether(small, 'POST', '/files/upload', { form: third }), 403, 'quota_exceeded', /quota of 2 files/)
})

test('rate_limited: with the seconds to wait, and the RateLimit headers on every answer', async (t) => {
  const slow = await openTestApp(t, { 'limits.api': '3/1m', 'limits.upload': '1/1m' })
  for (const left of ['2', '1']) {
    const { status, headers } = await aether(slow, 'GET', '/files')
    assert.equal(status, 200)
    assert.equal(headers.get('ratelimit-limit'), '3')
    assert.equal(headers.get('ratelimit-policy'), '3;w=60')
    assert.equal(headers.get('ratelimit-remaining'), left)
    assert.match(headers.get('ratelimit-reset') ?? '', /^([1-9]|[1-5]\d|60)$/)
  }
  await aether(slow, 'GET', '/files')
  const answer = await aether(slow, 'GET', '/files')
  refusal(answer, 429, 'rate_limited', /^at most 3 requests in 60 seconds; try again in \d+ seconds$/)
  assert.match(answer.headers.get('retry-after') ?? '', /^([1-9]|[1-5]\d|60)$/)
  assert.equal(answer.headers.get('ratelimit-remaining'), '0')
  const other = await slow.newKey()
  assert.equal((await aether(slow, 'GET', '/files', { key: other.text })).status, 200, 'each key has its own count')
  const first = await aether(slow, 'POST', '/files/upload', { key: other.text, form: formWith('1') })
  assert.equal(first.status, 201)
  const third = await slow.newKey()
  const second = await aether(slow, 'POST', '/files/upload', { key: third.text, form: formWith('2') })
  refusal(second, 429, 'rate_limited', /^at most 1 requests/)
})

test('rate_limited: knocking without a good key counts for the address', async (t) => {
  const slow = await openTestApp(t, { 'limits.api': '3/1m' })
  const wrong = `${slow.key.slice(0, -6)}000000`
  for (const key of [null, wrong, 'x']) assert.equal((await aether(slow, 'GET', '/files', { key })).status, 401)
  refusal(await aether(slow, 'GET', '/files', { key: null }), 429, 'rate_limited', /at most 3/)
  assert.equal((await aether(slow, 'GET', '/files')).status, 200, 'a good key has a count of its own')
})

test('insufficient_storage: when the disk has only its headroom left', async (t) => {
  const full = await openTestApp(t, { 'data.reserve': '100 TiB' })
  const before = await stateOf(full)
  refusal(
    await aether(full, 'POST', '/files/upload', { form: formWith('x') }),
    507,
    'insufficient_storage',
    /headroom.*nothing was kept/,
  )
  assert.deepEqual(await stateOf(full), before)
  assert.equal((await aether(full, 'POST', '/folders', { json: { name: 'still' } })).status, 201)
})

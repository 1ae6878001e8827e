import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { openTestApp, type TestApp } from '../support/app.ts'
import { atiru, type LogLine, newPerson, refusal, store } from '../support/atiru.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'

const app = await openTestApp(thisFile)

const logs = (query = '', key = app.key, of: TestApp = app) => atiru(of, 'GET', `/logs${query}`, { key })

/** Somebody new, of whom nothing is written down yet. */
async function somebody(email: string, of: TestApp = app) {
  const { account, session } = await newPerson(of, email)
  return { account, key: session.access_token }
}

/** The lines of a person, the newest first, once there are as many: a call is written down when it is over. */
async function linesOf(key: string, count: number, of: TestApp = app): Promise<LogLine[]> {
  const own = async () => {
    const { status, body } = await logs('?limit=100', key, of)
    assert.equal(status, 200)
    return body.logs.filter(({ path }) => path !== '/logs')
  }
  await until(`${count} lines`, async () => (await own()).length >= count)
  return own()
}

test('The list is the account’s calls at all doors, newest first, as they were answered', async () => {
  const { account, key } = await somebody('calls@example.org')
  const { text: apiKey } = await app.newKey({ kind: 'atiru' }, account)
  const before = Date.now()
  const userAgent = { 'User-Agent': 'larder-test/1.0' }
  const file = await store(app, 'x'.repeat(10), { key })
  await atiru(app, 'GET', `/files/${file.file_id}`, { key: apiKey, headers: userAgent })
  await aether({ ...app, key }, 'GET', '/files')
  await atiru(app, 'GET', '/files/AAAAAAAAAAAAAAAA?a=secret', { key })
  await atiru(app, 'DELETE', '/auth/api-keys/x', { key: apiKey })
  const lines = await linesOf(key, 5)
  const [refused, missing, , seen, stored] = lines
  assert.deepEqual(
    lines.map(({ method, path, status_code: status }) => [method, path, status]),
    [
      ['DELETE', '/auth/api-keys/x', 403],
      ['GET', '/files/AAAAAAAAAAAAAAAA', 404],
      ['GET', '/api/v1/files', 200],
      ['GET', `/files/${file.file_id}`, 200],
      ['POST', '/files', 201],
    ],
  )
  assert.deepEqual(Object.keys(stored ?? {}), [
    'id',
    'method',
    'path',
    'status_code',
    'request_size_bytes',
    'created_at',
    'metadata',
  ])
  assert.deepEqual([stored?.request_size_bytes, seen?.request_size_bytes], [10, null])
  assert.deepEqual(Object.keys(seen?.metadata ?? {}), ['duration_ms', 'user_agent', 'key_prefix'])
  const hint = apiKey.slice(0, 'atiru_xxxx'.length)
  assert.deepEqual([seen?.metadata.user_agent, seen?.metadata.key_prefix], ['larder-test/1.0', hint])
  assert.deepEqual([refused?.metadata.key_prefix, missing?.metadata.key_prefix], [hint, null])
  for (const { id, created_at: at, metadata } of lines) {
    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.ok(Date.parse(at) >= before && Date.parse(at) <= Date.now())
    assert.ok(metadata.duration_ms >= 0 && metadata.duration_ms < 10_000)
  }
  assert.equal(new Set(lines.map(({ id }) => id)).size, lines.length)
})

test('What everybody may do is nobody’s call: links, the reference, log-ins and refused keys', async () => {
  const { key } = await somebody('nobody@example.org')
  const file = await store(app, 'seen', { key })
  for (const path of [`/m/${file.file_id}`, `/d/${file.file_id}`, '/reference/for-agents', '/healthz'])
    await atiru(app, 'GET', path, { key })
  await atiru(app, 'POST', '/auth/login', { json: { email: 'nobody@example.org', password: 'correct horse' }, key })
  await atiru(app, 'GET', '/files', { key: `${key}x` })
  await atiru(app, 'GET', '/profile', { key })
  const paths = (await linesOf(key, 2)).map(({ path }) => path)
  assert.deepEqual(paths, ['/profile', '/files'])
})

test('Pages are counted from 1, twenty lines each; over a hundred count as a hundred, and past the end is nothing', async () => {
  const { key } = await somebody('pages@example.org')
  for (let n = 0; n < 25; n++) await atiru(app, 'GET', `/files/number-${n}`, { key })
  await linesOf(key, 25)
  const page = async (query: string) => {
    const { body } = await logs(query, key)
    assert.deepEqual(Object.keys(body), ['logs', 'total', 'page', 'limit'])
    return body
  }
  const first = await page('')
  assert.deepEqual([first.page, first.limit, first.logs.length], [1, 20, 20])
  assert.ok(first.total >= 25)
  const small = await page('?page=2&limit=3')
  assert.deepEqual([small.page, small.limit, small.logs.length], [2, 3, 3])
  const large = await page('?limit=5000')
  assert.deepEqual([large.page, large.limit, large.logs.length], [1, 100, large.total])
  const past = await page('?page=1000000')
  assert.deepEqual([past.page, past.logs], [1_000_000, []])
  assert.ok(past.total > large.total, 'looking at the list is a call, too')
  for (const query of ['?page=0', '?page=-1', '?page=x', '?page=1.5', '?page='])
    refusal(await logs(query, key), 400, 'INVALID_REQUEST', /^page is a whole number from 1 on$/)
  for (const query of ['?limit=0', '?limit=-5', '?limit=all', '?limit=1e2'])
    refusal(await logs(query, key), 400, 'INVALID_REQUEST', /^limit is a whole number from 1 on$/)
})

test('Page after page is the whole list, each line once', async () => {
  const { key } = await somebody('walk@example.org')
  for (let n = 0; n < 12; n++) await atiru(app, 'GET', `/files/number-${n}`, { key })
  await linesOf(key, 12)
  const { requests, total } = await app.catalogue.read.requests((await app.accounts.named('walk@example.org')).id, {
    limit: 1_000,
    offset: 0,
  })
  assert.equal(requests.length, total)
  const seen: string[] = []
  // Each look adds a line in front, so the next page begins one further on.
  for (let page = 1; page <= 20; page++) {
    const { logs: lines } = (await logs(`?page=${page}&limit=5`, key)).body
    seen.push(...lines.map(({ path }) => path).filter((path) => path.startsWith('/files/')))
    if (lines.length === 0) break
  }
  assert.deepEqual(
    [...new Set(seen)],
    Array.from({ length: 12 }, (_, n) => `/files/number-${11 - n}`),
  )
})

test('The list is one’s own; a key needs user:read, and none that is held to a folder sees it', async () => {
  const { account, key } = await somebody('own@example.org')
  const other = await somebody('other@example.org')
  await atiru(app, 'GET', '/files/mine', { key })
  await linesOf(key, 1)
  assert.deepEqual((await logs('', other.key)).body.logs, [])
  const held = await app.newKey({ pathPrefix: 'docs/' }, account)
  const blind = await app.newKey({ scopes: ['files:read'] }, account)
  const seeing = await app.newKey({ scopes: ['user:read'] }, account)
  refusal(await logs('', held.text), 403, 'FORBIDDEN', /docs\//)
  refusal(await logs('', blind.text), 403, 'FORBIDDEN', /user:read/)
  refusal(await atiru(app, 'GET', '/logs', { key: null }), 401, 'MISSING_AUTH')
  assert.equal((await logs('', seeing.text)).status, 200)
})

test('No secret is written down: a key in a path is known by its start', async () => {
  const { account, key } = await somebody('secret@example.org')
  const { text } = await app.newKey({ kind: 'atiru' }, account)
  await atiru(app, 'GET', `/files/${text}`, { key })
  const [line] = await linesOf(key, 1)
  assert.equal(line?.path, '/files/atiru_…')
})

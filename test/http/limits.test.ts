import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configWith } from '../../src/config/index.ts'
import { aether } from '../support/aether.ts'
import { openTestApp, type TestApp, withKey } from '../support/app.ts'
import { signedIn } from '../support/atiru.ts'
import { Visitor } from '../support/dashboard.ts'
import { identity, newPerson } from '../support/identity.ts'

type Headers = Record<string, string>

/** What the limits are where nobody says. */
const standard = { 'limits.auth': '10/1m', 'limits.api': '600/1m', 'limits.upload': '300/1m' }

const within60 = /^([1-9]|[1-5]\d|60)$/

function post(app: TestApp, path: string, json: object, headers: Headers = {}): Promise<Response> {
  return fetch(app.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(json),
  })
}

/** A try that counts by its address and costs nothing else: the body is no request at all. */
const knock = (app: TestApp, headers: Headers = {}): Promise<Response> => post(app, '/auth/login', {}, headers)

async function knocks(app: TestApp, times: number, headers: Headers = {}): Promise<number[]> {
  const statuses = []
  for (let n = 0; n < times; n++) statuses.push((await knock(app, headers)).status)
  return statuses
}

const times = (count: number, status: number): number[] => Array.from({ length: count }, () => status)

/** What a client sends by way of a proxy. */
const from = (...addresses: string[]): Headers => ({ 'X-Forwarded-For': addresses.join(', ') })

test('Ten tries to sign in or register come from one address in a minute, at all doors together', async (t) => {
  const app = await openTestApp(t, { ...standard, 'auth.registration': 'open' })
  const visitor = new Visitor(app)
  const email = 'ada@example.org'
  const tries: (() => Promise<Response>)[] = [
    () => post(app, '/auth/register', { email, password: 'correct horse' }),
    () => post(app, '/auth/login', { email, password: 'correct horse' }),
    () => post(app, '/auth/forgot-password', { email }),
    () => post(app, '/auth/reset-password', { token: 'unknown', password: 'correct horse' }),
    () => post(app, '/identity/auth/verification/send-code', { email }),
    () => post(app, '/identity/auth/verification/verify-code', { email, code: '123456' }),
    () => visitor.post('/app/sign-in', { email, password: 'wrong' }),
    () => visitor.post('/app/set-up', { token: 'unknown', email, password: 'correct horse' }),
    () => post(app, '/auth/login', {}),
    () => post(app, '/identity/auth/verification/verify-code', {}),
  ]
  for (const [n, attempt] of tries.entries()) {
    const response = await attempt()
    assert.notEqual(response.status, 429, `${n}`)
    assert.equal(response.headers.get('ratelimit-limit'), '10', `${n}`)
    assert.equal(response.headers.get('ratelimit-policy'), '10;w=60')
    assert.equal(response.headers.get('ratelimit-remaining'), String(9 - n))
    assert.match(response.headers.get('ratelimit-reset') ?? '', within60)
  }
  for (const attempt of tries) {
    const response = await attempt()
    assert.equal(response.status, 429)
    assert.equal(response.headers.get('ratelimit-remaining'), '0')
    assert.match(response.headers.get('retry-after') ?? '', within60)
    assert.equal(response.headers.get('retry-after'), response.headers.get('ratelimit-reset'))
  }
  assert.equal((await aether(app, 'GET', '/files')).status, 200, 'keys are counted apart')
})

test('Each door says in its own shape that it is too much', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '1/1m', 'limits.api': '1/1m' })
  const message = /^at most 1 requests in 60 seconds; try again in \d+ seconds$/
  await knock(app)
  const atiru = (await (await knock(app)).json()) as { error: string }
  assert.match(atiru.error, message)
  assert.deepEqual(atiru, { error: atiru.error, statusCode: 429, code: 'RATE_LIMITED' })

  const { status, body } = await identity(app, 'POST', '/auth/verification/send-code', { json: { email: 'a@b.c' } })
  assert.equal(status, 429)
  assert.match(body.error?.message ?? '', message)
  assert.deepEqual(body, { success: false, data: {}, error: { code: 'rate_limited', message: body.error?.message } })

  await aether(app, 'GET', '/files')
  const there = await aether(app, 'GET', '/files')
  assert.equal(there.status, 429)
  assert.match(there.body.error.message, message)
  assert.deepEqual(there.body, {
    success: false,
    error: { code: 'rate_limited', message: there.body.error.message },
  })

  const page = await new Visitor(app).post('/app/sign-in', { email: 'a@b.c', password: 'x' })
  assert.equal(page.status, 429)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  assert.match(page.headers.get('retry-after') ?? '', within60)
  assert.match(await page.text(), /Wait \d+ seconds, then try again/)
})

test('What is refused for being too often is not done', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '1/1m', 'auth.registration': 'open' })
  await knock(app)
  const refused = await post(app, '/auth/register', { email: 'ada@example.org', password: 'correct horse' })
  assert.equal(refused.status, 429)
  assert.equal((await app.accounts.list()).length, 1)
  assert.deepEqual(await app.catalogue.read.mails(10), [])
})

test('API calls are counted by key, and those of a log-in by account', async (t) => {
  const app = await openTestApp(t, { 'limits.api': '3/1m' })
  const ada = await newPerson(app, 'ada@example.org')
  const statuses = async (path: string, credential: string) => {
    const answers = []
    for (let n = 0; n < 4; n++) answers.push((await fetch(app.url + path, { headers: withKey(credential) })).status)
    return answers
  }
  const [one, other] = [await app.newKey({}, ada.account), await app.newKey({}, ada.account)]
  assert.deepEqual(await statuses('/files', one.text), [200, 200, 200, 429])
  assert.deepEqual(await statuses('/api/v1/files', one.text), [429, 429, 429, 429], 'a key is one, at whichever door')
  assert.deepEqual(await statuses('/api/v1/files', other.text), [200, 200, 200, 429])
  assert.deepEqual(await statuses('/identity/auth/users/me', ada.access_token), [200, 200, 200, 429])
  const again = await signedIn(app, 'ada@example.org')
  assert.deepEqual(await statuses('/profile', again.access_token), [429, 429, 429, 429], 'two log-ins are one account')
  const answer = await fetch(`${app.url}/files`, { headers: withKey(app.key) })
  assert.equal(answer.headers.get('ratelimit-policy'), '3;w=60')
  assert.equal(answer.headers.get('ratelimit-remaining'), '2')
})

test('Without a good key API calls are counted by address', async (t) => {
  const app = await openTestApp(t, { 'limits.api': '3/1m' })
  const statuses = []
  for (const path of ['/files', '/identity/auth/users/me', '/api/v1/files', '/profile', '/identity/projects']) {
    statuses.push((await fetch(app.url + path, { headers: withKey('unknown') })).status)
  }
  assert.deepEqual(statuses, [401, 401, 401, 429, 429])
  assert.equal((await fetch(`${app.url}/files`, { headers: withKey(app.key) })).status, 200)
})

test('Uploads are counted by account, whichever key and door they come by', async (t) => {
  const app = await openTestApp(t, { 'limits.upload': '2/1m' })
  const store = (key: string) =>
    fetch(`${app.url}/files`, { method: 'POST', headers: { ...withKey(key), 'Content-Type': 'text/plain' }, body: 'x' })
  const other = await app.newKey()
  const first = await store(app.key)
  assert.equal(first.status, 201)
  assert.equal(first.headers.get('ratelimit-limit'), '2')
  assert.equal(first.headers.get('ratelimit-remaining'), '1')
  assert.equal((await store(other.text)).status, 201)
  const refused = await store(app.key)
  assert.equal(refused.status, 429)
  assert.match(refused.headers.get('retry-after') ?? '', within60)
  assert.equal(((await refused.json()) as { code: string }).code, 'RATE_LIMITED')
  const form = new FormData()
  form.append('file', new Blob(['x'], { type: 'text/plain' }), 'x.txt')
  assert.equal((await aether(app, 'POST', '/files/upload', { form })).status, 429)
  assert.equal((await aether(app, 'GET', '/files')).body.pagination.total, 2)
  const person = await app.newKey({}, await app.newAccount('ada@example.org'))
  assert.equal((await store(person.text)).status, 201)
})

test('A limit that is off counts nothing and says nothing', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': 'off', 'limits.api': 'off', 'limits.upload': 'off' })
  assert.deepEqual(await knocks(app, 30), times(30, 400))
  const answers = [await knock(app), await fetch(`${app.url}/files`, { headers: withKey(app.key) })]
  for (const { headers } of answers) {
    assert.deepEqual(
      [...headers.keys()].filter((name) => name.startsWith('ratelimit')),
      [],
    )
  }
})

test('Where nothing is configured, the limits are ten, six hundred and three hundred a minute', async (t) => {
  assert.deepEqual(configWith({}).limits, configWith(standard).limits)
  const app = await openTestApp(t, standard)
  const policyOf = (response: Response) => response.headers.get('ratelimit-policy')
  assert.equal(policyOf(await knock(app)), '10;w=60')
  assert.equal(policyOf(await fetch(`${app.url}/files`, { headers: withKey(app.key) })), '600;w=60')
  const headers = { ...withKey(app.key), 'Content-Type': 'text/plain' }
  assert.equal(policyOf(await fetch(`${app.url}/files`, { method: 'POST', headers, body: 'x' })), '300;w=60')
})

test('Behind a proxy that is trusted, each client is counted by itself', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '2/1m', 'server.trusted_proxies': '127.0.0.1,10.0.0.0/8' })
  for (const client of ['203.0.113.1', '203.0.113.2', '2001:db8::1']) {
    assert.deepEqual(await knocks(app, 3, from(client)), [400, 400, 429], client)
  }
  assert.deepEqual(
    await knocks(app, 1, from('6.6.6.6', '203.0.113.1')),
    [429],
    'what a client says of itself is nothing',
  )
  assert.deepEqual(await knocks(app, 1, from('203.0.113.1', '10.1.2.3')), [429], 'a second proxy is passed over')
  assert.deepEqual(await knocks(app, 1), [400], 'the proxy itself is a client, too')
})

test('What X-Forwarded-For says is not believed from anybody else', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '3/1m' })
  const statuses = []
  for (let n = 1; n < 6; n++) statuses.push(...(await knocks(app, 1, from(`203.0.113.${n}`))))
  assert.deepEqual(statuses, [400, 400, 400, 429, 429])
  const elsewhere = await openTestApp(t, { 'limits.auth': '1/1m', 'server.trusted_proxies': '10.0.0.0/8' })
  assert.deepEqual(await knocks(elsewhere, 1, from('203.0.113.1')), [400])
  assert.deepEqual(await knocks(elsewhere, 1, from('203.0.113.2')), [429])
})

test('Clients of IPv6 share their network of 64 bits, however its addresses are written', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '4/1m', 'server.trusted_proxies': '127.0.0.1' })
  const same = [
    '2001:db8:0:1::1',
    '2001:0DB8:0000:0001:ffff:ffff:ffff:ffff',
    '2001:db8::1:0:0:0:1',
    '2001:db8:0:1:a:b:c:d',
    '2001:db8:0:1::',
  ]
  const statuses = []
  for (const address of same) statuses.push(...(await knocks(app, 1, from(address))))
  assert.deepEqual(statuses, [400, 400, 400, 400, 429])
  for (const other of ['2001:db8:0:2::1', '2001:db8::1', '2001:db8:1:1::1', '::1', 'fe80::1']) {
    assert.deepEqual(await knocks(app, 1, from(other)), [400], other)
  }
})

test('An address of IPv4 is one client, also where it is written as one of IPv6', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '2/1m', 'server.trusted_proxies': '127.0.0.1' })
  const ways = ['203.0.113.1', '::ffff:203.0.113.1', '::FFFF:203.0.113.1']
  const statuses = []
  for (const address of ways) statuses.push(...(await knocks(app, 1, from(address))))
  assert.deepEqual(statuses, [400, 400, 429])
  for (const neighbour of ['203.0.113.2', '::ffff:203.0.113.3', '::FFFF:203.0.113.4', '::FFFF:203.0.113.5']) {
    assert.deepEqual(await knocks(app, 1, from(neighbour)), [400], neighbour)
  }
})

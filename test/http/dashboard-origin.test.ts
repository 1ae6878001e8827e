import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { openTestApp, type TestApp } from '../support/app.ts'
import { pageText, signedIn, Visitor } from '../support/dashboard.ts'

/** Tries to sign in with exactly these headers, and resolves to the status: 401 where the form was looked at. */
function statusOf(app: TestApp, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const { port } = app
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const sent = request({ port, method: 'POST', path: '/app/sign-in', headers: { ...type, ...headers } })
    sent.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end('email=a%40b.c&password=x')
  })
}

const looked = 401
const refused = 403

test('A form is taken from our own pages alone, under whatever name the server was reached', async (t) => {
  const app = await openTestApp(t, { 'server.public_url': 'https://files.example.org' })
  const host = `larder.lan:${app.port}`
  const cases: readonly (readonly [string, Record<string, string>, number])[] = [
    ['the host that was asked for', { Host: host, Origin: `http://${host}` }, looked],
    ['in capitals', { Host: host.toUpperCase(), Origin: `http://${host}` }, looked],
    ['behind a proxy for TLS that nobody told us of', { Host: 'box.lan', Origin: 'https://box.lan' }, looked],
    ["with its scheme's own port", { Host: 'box.lan:443', Origin: 'https://box.lan' }, looked],
    [
      'the public address, by a proxy with a Host of its own',
      { Host: host, Origin: 'https://files.example.org' },
      looked,
    ],
    ['another site', { Host: host, Origin: 'http://evil.example' }, refused],
    ['another port', { Host: host, Origin: 'http://larder.lan:81' }, refused],
    ['a name that only begins alike', { Host: 'box.lan', Origin: 'http://box.lan.evil.example' }, refused],
    ['the public name without TLS', { Host: host, Origin: 'http://files.example.org' }, refused],
    ['nobody', { Host: host, Origin: 'null' }, refused],
    ['nothing', { Host: host, Origin: '' }, refused],
    ['a file', { Host: '', Origin: 'file://' }, refused],
    ['two at once', { Host: host, Origin: `http://${host}, http://evil.example` }, refused],
    [
      'another site, whatever else is said',
      { Host: host, Origin: 'http://evil.example', 'Sec-Fetch-Site': 'same-origin', Referer: `http://${host}/` },
      refused,
    ],
    ['no Origin, the same site by the browser', { Host: host, 'Sec-Fetch-Site': 'same-origin' }, looked],
    ['no Origin, typed', { Host: host, 'Sec-Fetch-Site': 'none' }, looked],
    ['no Origin, a neighbour', { Host: host, 'Sec-Fetch-Site': 'same-site' }, refused],
    [
      'no Origin, another site by the browser',
      { Host: host, 'Sec-Fetch-Site': 'cross-site', Referer: `http://${host}/` },
      refused,
    ],
    ['a Referer of ours alone', { Host: host, Referer: `http://${host}/app/sign-in` }, looked],
    ['a Referer of the public address alone', { Host: host, Referer: 'https://files.example.org/app/' }, looked],
    ['a Referer of another site alone', { Host: host, Referer: `http://evil.example/?${host}` }, refused],
    ['a Referer that is no address', { Host: host, Referer: 'about:blank' }, refused],
    ['none of them', { Host: host }, refused],
  ]
  for (const [what, headers, status] of cases) assert.equal(await statusOf(app, headers), status, what)
})

test('No form of another site changes anything, with the cookie as without', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const foreign = { Origin: 'http://evil.example' }
  for (const path of [
    '/app/sign-in',
    '/app/set-up',
    '/app/sign-out',
    '/app/upload',
    '/app/keys',
    '/app/keys/1/revoke',
    '/app/files/1/delete',
    '/app/files/1/public',
    '/app/register',
    '/app/forgot',
    '/app/reset',
    '/app/account',
  ]) {
    const response = await visitor.post(path, { name: 'theirs', days: '' }, foreign)
    assert.match(await pageText(response, 403), /came from another site, so nothing was done/, path)
  }
  assert.equal((await visitor.get('/app/')).status, 200)
  assert.match(await pageText(await visitor.get('/app/keys')), /No keys yet/)
})

test('On plain HTTP the cookie is for this server alone, out of reach of scripts, and not Secure', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount('ada@example.org')
  const response = await new Visitor(app).post('/app/sign-in', { email: 'ada@example.org', password: 'correct horse' })
  assert.match(
    response.headers.get('set-cookie') ?? '',
    /^larder_session=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
  )
})

test('Behind a trusted proxy that says https the cookie is Secure; a stranger cannot make it so', async (t) => {
  const secure = async (trusted: string): Promise<boolean> => {
    const app = await openTestApp(t, { 'server.trusted_proxies': trusted })
    await app.newAccount('ada@example.org')
    const origin = new URL(app.url).origin.replace('http:', 'https:')
    const headers = { 'X-Forwarded-Proto': 'https', Origin: origin }
    const form = { email: 'ada@example.org', password: 'correct horse' }
    const response = await new Visitor(app).post('/app/sign-in', form, headers)
    assert.equal(response.status, 303)
    return /; Secure$/.test(response.headers.get('set-cookie') ?? '')
  }
  assert.equal(await secure('127.0.0.1'), true)
  assert.equal(await secure('192.0.2.1'), false)
})

test("With an https public_url people still sign in by the box's plain name", async (t) => {
  const app = await openTestApp(t, { 'server.public_url': 'https://files.example.org' })
  await app.newAccount('ada@example.org')
  const cookieAt = async (origin: string): Promise<string> => {
    const form = { email: 'ada@example.org', password: 'correct horse' }
    return (await new Visitor(app).post('/app/sign-in', form, { Origin: origin })).headers.get('set-cookie') ?? ''
  }
  assert.doesNotMatch(await cookieAt(app.url), /Secure/)
  assert.match(await cookieAt('https://files.example.org'), /; Secure$/)
})

test('A cookie that is no session of ours is nobody', async (t) => {
  const app = await openTestApp(t)
  const { session } = await signedIn(app)
  const locationWith = async (cookie: string) =>
    (await fetch(`${app.url}/app/`, { headers: { Cookie: cookie }, redirect: 'manual' })).headers.get('location')
  assert.equal(await locationWith(`a=b;larder_session=${session}`), null)
  assert.equal(await locationWith('larder_session'), '/app/sign-in')
  for (const cookie of [
    'larder_session=',
    'larder_session=../..',
    `larder_session="${session}"`,
    `larder_session=${'A'.repeat(43)}`,
  ]) {
    assert.equal(await locationWith(cookie), '/app/sign-in?notice=ended', cookie)
  }
  assert.equal(await locationWith(`x_larder_session=${session}`), '/app/sign-in')
})

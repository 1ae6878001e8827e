import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { pageText, signedIn, textOf, until, Visitor } from '../support/dashboard.ts'
import { thisFile } from '../support/shared.ts'

const closedPages = [
  '/app/',
  '/app/keys',
  '/app/keys/made/0123456789abcdef',
  '/app/account',
  '/app/files/0123456789abcdef/download',
]
const closedForms = [
  '/app/upload',
  '/app/sign-out',
  '/app/keys',
  '/app/keys/1/revoke',
  '/app/files/1/delete',
  '/app/files/1/public',
  '/app/account',
]

/** For tests that make nobody. */
const shared = await openTestApp(thisFile)

test('The root leads to the dashboard, and the dashboard to where one signs in', async () => {
  const visitor = new Visitor(shared)
  for (const [from, to] of [
    ['/', '/app/'],
    ['/app', '/app/'],
    ...closedPages.map((path) => [path, '/app/sign-in']),
  ] as const) {
    const response = await visitor.get(from)
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), to)
  }
  for (const path of closedForms) {
    assert.equal((await visitor.post(path)).headers.get('location'), '/app/sign-in', path)
  }
})

test('A set-up link gives its account an e-mail and a password, once, and signs in', async (t) => {
  const app = await openTestApp(t)
  const token = app.firstSecrets?.setUpToken ?? ''
  const visitor = new Visitor(app)
  const page = await (await visitor.get(`/app/set-up?token=${token}`)).text()
  assert.match(page, new RegExp(`<input name="token" type="hidden" value="${token}">`))
  const form = { token, email: ' Ada@Example.org ', password: 'correct horse' }
  const done = await visitor.post('/app/set-up', form)
  assert.deepEqual([done.status, done.headers.get('location')], [303, '/app/'])
  assert.match(await pageText(await visitor.get('/app/')), /ada@example\.org/)

  const late = new Visitor(app)
  for (const response of [await late.get(`/app/set-up?token=${token}`), await late.post('/app/set-up', form)]) {
    assert.match(await pageText(response, 404), /works once.*larder user setup-link/)
  }
  assert.equal(late.session, '')
  assert.equal((await late.post('/app/sign-in', { email: 'ada@example.org', password: 'correct horse' })).status, 303)
})

test('Looking at a set-up link does not use it up', async () => {
  const app = shared
  const visitor = new Visitor(app)
  const link = `/app/set-up?token=${await app.accounts.createSetUpLink(app.owner)}`
  for (let n = 0; n < 3; n++) assert.equal((await visitor.get(link)).status, 200)
})

test('A set-up link that is cut, made up or missing is told to be over', async () => {
  const visitor = new Visitor(shared)
  for (const query of ['', '?token=', '?token=made-up', '?token=a&token=b']) {
    await pageText(await visitor.get(`/app/set-up${query}`), 404)
  }
})

test('A set-up form with a fault comes back with what was typed, and the link stays good', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount('taken@example.org')
  const visitor = new Visitor(app)
  const token = await app.accounts.createSetUpLink(app.owner)
  const faults = [
    { email: 'ada@example.org', password: 'short', status: 400, says: /at least 6 characters/ },
    { email: 'ada', password: 'correct horse', status: 400, says: /name@example\.org/ },
    { email: 'taken@example.org', password: 'correct horse', status: 409, says: /taken@example\.org exists/ },
  ]
  for (const { email, password, status, says } of faults) {
    const response = await visitor.post('/app/set-up', { token, email, password })
    const page = await response.text()
    assert.equal(response.status, status)
    assert.match(textOf(page), says)
    assert.ok(page.includes(`value="${token}"`) && page.includes(`value="${email}"`) && !page.includes(password))
  }
  assert.equal((await visitor.post('/app/set-up', { token, email: 'a@b.c', password: 'correct horse' })).status, 303)
})

test("A set-up page's token travels in no Referer, and its form still says where it is from", async () => {
  const app = shared
  const visitor = new Visitor(app)
  const token = await app.accounts.createSetUpLink(app.owner)
  for (const query of [`?token=${token}`, '?token=over']) {
    // `no-referrer` would make browsers send `Origin: null` with the form.
    assert.equal((await visitor.get(`/app/set-up${query}`)).headers.get('referrer-policy'), 'strict-origin')
  }
})

test('A wrong password and an unknown e-mail are told alike, and the e-mail stays in its field', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount('ada@example.org')
  const visitor = new Visitor(app)
  const pages = []
  for (const email of ['ada@example.org', 'eve@example.org']) {
    const response = await visitor.post('/app/sign-in', { email, password: 'wrong' })
    const page = await response.text()
    assert.equal(response.status, 401)
    assert.ok(page.includes(`value="${email}"`) && !page.includes('value="wrong"'))
    pages.push(page.replaceAll(email, '…'))
  }
  assert.equal(pages[0], pages[1])
  assert.match(textOf(pages[0] ?? ''), /The e-mail address or the password is not right\./)
  assert.equal(visitor.session, '')
})

test('What was typed as an e-mail comes back as text', async () => {
  const visitor = new Visitor(shared)
  const page = await (
    await visitor.post('/app/sign-in', { email: '"><script>alert(1)</script>', password: 'x' })
  ).text()
  assert.ok(page.includes('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"'))
})

test('Who is signed in already is led from the sign-in to the files', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  assert.equal((await visitor.get('/app/sign-in')).headers.get('location'), '/app/')
})

test('Signing out ends the session for every copy of the cookie', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const copy = visitor.session
  const out = await visitor.post('/app/sign-out')
  assert.equal(out.headers.get('location'), '/app/sign-in?notice=out')
  assert.equal(out.headers.get('set-cookie'), 'larder_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax')
  assert.match(await pageText(await visitor.get('/app/sign-in?notice=out')), /You are signed out/)
  visitor.session = copy
  assert.equal((await visitor.get('/app/')).headers.get('location'), '/app/sign-in?notice=ended')
})

test('A session that expired, was ended by a new password, or whose account is disabled is taken away', async (t) => {
  const clock = new MovingClock()
  const app = await openTestApp(t, {}, { clock })
  const wait = (): void => {
    clock.aheadMs = (30 * 24 + 1) * 3_600_000
  }
  const endings: readonly (readonly [string, (account: typeof app.owner) => Promise<void> | void])[] = [
    ['password@example.org', (account) => app.accounts.setPassword(account, 'another horse')],
    ['disabled@example.org', (account) => app.accounts.setDisabled(account, true)],
    ['expired@example.org', wait],
  ]
  for (const [email, end] of endings) {
    const visitor = await signedIn(app, email)
    assert.equal((await visitor.get('/app/')).status, 200)
    await end(await app.accounts.named(email))
    const response = await visitor.get('/app/keys')
    assert.equal(response.headers.get('location'), '/app/sign-in?notice=ended', email)
    assert.equal(visitor.session, '', email)
    assert.match(await pageText(await visitor.get('/app/sign-in?notice=ended')), /session has ended/)
  }
})

test('A disabled account cannot sign in, and only the right password is told why', async (t) => {
  const app = await openTestApp(t)
  await app.accounts.setDisabled(await app.newAccount('ada@example.org'), true)
  const visitor = new Visitor(app)
  const signIn = (password: string) => visitor.post('/app/sign-in', { email: 'ada@example.org', password })
  assert.match(await pageText(await signIn('correct horse'), 403), /account is disabled/)
  assert.doesNotMatch(await pageText(await signIn('wrong'), 401), /disabled/)
  assert.equal(visitor.session, '')
})

test('Tries of passwords and links from one address are counted together, and told when to come again', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '3/1m' })
  const visitor = new Visitor(app)
  await visitor.post('/app/sign-in', { email: 'a@b.c', password: 'x' })
  await visitor.post('/app/set-up', { token: 'x', email: 'a@b.c', password: 'correct horse' })
  const last = await visitor.post('/app/sign-in', { email: 'a@b.c', password: 'x' })
  assert.deepEqual([last.status, last.headers.get('ratelimit-remaining')], [401, '0'])
  const refused = await visitor.post('/app/sign-in', { email: 'a@b.c', password: 'x' })
  assert.match(await pageText(refused, 429), /Wait \d+ seconds?/)
  assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
  assert.equal(refused.headers.get('ratelimit-limit'), '3')
  const page = await (await visitor.post('/app/sign-in', { email: 'a@b.c', password: 'x' })).text()
  assert.match(page, /<p class="problem" role="alert">That was too often.*value="a@b.c"/s)
  assert.equal((await visitor.get('/app/sign-in')).status, 200)
})

test('Whoever guesses at one account waits longer, and is told so on the form', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '1000/1m' })
  await app.newAccount('ada@example.org')
  const visitor = new Visitor(app)
  const signIn = (password: string) => visitor.post('/app/sign-in', { email: 'ada@example.org', password })
  for (let n = 0; n < 5; n++) assert.equal((await signIn('wrong')).status, 401)
  const refused = await signIn('correct horse')
  assert.ok(Number(refused.headers.get('retry-after')) > 1)
  const page = await refused.text()
  assert.equal(refused.status, 429)
  assert.match(textOf(page), /too often\. Wait \d+ seconds, then try again/)
  assert.ok(page.includes('value="ada@example.org"'))
})

test('No cookie opens an API door, and no key a page', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const headers = { Cookie: `larder_session=${visitor.session}` }
  for (const [method, path] of [
    ['GET', '/api/v1/files'],
    ['GET', '/api/v1/user/stats'],
    ['POST', '/api/v1/files/upload'],
    ['DELETE', '/api/v1/files/0123456789abcdef'],
  ] as const) {
    assert.equal((await fetch(app.url + path, { method, headers })).status, 401)
  }
  const byKey = await fetch(`${app.url}/app/`, { headers: withKey(app.key), redirect: 'manual' })
  assert.equal(byKey.headers.get('location'), '/app/sign-in')
})

test('The log names the account of a page, and no password, token or cookie', async (t) => {
  const app = await openTestApp(t)
  const token = await app.accounts.createSetUpLink(app.owner)
  const visitor = new Visitor(app)
  await visitor.get(`/app/set-up?token=${token}`)
  await visitor.post('/app/set-up', { token, email: 'ada@example.org', password: 'a very own secret' })
  await pageText(await visitor.get('/app/'))
  const line = new RegExp(`"path":"/app/","status":200.*"account":"${app.owner.id}"`)
  // A request's line is written when its connection is done with it, which may be after its reader is.
  await until('the page is logged', () => line.test(app.log()))
  const log = await app.wholeLog()
  for (const secret of [token, visitor.session, 'a very own secret']) assert.ok(!log.includes(secret))
})

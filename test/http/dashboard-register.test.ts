import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, type TestApp } from '../support/app.ts'
import { linkTo, pageText, signedIn, textOf, until, Visitor } from '../support/dashboard.ts'
import { lettersTo } from '../support/outbox.ts'

const open = { 'auth.registration': 'open' }
const ada = { email: 'ada@example.org', password: 'correct horse' }

/** Follows the link of a letter as a browser does; resolves to where it led, below the server's address. */
async function follow(app: TestApp, path: string): Promise<string> {
  const headers = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  const response = await fetch(app.url + path, { headers, redirect: 'manual' })
  const { pathname, search } = new URL(response.headers.get('location') ?? '', app.url)
  return pathname + search
}

/** All of an answer but what no two answers have in common. */
async function whole(response: Response): Promise<unknown> {
  const headers = [...response.headers].filter(([name]) => name !== 'date' && name !== 'x-request-id')
  return { status: response.status, headers, body: await response.text() }
}

test('Somebody registers, follows the link of the letter, and signs in', async (t) => {
  const app = await openTestApp(t, open)
  const visitor = new Visitor(app)
  assert.match(await (await visitor.get('/app/sign-in')).text(), /<a href="\/app\/register">/)
  assert.match(await pageText(await visitor.get('/app/register')), /6 characters or more/)
  const sent = await visitor.post('/app/register', { ...ada, email: ' Ada@Example.org ' })
  assert.deepEqual([sent.status, sent.headers.get('location')], [303, '/app/register/sent'])
  assert.match(await pageText(await visitor.get('/app/register/sent')), /Check your mail.*Follow the link/)

  const { path } = await linkTo(app, 'ada@example.org', 'confirm')
  const at = await follow(app, path)
  assert.equal(at, '/app/sign-in?notice=confirmed')
  assert.match(await pageText(await visitor.get(at)), /Your address is confirmed\. Sign in\./)
  assert.equal((await visitor.post('/app/sign-in', ada)).headers.get('location'), '/app/')
  assert.match(await pageText(await visitor.get('/app/')), /Nothing here yet/)
})

test('Until the link is followed the right password is told so on the form, and a wrong one is not', async (t) => {
  const app = await openTestApp(t, open)
  const visitor = new Visitor(app)
  await visitor.post('/app/register', ada)
  const refused = await visitor.post('/app/sign-in', ada)
  const page = await refused.text()
  assert.equal(refused.status, 403)
  assert.match(textOf(page), /Sign in Your address is not confirmed yet: follow the link/)
  assert.ok(page.includes(`value="${ada.email}"`) && page.includes('href="/app/forgot"'))
  const wrong = await pageText(await visitor.post('/app/sign-in', { ...ada, password: 'wrong horse' }), 401)
  assert.doesNotMatch(wrong, /confirmed/)
  assert.equal(visitor.session, '')
})

test('A lost confirmation is made good by a new password', async (t) => {
  const app = await openTestApp(t, open)
  const visitor = new Visitor(app)
  await visitor.post('/app/register', ada)
  await linkTo(app, ada.email, 'confirm')
  await visitor.post('/app/forgot', { email: ada.email })
  const { token } = await linkTo(app, ada.email, 'reset')
  const done = await visitor.post('/app/reset', { token, password: 'another horse' })
  assert.equal(done.headers.get('location'), '/app/sign-in?notice=reset')
  assert.equal((await visitor.post('/app/sign-in', { ...ada, password: 'another horse' })).status, 303)
})

test('A confirmation link that is over leads to the sign-in, which says what can be done', async (t) => {
  const app = await openTestApp(t, open)
  const at = await follow(app, '/auth/confirm?token=over')
  assert.equal(at, '/app/sign-in?notice=link-over')
  const page = await pageText(await new Visitor(app).get(at))
  assert.match(
    page,
    /used already, or it has expired\. If you cannot sign in, register again, ask for another link, or for a new password/,
  )
  const closed = await openTestApp(t)
  const there = await pageText(await new Visitor(closed).get(at))
  assert.match(there, /If you cannot sign in, ask for another link, or for a new password/)
})

test('A known address and an unknown one get the same answer, and only their letters differ', async (t) => {
  const app = await openTestApp(t, open)
  await app.newAccount(ada.email)
  await app.accounts.setDisabled(await app.newAccount('off@example.org'), true)
  const visitor = new Visitor(app)
  const answers: unknown[] = []
  for (const email of [ada.email, 'eve@example.org', 'eve@example.org', 'off@example.org']) {
    answers.push(await whole(await visitor.post('/app/register', { email, password: 'my own horse' })))
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  const purposes = async (email: string) => (await lettersTo(app, email)).map(({ purpose }) => purpose)
  assert.deepEqual(await purposes(ada.email), ['known'])
  assert.deepEqual(await purposes('eve@example.org'), ['confirm', 'confirm'])
  assert.deepEqual(await purposes('off@example.org'), [])
  assert.equal((await visitor.post('/app/sign-in', { ...ada, password: 'my own horse' })).status, 403, 'not confirmed')
  assert.equal((await visitor.post('/app/sign-in', ada)).status, 303)
})

test('A form with a fault comes back with the address, without the password, and sends nothing', async (t) => {
  const app = await openTestApp(t, open)
  const visitor = new Visitor(app)
  for (const { email, password, says } of [
    { ...ada, password: 'short', says: /at least 6 characters/ },
    { ...ada, password: 'x'.repeat(1_025), says: /at most 1024 bytes/ },
    { ...ada, email: 'ada', says: /name@example\.org/ },
    { email: '', password: '', says: /name@example\.org/ },
  ]) {
    const response = await visitor.post('/app/register', { email, password })
    const page = await response.text()
    assert.equal(response.status, 400)
    assert.match(textOf(page), says)
    assert.ok(page.includes(`value="${email}"`) && (password === '' || !page.includes(password)))
  }
  assert.deepEqual(
    (await app.accounts.list()).map(({ email }) => email),
    [null],
  )
})

test('Where registration is closed there is no link to it, and the form is refused', async (t) => {
  const app = await openTestApp(t)
  const visitor = new Visitor(app)
  assert.doesNotMatch(await (await visitor.get('/app/sign-in')).text(), /register/i)
  for (const refused of [await visitor.get('/app/register'), await visitor.post('/app/register', ada)]) {
    assert.match(await pageText(refused, 403), /Registration is closed here/)
  }
  assert.deepEqual(
    (await app.accounts.list()).map(({ email }) => email),
    [null],
  )
})

test('Who is signed in has nothing to register', async (t) => {
  const visitor = await signedIn(await openTestApp(t, open))
  assert.equal((await visitor.get('/app/register')).headers.get('location'), '/app/')
})

test('Registrations and wishes for letters are counted with the log-ins of the address', async (t) => {
  const app = await openTestApp(t, { ...open, 'limits.auth': '3/1m' })
  const visitor = new Visitor(app)
  assert.equal((await visitor.post('/app/register', ada)).headers.get('ratelimit-remaining'), '2')
  assert.equal((await visitor.post('/app/forgot', ada)).headers.get('ratelimit-remaining'), '1')
  assert.equal((await visitor.post('/app/reset', { token: 'over', password: 'correct horse' })).status, 404)
  for (const path of ['/app/register', '/app/forgot', '/app/sign-in']) {
    const refused = await visitor.post(path, ada)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    const page = await refused.text()
    assert.equal(refused.status, 429, path)
    assert.match(textOf(page), /too often\. Wait \d+ seconds?, then try again/)
    assert.ok(page.includes(`value="${ada.email}"`))
  }
  assert.equal((await app.accounts.list()).length, 2)
})

test('One address gets no more than so many letters, and nobody is told', async (t) => {
  const app = await openTestApp(t, { ...open, 'limits.auth': '1000/1m' })
  const visitor = new Visitor(app)
  for (let n = 0; n < 12; n++) assert.equal((await visitor.post('/app/register', ada)).status, 303)
  assert.equal((await lettersTo(app, ada.email)).length, 10)
})

test('No address, password or token of a registration is in an address or in the log', async (t) => {
  const app = await openTestApp(t, open)
  const visitor = new Visitor(app)
  const sent = await visitor.post('/app/register', ada)
  const { path, token } = await linkTo(app, ada.email, 'confirm')
  await follow(app, path)
  await until('the link is logged', () => app.log().includes('"path":"/auth/confirm"'))
  assert.equal(token.length, 43)
  for (const secret of [token, ada.email, ada.password]) {
    assert.ok(
      !(await app.wholeLog()).includes(secret) && !(sent.headers.get('location') ?? '').includes(secret),
      secret,
    )
  }
})

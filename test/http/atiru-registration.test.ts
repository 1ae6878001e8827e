import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { openTestApp, type TestApp } from '../support/app.ts'
import { type AtiruAnswer, atiru, followed, logIn, refusal, registered } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { codeIn, lastLetterTo, lettersTo, linkIn, tokenIn } from '../support/outbox.ts'
import { rawRequest } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const clock = new MovingClock()
beforeEach(() => {
  clock.aheadMs = 0
})
const allowed = 'https://app.example.com'
const app = await openTestApp(thisFile, { 'auth.registration': 'open', 'auth.allowed_redirects': allowed }, { clock })

const register = (email: string, password = 'correct horse', more: object = {}): Promise<AtiruAnswer> =>
  atiru(app, 'POST', '/auth/register', { json: { email, password, ...more }, key: null })
const forgot = (email: string) => atiru(app, 'POST', '/auth/forgot-password', { json: { email }, key: null })
const reset = (token: string, password: string) =>
  atiru(app, 'POST', '/auth/reset-password', { json: { token, password }, key: null })

/** What is left of an answer when each its own is taken away. */
function shapeOf({ status, headers, body }: AtiruAnswer) {
  const told = [...headers].map(([name, value]) => (['date', 'x-request-id'].includes(name) ? name : [name, value]))
  return { status, told, message: body.message, keys: Object.keys(body), user: Object.keys(body.user) }
}

test('Registering a known e-mail answers like a new one, changes nothing, and tells its owner in a letter', async () => {
  await registered(app, 'known@example.org')
  const before = await stateOf(app)
  const known = await register('known@example.org', 'a stranger', { redirect_to: `${allowed}/` })
  assert.deepEqual(await stateOf(app), before)
  // As long as the other address: the answers are compared with their lengths.
  const fresh = await register('fresh@example.org', 'a stranger', { redirect_to: `${allowed}/` })
  assert.deepEqual(shapeOf(known), shapeOf(fresh))
  assert.equal(known.body.user.email, 'known@example.org')
  const letter = await lastLetterTo(app, 'known@example.org', 'known')
  assert.equal(linkIn(letter).pathname, '/app/sign-in')
  assert.equal(linkIn(letter).search, '', 'nothing in it opens anything')
  assert.equal((await logIn(app, 'known@example.org')).status, 200)
})

test('Whoever registers learns nothing by a log-in either: with that password it is answered alike, known or not', async () => {
  await registered(app, 'asked@example.org')
  const answers = []
  for (const email of ['asked@example.org', 'other@example.org']) {
    await register(email, 'a stranger')
    for (const password of ['a stranger', 'another try']) answers.push(await logIn(app, email, password))
  }
  const [known, knownWrong, fresh, freshWrong] = answers.map(({ status, bytes }) => `${status} ${bytes}`)
  assert.deepEqual([known, knownWrong], [fresh, freshWrong])
  refusal(answers[0] as AtiruAnswer, 403, 'EMAIL_NOT_VERIFIED')
  refusal(answers[1] as AtiruAnswer, 401, 'INVALID_CREDENTIALS')
})

test('Where registration is closed, a stranger is told so, whatever the e-mail, and no letter is written', async (t) => {
  const closed = await openTestApp(t)
  await closed.newAccount('ada@example.org')
  for (const email of ['ada@example.org', 'new@example.org', 'nothing']) {
    const json = { email, password: 'correct horse' }
    const answer = await atiru(closed, 'POST', '/auth/register', { json, key: null })
    refusal(answer, 403, 'REGISTRATION_CLOSED', /registration is closed here/)
    assert.deepEqual(await lettersTo(closed, email), [])
  }
})

test('A confirmation leads to the dashboard, or to a site that is on the list, and nowhere else', async () => {
  const dashboard = `${app.url}/app/sign-in?notice=confirmed`
  const wishes: [string | undefined, string][] = [
    [undefined, dashboard],
    [`${allowed}/welcome?a=1#top`, `${allowed}/welcome?a=1#top`],
    ['https://app.example.com:444/', dashboard],
    ['http://app.example.com/', dashboard],
    ['https://app.example.com.evil.example/', dashboard],
    ['https://app.example.com@evil.example/', dashboard],
    ['https://evil.example/?https://app.example.com', dashboard],
    ['javascript:alert(1)//https://app.example.com', dashboard],
    ['data:text/html,hello', dashboard],
  ]
  for (const [n, [wish, target]] of wishes.entries()) {
    const email = `lead${n}@example.org`
    await register(email, 'correct horse', wish === undefined ? {} : { redirect_to: wish })
    const answer = await followed(app, linkIn(await lastLetterTo(app, email, 'confirm')))
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, target], wish)
  }
})

test('An address that clients read in two ways leads on in the one way that was checked', async () => {
  // Browsers take the backslash for a slash, many other clients do not: to them the host is what follows the @.
  await register('two-ways@example.org', 'correct horse', { redirect_to: 'https://app.example.com\\@evil.example/' })
  const answer = await followed(app, linkIn(await lastLetterTo(app, 'two-ways@example.org', 'confirm')))
  const location = answer.headers.get('location') ?? ''
  assert.equal(new URL(location).origin, allowed)
  assert.doesNotMatch(location, /\\/)
})

test('The link leads on when it is followed twice, and looking ahead at it does not follow it', async () => {
  await register('twice@example.org', 'correct horse', { redirect_to: `${allowed}/in` })
  const link = linkIn(await lastLetterTo(app, 'twice@example.org', 'confirm'))
  assert.equal((await followed(app, link, { method: 'HEAD' })).status, 302)
  refusal(await logIn(app, 'twice@example.org'), 403, 'EMAIL_NOT_VERIFIED')
  for (const time of ['first', 'second']) {
    const answer = await followed(app, link)
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, `${allowed}/in`], time)
    assert.equal((await logIn(app, 'twice@example.org')).status, 200)
  }
})

test('A link that is unknown, or older than a day, is told of: to programs as JSON, to browsers on the dashboard', async () => {
  await register('late@example.org')
  const link = linkIn(await lastLetterTo(app, 'late@example.org', 'confirm'))
  clock.aheadMs = 86_400_000
  refusal(
    await atiru(app, 'GET', link.pathname + link.search, { key: null }),
    404,
    'NOT_FOUND',
    'there is no such link',
  )
  const page = await followed(app, link, { headers: { Accept: 'text/html,*/*;q=0.8' } })
  assert.equal(page.status, 302)
  assert.equal(page.headers.get('location'), `${app.url}/app/sign-in?notice=link-over`)
  clock.aheadMs = 0
  assert.equal((await followed(app, link)).status, 302)
  refusal(await atiru(app, 'GET', '/auth/confirm?token=x', { key: null }), 404, 'NOT_FOUND')
  refusal(await atiru(app, 'GET', '/auth/confirm', { key: null }), 400, 'INVALID_REQUEST', /token is required/)
})

/** A stranger registers somebody's address. Resolves to the link that the stranger hopes the owner follows. */
async function strangerAt(email: string): Promise<URL> {
  assert.equal((await register(email, 'stranger')).status, 201)
  return linkIn(await lastLetterTo(app, email, 'confirm'))
}

/** Neither the stranger's password nor the stranger's link opens anything, or changes what the owner's does. */
async function strangerIsOut(email: string, link: URL, own?: string): Promise<void> {
  const out = await logIn(app, email, 'stranger')
  refusal(out, 403, 'EMAIL_NOT_VERIFIED')
  refusal(await atiru(app, 'GET', link.pathname + link.search, { key: null }), 404, 'NOT_FOUND')
  assert.equal((await logIn(app, email, 'stranger')).status, 403)
  if (own !== undefined) assert.equal((await logIn(app, email, own)).status, 200)
}

for (const whose of ['own', 'other'] as const) {
  test(`An address that two have registered has no password until its owner, by the ${whose} link, chooses one`, async () => {
    const email = `${whose}@two.example`
    const theirs = await strangerAt(email)
    await register(email, 'the owner')
    const mine = linkIn(await lastLetterTo(app, email, 'confirm'))
    const answer = await followed(app, whose === 'own' ? mine : theirs)
    // The two letters look alike, so whose password it is must not depend on which of them is followed.
    const choose = new URL(answer.headers.get('location') ?? '')
    assert.deepEqual([answer.status, choose.origin + choose.pathname], [302, `${app.url}/app/reset`])
    for (const password of ['stranger', 'the owner']) assert.notEqual((await logIn(app, email, password)).status, 200)
    assert.equal((await reset(choose.searchParams.get('token') ?? '', 'chosen by me')).status, 200)
    assert.equal((await logIn(app, email, 'chosen by me')).status, 200)
    for (const password of ['stranger', 'the owner']) assert.notEqual((await logIn(app, email, password)).status, 200)
    if (whose === 'own') await strangerIsOut(email, theirs, 'chosen by me')
  })
}

test('Who registers twice with one password has it, by whichever of the two links', async () => {
  for (const which of [0, 1]) {
    const email = `again${which}@example.org`
    for (let n = 0; n < 2; n++) await register(email, 'correct horse')
    const links = (await lettersTo(app, email)).map(linkIn)
    const answer = await followed(app, links[which] as URL)
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, `${app.url}/app/sign-in?notice=confirmed`])
    assert.equal((await logIn(app, email)).status, 200)
  }
})

test("Who proves an address by a code ends a stranger's registration of it", async () => {
  const email = 'code@example.org'
  const theirs = await strangerAt(email)
  await atiru(app, 'POST', '/identity/auth/verification/send-code', { json: { email }, key: null })
  const json = { email, code: codeIn(await lastLetterTo(app, email, 'code')) }
  const answer = await atiru(app, 'POST', '/identity/auth/verification/verify-code', { json, key: null })
  assert.equal(answer.status, 200)
  await strangerIsOut(email, theirs)
})

test("Who proves an address by a new password ends a stranger's registration of it", async () => {
  const email = 'reset@example.org'
  const theirs = await strangerAt(email)
  await forgot(email)
  const token = tokenIn(await lastLetterTo(app, email, 'reset'))
  assert.equal((await reset(token, 'the owner')).status, 200)
  await strangerIsOut(email, theirs, 'the owner')
})

/** Registers and asks for a new password with headers that lead elsewhere; resolves to the letters as they were sent. */
async function misled(of: TestApp): Promise<string[]> {
  const headers = {
    Host: 'evil.example',
    'X-Forwarded-Host': 'evil.example',
    Forwarded: 'host=evil.example',
    'Content-Type': 'application/json',
  }
  const post = (path: string, body: object) => rawRequest(of.url, 'POST', path, headers, JSON.stringify(body))
  assert.equal((await post('/auth/register', { email: 'a@example.org', password: 'correct horse' })).status, 201)
  assert.equal((await post('/auth/forgot-password', { email: 'a@example.org' })).status, 200)
  const letters = await lettersTo(of, 'a@example.org')
  assert.deepEqual(letters.map(({ purpose }) => purpose).sort(), ['confirm', 'reset'])
  for (const { raw, text, html } of letters) assert.doesNotMatch(raw + text + html, /evil/)
  return letters.map((letter) => linkIn(letter).origin)
}

test('Letters lead to server.public_url, whatever the request says of its host', async (t) => {
  const open = { 'auth.registration': 'open' } as const
  const named = await openTestApp(t, { ...open, 'server.public_url': 'https://files.example.org' })
  assert.deepEqual(await misled(named), ['https://files.example.org', 'https://files.example.org'])
  const nameless = await openTestApp(t, open)
  const local = `http://127.0.0.1:${nameless.port}`
  assert.deepEqual(await misled(nameless), [local, local])
})

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { openTestApp, type TestApp } from '../support/app.ts'
import { atiru, logIn, newPerson, refreshed, refusal, signedIn } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { Visitor } from '../support/dashboard.ts'
import { lastLetterTo, lettersTo, linkIn, tokenIn } from '../support/outbox.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
beforeEach(() => {
  clock.aheadMs = 0
})
const hour = 3_600_000
const app = await openTestApp(thisFile, { 'auth.registration': 'open' }, { clock })

const forgot = (email: unknown, of: TestApp = app) =>
  atiru(of, 'POST', '/auth/forgot-password', { json: { email }, key: null })
const reset = (token: string, password: string) =>
  atiru(app, 'POST', '/auth/reset-password', { json: { token, password }, key: null })

/** The secret of a new letter to somebody who forgot the password. */
async function tokenFor(email: string): Promise<string> {
  assert.equal((await forgot(email)).status, 200)
  return tokenIn(await lastLetterTo(app, email, 'reset'))
}

test('Forgetting a password is answered the same for everybody, and a letter goes to who has an account', async () => {
  await app.newAccount('ada@example.org')
  const disabled = await app.newAccount('disabled@example.org')
  await app.accounts.setDisabled(disabled, true)
  const known = await forgot(' Ada@Example.org ')
  assert.equal(known.status, 200)
  assert.deepEqual(Object.keys(known.body), ['message'])
  for (const email of ['nobody@example.org', 'disabled@example.org']) {
    const answer = await forgot(email)
    assert.deepEqual([answer.status, answer.bytes.toString()], [200, known.bytes.toString()])
    assert.deepEqual(await lettersTo(app, email), [])
  }
  const letter = await lastLetterTo(app, 'ada@example.org', 'reset')
  assert.equal(linkIn(letter).pathname, '/app/reset')
  refusal(await forgot('nobody'), 400, 'INVALID_REQUEST', /name@example.org/)
  refusal(await forgot(undefined), 400, 'INVALID_REQUEST', /email is required/)
})

test('The link of the letter chooses a new password once, and the old one opens nothing any more', async () => {
  await app.newAccount('once@example.org')
  const token = await tokenFor('once@example.org')
  assert.equal((await logIn(app, 'once@example.org')).status, 200, 'a letter alone changes nothing')
  refusal(await reset(token, 'short'), 400, 'INVALID_REQUEST', /at least 6 characters/)
  const answer = await reset(token, 'new horse')
  assert.deepEqual([answer.status, Object.keys(answer.body)], [200, ['message']])
  assert.equal((await logIn(app, 'once@example.org', 'new horse')).status, 200)
  refusal(await logIn(app, 'once@example.org'), 401, 'INVALID_CREDENTIALS')
  refusal(await reset(token, 'third horse'), 400, 'INVALID_REQUEST', /used already, has expired/)
  assert.equal((await logIn(app, 'once@example.org', 'new horse')).status, 200)
})

test('Of two who use one link at once, one chooses the password', async () => {
  await app.newAccount('race@example.org')
  const token = await tokenFor('race@example.org')
  const passwords = ['first horse', 'second horse', 'third horse']
  const answers = await Promise.all(passwords.map((password) => reset(token, password)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400])
  for (const [n, password] of passwords.entries()) {
    assert.equal((await logIn(app, 'race@example.org', password)).status, answers[n]?.status === 200 ? 200 : 401)
  }
})

test('The link is good for an hour and no longer, and for nothing but a password', async () => {
  await app.newAccount('hour@example.org')
  const token = await tokenFor('hour@example.org')
  refusal(await atiru(app, 'GET', `/auth/confirm?token=${token}`, { key: null }), 404, 'NOT_FOUND')
  clock.aheadMs = hour - 60_000
  const late = await tokenFor('hour@example.org')
  clock.aheadMs = hour
  refusal(await reset(token, 'new horse'), 400, 'INVALID_REQUEST')
  assert.equal((await reset(late, 'new horse')).status, 200)
})

test('A new password ends the links that were sent before', async () => {
  await app.newAccount('many@example.org')
  const first = await tokenFor('many@example.org')
  const second = await tokenFor('many@example.org')
  assert.equal((await reset(second, 'new horse')).status, 200)
  refusal(await reset(first, 'other horse'), 400, 'INVALID_REQUEST')
})

test('A new password ends all sessions at once, and no key', async () => {
  const email = 'sessions@example.org'
  const { account, session } = await newPerson(app, email)
  const another = await signedIn(app, email)
  const key = await app.newKey({ kind: 'atiru' }, account)
  const visitor = new Visitor(app)
  await visitor.post('/app/sign-in', { email, password: 'correct horse' })
  assert.equal((await visitor.get('/app/')).status, 200)

  assert.equal((await reset(await tokenFor(email), 'new horse')).status, 200)
  for (const { access_token: token, refresh_token: refreshToken } of [session, another]) {
    refusal(await atiru(app, 'GET', '/files', { key: token }), 401, 'INVALID_OR_EXPIRED_TOKEN', /sign in again/)
    refusal(await refreshed(app, refreshToken), 401, 'INVALID_OR_EXPIRED_TOKEN')
  }
  const page = await visitor.get('/app/')
  assert.deepEqual([page.status, new URL(page.headers.get('location') ?? '', app.url).pathname], [303, '/app/sign-in'])
  assert.equal((await atiru(app, 'GET', '/files', { key: key.text })).status, 200)
})

test('A log-in that was under way while the password changed does not outlive it', async () => {
  const email = 'meanwhile@example.org'
  await app.newAccount(email)
  const token = await tokenFor(email)
  const [changed, ...answers] = await Promise.all([reset(token, 'new horse'), logIn(app, email), logIn(app, email)])
  assert.equal(changed.status, 200)
  for (const { status, body } of answers) {
    const stays = status === 200 && (await atiru(app, 'GET', '/files', { key: body.session.access_token })).status
    assert.ok(status === 401 || stays === 401, `${status} ${stays}`)
  }
})

test('No more than ten letters go to one address in an hour, whatever for, and the answers stay the same', async (t) => {
  const limits = { 'limits.auth': '1000/1m', 'auth.registration': 'open' }
  const counting = await openTestApp(t, limits, { clock })
  await counting.newAccount('full@example.org')
  await counting.newAccount('other@example.org')
  const json = { email: 'full@example.org', password: 'correct horse' }
  const kinds = [
    () => forgot('full@example.org', counting),
    () => atiru(counting, 'POST', '/auth/register', { json, key: null }),
  ]
  for (let n = 0; n < 13; n++) assert.equal((await kinds[n % 2]?.())?.status, n % 2 === 0 ? 200 : 201)
  const count = async (email: string) => (await lettersTo(counting, email)).length
  assert.equal(await count('full@example.org'), 10)
  const [thirteenth, other] = [await forgot('full@example.org', counting), await forgot('other@example.org', counting)]
  assert.deepEqual([thirteenth.status, thirteenth.bytes], [200, other.bytes])
  assert.deepEqual([await count('full@example.org'), await count('other@example.org')], [10, 1])
  clock.aheadMs = hour + 1_000
  await forgot('full@example.org', counting)
  assert.equal(await count('full@example.org'), 11)
})

test('Where limits.auth is off, letters are not counted either', async () => {
  await app.newAccount('free@example.org')
  for (let n = 0; n < 12; n++) await forgot('free@example.org')
  assert.equal((await lettersTo(app, 'free@example.org')).length, 12)
})

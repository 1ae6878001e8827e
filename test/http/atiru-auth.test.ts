import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { type AtiruAnswer, atiru, followed, logIn, newPerson, refreshed, refusal, signedIn } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { lastLetterTo, linkIn } from '../support/outbox.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
beforeEach(() => {
  clock.aheadMs = 0
})
const redirects = 'https://app.example.com'
const app = await openTestApp(thisFile, { 'auth.registration': 'open', 'auth.allowed_redirects': redirects }, { clock })

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

test('Somebody registers, follows the link in the letter, signs in, refreshes, and signs out', async () => {
  const redirectTo = `${redirects}/auth/confirm-success?from=mail`
  const json = { email: ' You@Example.COM ', password: 'your_password', redirect_to: redirectTo }
  const registering = await atiru(app, 'POST', '/auth/register', { json, key: null })
  assert.equal(registering.status, 201)
  const { message, user } = registering.body
  assert.deepEqual(registering.body as object, { message, user: { id: user.id, email: 'you@example.com' } })
  assert.match(user.id, uuid)

  const letter = await lastLetterTo(app, 'you@example.com', 'confirm')
  const confirmed = await followed(app, linkIn(letter))
  assert.deepEqual([confirmed.status, confirmed.headers.get('location')], [302, redirectTo])

  const { status, body } = await logIn(app, 'YOU@example.com', 'your_password')
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), ['user', 'session'])
  assert.deepEqual(Object.keys(body.user), ['id', 'email', 'created_at', 'updated_at'])
  assert.deepEqual([body.user.id, body.user.email], [user.id, 'you@example.com'])
  for (const at of [body.user.created_at, body.user.updated_at]) assert.match(at, time)
  assert.equal((await atiru(app, 'GET', '/files', { key: body.session.access_token })).status, 200)

  const next = await refreshed(app, body.session.refresh_token)
  assert.equal(next.status, 200)
  assert.deepEqual(next.body.user, body.user)
  assert.notEqual(next.body.session.refresh_token, body.session.refresh_token)
  const key = next.body.session.access_token
  assert.equal((await atiru(app, 'GET', '/profile', { key })).status, 200)

  const out = await atiru(app, 'POST', '/auth/logout', { key })
  assert.deepEqual([out.status, out.bytes.length], [204, 0])
  refusal(await atiru(app, 'GET', '/profile', { key }), 401, 'INVALID_OR_EXPIRED_TOKEN', /sign in again/)
  refusal(await refreshed(app, next.body.session.refresh_token), 401, 'INVALID_OR_EXPIRED_TOKEN')
})

test('A session tells when its access token ends: after an hour, in seconds since 1970', async () => {
  const before = Math.floor(Date.now() / 1000)
  const { session } = await newPerson(app, 'shape@example.org')
  assert.deepEqual(Object.keys(session), ['access_token', 'refresh_token', 'expires_in', 'expires_at', 'token_type'])
  const { expires_in: seconds, expires_at: end, token_type: type } = session
  assert.deepEqual([seconds, type], [3600, 'bearer'])
  assert.ok(Number.isInteger(end) && end >= before + 3600 && end <= Date.now() / 1000 + 3600, String(end))
  const [, payload = ''] = session.access_token.split('.')
  assert.equal(JSON.parse(Buffer.from(payload, 'base64url').toString()).exp, end)
})

test('An access token is good for its hour and no longer, and the refresh token brings the next', async () => {
  const { session } = await newPerson(app, 'hour@example.org')
  const { access_token: key, refresh_token: refreshToken, expires_at: end } = session
  clock.aheadMs = end * 1000 - Date.now() - 5_000
  assert.equal((await atiru(app, 'GET', '/files', { key })).status, 200)
  clock.aheadMs = end * 1000 - Date.now()
  refusal(await atiru(app, 'GET', '/files', { key }), 401, 'INVALID_OR_EXPIRED_TOKEN', /expired/)
  const next = await refreshed(app, refreshToken)
  assert.equal((await atiru(app, 'GET', '/files', { key: next.body.session.access_token })).status, 200)
})

test('Logging out ends one session, and the others of the same person live on', async () => {
  const { session } = await newPerson(app, 'two@example.org')
  const other = await signedIn(app, 'two@example.org')
  assert.equal((await atiru(app, 'POST', '/auth/logout', { key: session.access_token })).status, 204)
  assert.equal((await atiru(app, 'GET', '/files', { key: session.access_token })).status, 401)
  assert.equal((await atiru(app, 'GET', '/files', { key: other.access_token })).status, 200)
  assert.equal((await refreshed(app, other.refresh_token)).status, 200)
})

test('Logging out is for log-ins: an API key is told so, and stays good', async () => {
  refusal(await atiru(app, 'POST', '/auth/logout'), 403, 'JWT_REQUIRED')
  refusal(await atiru(app, 'POST', '/auth/logout', { key: null }), 401, 'MISSING_AUTH')
  assert.equal((await atiru(app, 'GET', '/files')).status, 200)
})

test('Before the link is followed, only who knows the password is told that it is not', async () => {
  const email = 'early@example.org'
  await atiru(app, 'POST', '/auth/register', { json: { email, password: 'correct horse' }, key: null })
  refusal(await logIn(app, email), 403, 'EMAIL_NOT_VERIFIED', /follow the link/)
  const wrong = await logIn(app, email, 'wrong horse')
  refusal(wrong, 401, 'INVALID_CREDENTIALS')
  assert.deepEqual(sameFor(wrong), sameFor(await logIn(app, 'nobody@example.org', 'wrong horse')))
})

/** All of an answer that may not differ: everything but the moment and the request's own number. */
function sameFor({ status, headers, bytes }: AtiruAnswer) {
  const told = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
  return { status, bytes: bytes.toString('hex'), told }
}

test('An account that was disabled is told so, to who knows its password', async () => {
  const account = await app.newAccount('shut@example.org')
  const key = (await signedIn(app, 'shut@example.org')).access_token
  await app.accounts.setDisabled(account, true)
  refusal(await logIn(app, 'shut@example.org'), 403, 'FORBIDDEN', 'this account is disabled')
  refusal(await atiru(app, 'GET', '/files', { key }), 401, 'INVALID_OR_EXPIRED_TOKEN')
})

test('What is no e-mail address, no password or no JSON is refused in words', async () => {
  const attempt = (json: unknown) => atiru(app, 'POST', '/auth/register', { json, key: null })
  refusal(await attempt({ email: 'a@b.c', password: '12345' }), 400, 'INVALID_REQUEST', /at least 6 characters/)
  refusal(await attempt({ email: 'a@b.c', password: 'ü'.repeat(513) }), 400, 'INVALID_REQUEST', /1024 bytes/)
  refusal(await attempt({ email: 'nobody', password: '123456' }), 400, 'INVALID_REQUEST', /name@example.org/)
  refusal(await attempt({ email: 'a@b.c,d@e.f', password: '123456' }), 400, 'INVALID_REQUEST')
  refusal(await attempt({ password: '123456' }), 400, 'INVALID_REQUEST', /email is required/)
  refusal(await attempt({ email: 5, password: '123456' }), 400, 'INVALID_REQUEST', /email is not a text/)
  refusal(
    await attempt({ email: 'a@b.c', password: '123456', redirect_to: 'nowhere' }),
    400,
    'INVALID_REQUEST',
    /redirect_to/,
  )
  const broken = { bytes: '{"email":', headers: { 'Content-Type': 'application/json' }, key: null }
  refusal(await atiru(app, 'POST', '/auth/login', broken), 400, 'INVALID_REQUEST', 'the body is not valid JSON')
})

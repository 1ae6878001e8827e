import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { configWith } from '../../src/config/index.ts'
import { newKey } from '../../src/core/secrets.ts'
import { openStore } from '../../src/store.ts'
import { openTestApp, withKey } from '../support/app.ts'
import { atiru, newPerson } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { pageText, signedIn, Visitor } from '../support/dashboard.ts'
import { identity, type UserBody } from '../support/identity.ts'
import { newSession } from '../support/session.ts'
import { thisFile } from '../support/shared.ts'
import { newActor, refusal, signInAs, storage } from '../support/storage.ts'

const clock = new MovingClock()
const dayMs = 86_400_000

const app = await openTestApp(thisFile, { 'auth.registration': 'open', 'server.base_path': '/box' }, { clock })

const logOut = (key: string | null, headers: Record<string, string> = {}) =>
  storage(app, 'POST', '/auth/logout', { key, headers })

/** Whether a token opens the four doors: all, or none. */
async function opens(token: string, of = app): Promise<boolean> {
  const statuses = [
    (await storage(of, 'GET', '/auth/keys', { key: token })).status,
    (await atiru(of, 'GET', '/profile', { key: token })).status,
    (await identity(of, 'GET', '/auth/users/me', { as: token })).status,
    (await fetch(`${of.url}/api/v1/user/stats`, { headers: withKey(token) })).status,
  ]
  assert.equal(new Set(statuses).size, 1, `the doors do not agree: ${statuses}`)
  return statuses[0] === 200
}

const isLetIn = async (visitor: Visitor): Promise<boolean> => (await visitor.get('/app/')).status === 200

test('The token of an actor opens every door, until its owner logs out: then none, at once', async () => {
  const { token } = await newActor(app, 'everywhere')
  assert.equal(await opens(token), true)
  const answer = await logOut(token)
  assert.deepEqual([answer.status, answer.body], [200, { ok: true }])
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.deepEqual(answer.headers.getSetCookie(), [])
  assert.equal(await opens(token), false)
})

test('Logging out ends one session, and leaves others of the account', async () => {
  const { token, signer } = await newActor(app, 'two-sessions')
  const other = await signInAs(app, 'two-sessions', signer)
  await logOut(token)
  assert.equal(await opens(token), false)
  assert.equal(await opens(other.token), true)
})

test('The token of another door is logged out here, too', async () => {
  const { session } = await newPerson(app, 'elsewhere@example.org')
  assert.equal((await logOut(session.access_token)).status, 200)
  assert.equal(await opens(session.access_token), false)
})

test('Who has nothing to log out of is logged out', async () => {
  const { status, body } = await logOut(null)
  assert.deepEqual([status, body], [200, { ok: true }])
  const { token } = await newActor(app, 'over')
  await logOut(token)
  assert.equal((await logOut(token)).status, 200, 'a session that was ended')
})

test('A token that is over is logged out, and so is one of an account that is disabled', async (t) => {
  t.after(() => {
    clock.aheadMs = 0
  })
  const { token } = await newActor(app, 'expires')
  const disabled = await newActor(app, 'is-disabled')
  const account = (await app.catalogue.read.accountByActor('is-disabled'))?.account
  assert.ok(account)
  await app.accounts.setDisabled(account, true)
  assert.equal((await logOut(disabled.token)).status, 200)
  clock.aheadMs = 31 * dayMs
  assert.equal((await logOut(token)).status, 200)
})

test('What is no token of this server is not logged out', async () => {
  const { token } = await newActor(app, 'forged')
  const forged = await new SignJWT(decodeJwt(token))
    .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'HS256' })
    .sign(randomBytes(32))
  refusal(await logOut(forged), 401, 'unauthorized', 'this key or token is not known')
  refusal(await logOut('string'), 401, 'unauthorized', /neither an API key nor an access token/)
  refusal(await logOut(newKey('sk')), 401, 'unauthorized', 'this key or token is not known')
  refusal(await logOut(null, { Authorization: 'Basic YTpi' }), 401, 'unauthorized', /of the form "Bearer/)
  assert.equal(await opens(token), true)
})

test('A key has no session to end: it is told how keys are revoked', async () => {
  const { text } = await app.newKey()
  const answer = await logOut(text)
  refusal(
    answer,
    403,
    'forbidden',
    /an access token, not an API key \(a key is revoked by DELETE \/auth\/keys\/\{id\}\)/,
  )
  assert.equal(await opens(text), true)
  const over = await app.newKey({ expiresAt: 1 })
  refusal(await logOut(over.text), 401, 'unauthorized', 'this key or token has expired')
})

test("The session of the server's own pages is ended by its cookie, sent from one of them", async () => {
  const visitor = await signedIn(app, 'page@example.org')
  const cookie = { Cookie: `larder_session=${visitor.session}` }
  const elsewhere = [{}, { Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }]
  for (const headers of elsewhere) {
    const answer = await logOut(null, { ...cookie, ...headers })
    refusal(answer, 403, 'forbidden', 'this form was sent from another site')
    assert.deepEqual(answer.headers.getSetCookie(), [])
  }
  assert.equal(await isLetIn(visitor), true)

  const own = { Origin: new URL(app.url).origin }
  const answer = await logOut(null, { ...cookie, ...own })
  assert.deepEqual([answer.status, answer.body], [200, { ok: true }])
  assert.deepEqual(answer.headers.getSetCookie(), ['larder_session=; Path=/box/; Max-Age=0; HttpOnly; SameSite=Lax'])
  assert.equal(await isLetIn(visitor), false)

  const again = await logOut(null, { Cookie: 'larder_session=whatever', ...own })
  assert.equal(again.status, 200)
  assert.match(again.headers.getSetCookie()[0] ?? '', /Max-Age=0/)
})

test('Where a token and a cookie come together, it is the token whose session ends', async () => {
  const visitor = await signedIn(app, 'both@example.org')
  const { token } = await newActor(app, 'both')
  const answer = await logOut(token, { Cookie: `larder_session=${visitor.session}`, Origin: 'https://evil.example' })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.headers.getSetCookie(), [])
  assert.equal(await opens(token), false)
  assert.equal(await isLetIn(visitor), true)
})

test('A cookie opens nothing else at this door, from whatever page', async () => {
  const visitor = await signedIn(app, 'cookie@example.org')
  const headers = { Cookie: `larder_session=${visitor.session}`, Origin: new URL(app.url).origin }
  refusal(await storage(app, 'GET', '/auth/keys', { key: null, headers }), 401, 'unauthorized')
  refusal(await storage(app, 'POST', '/auth/keys', { key: null, headers, json: {} }), 401, 'unauthorized')
})

test('A token is good for 30 days, whatever signs the ones after it', async (t) => {
  const server = await openTestApp(t, { 'auth.registration': 'open' }, { clock })
  t.after(() => {
    clock.aheadMs = 0
  })
  const before = await newActor(server, 'before')
  // As `larder secret rotate` does it beside the server.
  const store = await openStore(configWith({ 'data.dir': server.folder }))
  await store.rotateSigningKey()
  await store.close()
  const after = await newActor(server, 'after')
  assert.notEqual(decodeProtectedHeader(after.token).kid, decodeProtectedHeader(before.token).kid)
  assert.ok((await opens(before.token, server)) && (await opens(after.token, server)))
  clock.aheadMs = 30 * dayMs - 60_000
  assert.ok((await opens(before.token, server)) && (await opens(after.token, server)))
  clock.aheadMs = before.expiresAt - Date.now()
  assert.equal(await opens(before.token, server), false)
  refusal(await storage(server, 'GET', '/auth/keys', { key: before.token }), 401, 'unauthorized', /expired/)
})

test('An account without an e-mail address has none at any door', async () => {
  const { token } = await newActor(app, 'nameless')
  const me = await identity<UserBody>(app, 'GET', '/auth/users/me', { as: token })
  assert.deepEqual([me.status, me.body.data.email, me.body.data.full_name], [200, null, null])
  assert.deepEqual([me.body.data.is_verified, me.body.data.is_superuser], [true, false])
  const profile = await atiru(app, 'GET', '/profile', { key: token })
  assert.deepEqual([profile.status, profile.body.user.email], [200, null])
})

test("The server's own pages show an account without an e-mail address by its actor's name", async () => {
  await newActor(app, 'at-a-page')
  const account = (await app.catalogue.read.accountByActor('at-a-page'))?.account
  const { token } = await newSession(app, account ?? assert.fail(), 'page')
  const visitor = new Visitor(app)
  visitor.session = token
  for (const path of ['/app/', '/app/keys', '/app/account']) {
    const text = await pageText(await visitor.get(path))
    assert.match(text, /at-a-page/)
    assert.doesNotMatch(text, /\bnull\b|undefined/)
  }
  assert.doesNotMatch(await pageText(await visitor.get('/app/account')), /E-mail address/)
  const change = { old_password: 'correct horse', new_password: 'battery staple' }
  assert.match(await pageText(await visitor.post('/app/account', change), 401), /not the password that you have now/)
})

test('Whoever runs the server finds an account without an e-mail address by its name, in any case', async () => {
  const { token } = await newActor(app, 'Unruly')
  const account = await app.accounts.named('unruly')
  assert.deepEqual([account.actor, account.email], ['Unruly', null])
  await app.accounts.setDisabled(account, true)
  assert.equal(await opens(token), false)
  await assert.rejects(app.accounts.named('nobody'), { code: 'not_found' })
})

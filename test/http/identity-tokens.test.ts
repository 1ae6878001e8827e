import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, withKey } from '../support/app.ts'
import { atiru, refreshed, signedIn } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { signedIn as signedInVisitor } from '../support/dashboard.ts'
import { type IdentityAnswer, identity, newPerson, refused, signIn, type Tokens } from '../support/identity.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const app = await openTestApp(thisFile, {}, { clock })

const refresh = (token: string, user: string, as?: string): Promise<IdentityAnswer<Tokens>> =>
  identity(app, 'POST', '/auth/verification/refresh-token', {
    json: { refresh_token: token, user_uuid: user },
    ...(as !== undefined && { as }),
  })

const revoke = (token: string): Promise<IdentityAnswer<never>> =>
  identity(app, 'POST', '/auth/verification/revoke-token', { json: { refresh_token: token } })

/** Whether an access token opens anything. */
const opens = async (token: string): Promise<boolean> => {
  const answer = await identity(app, 'GET', '/auth/users/me', { as: token })
  if (answer.status !== 200) refused(answer, 401, 'unauthorized')
  return answer.status === 200
}

test('A refresh token brings the next access token and the next refresh token', async () => {
  const ada = await newPerson(app, 'ada@example.org')
  const { status, headers, body } = await refresh(ada.refresh_token, ada.account.id)
  assert.equal(status, 200)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(Object.keys(body.data), ['access_token', 'refresh_token', 'token_type'])
  assert.equal(body.data.token_type, 'bearer')
  assert.notEqual(body.data.refresh_token, ada.refresh_token)
  assert.ok(await opens(body.data.access_token))
  assert.ok(await opens(ada.access_token), 'the access token from before is good until it ends by itself')
  const upper = await refresh(body.data.refresh_token, ada.account.id.toUpperCase())
  assert.equal(upper.status, 200, 'a UUID is the same in capitals')
})

test("Said to be of somebody else's account, a refresh token is refused and stays good", async () => {
  const bob = await newPerson(app, 'bob@example.org')
  const eve = await newPerson(app, 'eve@example.org')
  for (const user of [eve.account.id, '84fc585f-073e-4b30-8f74-e650d50c8622', 'no uuid', '']) {
    refused(await refresh(bob.refresh_token, user), 401, 'unauthorized')
  }
  assert.ok(await opens(bob.access_token))
  const { status, body } = await refresh(bob.refresh_token, bob.account.id)
  assert.equal(status, 200)
  refused(await refresh(bob.refresh_token, eve.account.id), 401, 'unauthorized')
  assert.ok(await opens(body.data.access_token), 'nor does one that is used up end what is not theirs')
  assert.equal((await refresh(body.data.refresh_token, bob.account.id)).status, 200)
})

test('A refresh token that comes a second time ends everything that came of it', async () => {
  const cleo = await newPerson(app, 'cleo@example.org')
  clock.aheadMs += minuteMs
  const other = await signIn(app, 'cleo@example.org')
  const second = (await refresh(cleo.refresh_token, cleo.account.id)).body.data
  const third = (await refresh(second.refresh_token, cleo.account.id)).body.data
  assert.ok(await opens(third.access_token))
  refused(await refresh(cleo.refresh_token, cleo.account.id), 401, 'unauthorized', /log-in has ended/)
  for (const { access_token } of [cleo, second, third]) assert.equal(await opens(access_token), false)
  refused(await refresh(third.refresh_token, cleo.account.id), 401, 'unauthorized')
  assert.ok(await opens(other.access_token), 'another log-in of the same account has nothing to do with it')
})

test('Of one refresh token sent by two at once, exactly one gets the next', async () => {
  const dan = await newPerson(app, 'dan@example.org')
  const answers = await Promise.all(Array.from({ length: 2 }, () => refresh(dan.refresh_token, dan.account.id)))
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 401])
  const winner = answers.find((answer) => answer.status === 200)?.body.data
  assert.equal(await opens(winner?.access_token ?? ''), false, 'one of the two may be a thief: neither goes on')
})

test('An access token is good for an hour, a refresh token for thirty days from when it was given', async () => {
  const fay = await newPerson(app, 'fay@example.org')
  clock.aheadMs += 60 * minuteMs - 5_000
  assert.ok(await opens(fay.access_token))
  clock.aheadMs += 5_000
  const late = await identity(app, 'GET', '/auth/users/me', { as: fay.access_token })
  refused(late, 401, 'unauthorized', 'this key or token has expired')
  clock.aheadMs += 30 * dayMs - 61 * minuteMs
  const next = await refresh(fay.refresh_token, fay.account.id)
  assert.equal(next.status, 200)
  clock.aheadMs += 30 * dayMs - minuteMs
  const last = await refresh(next.body.data.refresh_token, fay.account.id)
  assert.equal(last.status, 200)
  assert.ok(await opens(last.body.data.access_token))
  clock.aheadMs += 30 * dayMs
  refused(await refresh(last.body.data.refresh_token, fay.account.id), 401, 'unauthorized')
})

test('Revoking a refresh token ends its session, and with it its access tokens, at once', async () => {
  const gus = await newPerson(app, 'gus@example.org')
  clock.aheadMs += minuteMs
  const elsewhere = await signIn(app, 'gus@example.org')
  const { status, text } = await revoke(gus.refresh_token)
  assert.deepEqual([status, text], [200, '{}'])
  assert.equal(await opens(gus.access_token), false)
  refused(await refresh(gus.refresh_token, gus.account.id), 401, 'unauthorized')
  assert.equal((await revoke(gus.refresh_token)).text, '{}')
  assert.ok(await opens(elsewhere.access_token))
})

test('Revoking one that was used up ends its session, too', async () => {
  const hal = await newPerson(app, 'hal@example.org')
  const { data } = (await refresh(hal.refresh_token, hal.account.id)).body
  assert.equal((await revoke(hal.refresh_token)).text, '{}')
  assert.equal(await opens(data.access_token), false)
  refused(await refresh(data.refresh_token, hal.account.id), 401, 'unauthorized')
})

test('Revoking what is no refresh token is answered alike, and ends nothing', async () => {
  const ida = await newPerson(app, 'ida@example.org')
  const visitor = await signedInVisitor(app, 'visitor@example.org')
  for (const token of ['', 'unknown', ida.access_token, visitor.session, app.key, 'x'.repeat(10_000)]) {
    const { status, text } = await revoke(token)
    assert.deepEqual([status, text], [200, '{}'])
  }
  assert.ok(await opens(ida.access_token))
  assert.equal((await visitor.get('/app/')).status, 200, "a page's session is not ended by its cookie's token")
  refused(await refresh(visitor.session, ida.account.id), 401, 'unauthorized')
})

test('Signing in, refreshing and revoking ask for no bearer, and do not look at one', async () => {
  const jim = await newPerson(app, 'jim@example.org')
  const next = await refresh(jim.refresh_token, jim.account.id, 'YOUR_SECRET_TOKEN')
  assert.equal(next.status, 200)
  clock.aheadMs += minuteMs
  const asked = { as: 'YOUR_SECRET_TOKEN', json: { email: 'jim@example.org' } }
  assert.equal((await identity(app, 'POST', '/auth/verification/send-code', asked)).status, 202)
  const ended = { as: next.body.data.access_token, json: { refresh_token: next.body.data.refresh_token } }
  assert.equal((await identity(app, 'POST', '/auth/verification/revoke-token', ended)).status, 200)
})

test('A disabled account has no tokens any more, and none come back when it is enabled', async () => {
  const kim = await newPerson(app, 'kim@example.org')
  await app.accounts.setDisabled(kim.account, true)
  assert.equal(await opens(kim.access_token), false)
  refused(await refresh(kim.refresh_token, kim.account.id), 401, 'unauthorized')
  await app.accounts.setDisabled(kim.account, false)
  assert.equal(await opens(kim.access_token), false)
  refused(await refresh(kim.refresh_token, kim.account.id), 401, 'unauthorized')
})

test('A token of this door opens the others, and theirs open this one', async () => {
  const lou = await newPerson(app, 'lou@example.org')
  const statusOf = async (path: string, token: string): Promise<number> =>
    (await fetch(app.url + path, { headers: withKey(token) })).status
  for (const path of ['/files', '/profile', '/api/v1/files', '/api/v1/user/stats']) {
    assert.equal(await statusOf(path, lou.access_token), 200, path)
  }
  const session = await signedIn(app, 'lou@example.org')
  assert.ok(await opens(session.access_token))
  assert.equal(await statusOf('/api/v1/files', session.access_token), 200)

  const { body } = await refreshed(app, lou.refresh_token)
  assert.ok(await opens(body.session.access_token), 'and so do refresh tokens')
  assert.equal((await refresh(session.refresh_token, lou.account.id)).status, 200)
  assert.equal((await atiru(app, 'POST', '/auth/logout', { key: body.session.access_token })).status, 204)
  assert.equal(await opens(body.session.access_token), false, 'whoever logs out at one door has left them all')
  assert.equal(await statusOf('/files', body.session.access_token), 401)
})

test('A token that was changed, or is signed by nobody, opens nothing', async () => {
  const mia = await newPerson(app, 'mia@example.org')
  const [head = '', claims = '', signature = ''] = mia.access_token.split('.')
  const other = await newPerson(app, 'ned@example.org')
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
  const forged = [
    `${head}.${claims}.`,
    `${head}.${claims}.${[...signature].reverse().join('')}`,
    `${head}.${other.access_token.split('.')[1]}.${signature}`,
    `${none}.${claims}.`,
    `${none}.${claims}.${signature}`,
  ]
  for (const token of forged) assert.equal(await opens(token), false)
  assert.ok(await opens(mia.access_token))
})

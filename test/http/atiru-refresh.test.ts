import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { atiru, newPerson, refreshed, refusal, type Session, signedIn } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { newSession } from '../support/session.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
beforeEach(() => {
  clock.aheadMs = 0
})
const day = 86_400_000
const app = await openTestApp(thisFile, {}, { clock })

async function next(session: Session): Promise<Session> {
  const answer = await refreshed(app, session.refresh_token)
  assert.equal(answer.status, 200, answer.bytes.toString())
  return answer.body.session
}

/** Whether neither access nor refresh token of a session opens anything. */
async function isDead(session: Session): Promise<void> {
  refusal(await atiru(app, 'GET', '/files', { key: session.access_token }), 401, 'INVALID_OR_EXPIRED_TOKEN')
  refusal(await refreshed(app, session.refresh_token), 401, 'INVALID_OR_EXPIRED_TOKEN')
}

test('Each refresh token is good once, and the access tokens of before stay good until they end', async () => {
  const { session: first } = await newPerson(app, 'chain@example.org')
  const second = await next(first)
  const third = await next(second)
  assert.equal(new Set([first, second, third].map((one) => one.refresh_token)).size, 3)
  for (const { access_token: key } of [first, second, third])
    assert.equal((await atiru(app, 'GET', '/files', { key })).status, 200)
  await next(third)
})

test('A refresh token that comes a second time has two holders, so neither goes on', async () => {
  const { session: first } = await newPerson(app, 'twice@example.org')
  const bystander = await signedIn(app, 'twice@example.org')
  const second = await next(first)
  const third = await next(second)
  refusal(await refreshed(app, first.refresh_token), 401, 'INVALID_OR_EXPIRED_TOKEN', /sign in again/)
  for (const session of [first, second, third]) await isDead(session)
  await next(bystander)
})

test('Of two that come at once with one refresh token one is answered, and then the whole family is dead', async () => {
  const { session } = await newPerson(app, 'race@example.org')
  const answers = await Promise.all([1, 2].map(() => refreshed(app, session.refresh_token)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401])
  const winner = answers.find(({ status }) => status === 200)
  await isDead(session)
  await isDead(winner?.body.session as Session)
})

test('Of twenty at once it is one, too', async () => {
  const { session } = await newPerson(app, 'crowd@example.org')
  const answers = await Promise.all(Array.from({ length: 20 }, () => refreshed(app, session.refresh_token)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal(answers.filter(({ status }) => status === 401).length, 19)
  await isDead(session)
})

test('A refresh token is good for thirty days from its last use', async () => {
  const { session } = await newPerson(app, 'month@example.org')
  clock.aheadMs = 30 * day - 60_000
  const second = await next(session)
  clock.aheadMs = 59 * day
  const third = await next(second)
  clock.aheadMs = 89 * day
  refusal(await refreshed(app, third.refresh_token), 401, 'INVALID_OR_EXPIRED_TOKEN')
})

test('What is no refresh token refreshes nothing: an access token, a key, a cookie, another text', async () => {
  const { account, session } = await newPerson(app, 'other@example.org')
  const { token: cookie } = await newSession(app, account, 'page')
  for (const text of [session.access_token, app.key, cookie, 'x', '', ' ', '\u0000', 'ü'.repeat(1000)]) {
    refusal(await refreshed(app, text), 401, 'INVALID_OR_EXPIRED_TOKEN')
  }
  const post = (json: unknown) => atiru(app, 'POST', '/auth/refresh', { json, key: null })
  refusal(await post({}), 400, 'INVALID_REQUEST', /refresh_token is required/)
  refusal(await post({ refresh_token: null }), 400, 'INVALID_REQUEST', /refresh_token is not a text/)
  await next(session)
})

test('An account that was disabled refreshes nothing', async () => {
  const { account, session } = await newPerson(app, 'disabled@example.org')
  await app.accounts.setDisabled(account, true)
  await isDead(session)
  await app.accounts.setDisabled(account, false)
  await isDead(session)
})

test('Sessions outlive a restart', async (t) => {
  const first = await openTestApp(t)
  const { session } = await newPerson(first)
  await first.close()
  const again = await openTestApp(t, { 'data.dir': first.folder })
  assert.equal((await atiru(again, 'GET', '/files', { key: session.access_token })).status, 200)
  assert.equal((await refreshed(again, session.refresh_token)).status, 200)
})

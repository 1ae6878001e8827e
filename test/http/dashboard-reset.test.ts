import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, type TestApp } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { linkTo, pageText, signedIn, textOf, until, Visitor } from '../support/dashboard.ts'
import { lettersTo } from '../support/outbox.ts'

const ada = 'ada@example.org'

/** A fresh link for a new password. */
async function linkFor(app: TestApp, email = ada): Promise<{ path: string; token: string }> {
  await new Visitor(app).post('/app/forgot', { email })
  return linkTo(app, email, 'reset')
}

test('Who forgot a password chooses another by the link of a letter, and all sessions end', async (t) => {
  const app = await openTestApp(t)
  const elsewhere = await signedIn(app)
  const visitor = new Visitor(app)
  assert.match(await (await visitor.get('/app/sign-in')).text(), /<a href="\/app\/forgot">Forgot your password\?</)
  await pageText(await visitor.get('/app/forgot'))
  const sent = await visitor.post('/app/forgot', { email: ' Ada@Example.org ' })
  assert.deepEqual([sent.status, sent.headers.get('location')], [303, '/app/forgot/sent'])
  assert.match(await pageText(await visitor.get('/app/forgot/sent')), /Check your mail If there is an account/)

  const { path } = await linkTo(app, ada, 'reset')
  assert.match(path, /^\/app\/reset\?token=[\w-]{43}$/)
  const page = await (await visitor.get(path)).text()
  assert.match(page, new RegExp(`value="${ada}" autocomplete="username" readonly`))
  const token = /<input name="token" type="hidden" value="([\w-]{43})">/.exec(page)?.[1] ?? ''
  const done = await visitor.post('/app/reset', { token, password: 'another horse' })
  assert.deepEqual([done.status, done.headers.get('location')], [303, '/app/sign-in?notice=reset'])
  assert.match(await pageText(await visitor.get('/app/sign-in?notice=reset')), /Sign in with the new one/)

  assert.equal((await elsewhere.get('/app/')).headers.get('location'), '/app/sign-in?notice=ended')
  assert.equal((await visitor.post('/app/sign-in', { email: ada, password: 'correct horse' })).status, 401)
  assert.equal((await visitor.post('/app/sign-in', { email: ada, password: 'another horse' })).status, 303)
})

test('A link that was used, has expired, or was never one is told to be over, and how to get another', async (t) => {
  const clock = new MovingClock()
  const app = await openTestApp(t, {}, { clock })
  await app.newAccount(ada)
  const visitor = new Visitor(app)
  const used = await linkFor(app)
  assert.equal((await visitor.post('/app/reset', { token: used.token, password: 'another horse' })).status, 303)
  const expired = await linkFor(app)
  clock.aheadMs = 1.01 * 3_600_000
  for (const { path, token } of [used, expired, { path: '/app/reset?token=made-up', token: 'made-up' }]) {
    const form = { token, password: 'a third horse' }
    for (const response of [await visitor.get(path), await visitor.post('/app/reset', form)]) {
      const page = await response.text()
      assert.equal(response.status, 404)
      assert.match(textOf(page), /This link is over.*works once, for one hour/)
      assert.match(page, /href="\/app\/forgot"/)
    }
  }
  for (const query of ['', '?token=', '?token=a&token=b']) await pageText(await visitor.get(`/app/reset${query}`), 404)
  assert.equal((await visitor.post('/app/sign-in', { email: ada, password: 'another horse' })).status, 303)
})

test('A later link does not end an earlier one, and a password that was changed ends all', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount(ada)
  const visitor = new Visitor(app)
  const [first, second] = [await linkFor(app), await linkFor(app)]
  assert.equal((await visitor.get(first.path)).status, 200)
  assert.equal((await visitor.post('/app/reset', { token: second.token, password: 'another horse' })).status, 303)
  assert.equal((await visitor.get(first.path)).status, 404)
})

test('A link of one kind is none of the other', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount(ada)
  const visitor = new Visitor(app)
  const { token } = await linkFor(app)
  assert.equal((await visitor.get(`/app/set-up?token=${token}`)).status, 404)
  const setUp = await app.accounts.createSetUpLink(app.owner)
  assert.equal((await visitor.get(`/app/reset?token=${setUp}`)).status, 404)
  assert.equal((await visitor.post('/app/reset', { token: setUp, password: 'another horse' })).status, 404)
})

test('Looking at the link, however often and however, uses nothing up', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount(ada)
  const { path, token } = await linkFor(app)
  for (const method of ['GET', 'HEAD', 'GET']) assert.equal((await fetch(app.url + path, { method })).status, 200)
  assert.equal((await new Visitor(app).post('/app/reset', { token, password: 'another horse' })).status, 303)
})

test('A form with a fault comes back, and its link stays good', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount(ada)
  const visitor = new Visitor(app)
  const { token } = await linkFor(app)
  const refused = await visitor.post('/app/reset', { token, password: 'short' })
  const page = await refused.text()
  assert.equal(refused.status, 400)
  assert.match(textOf(page), /at least 6 characters/)
  assert.ok(page.includes(`value="${token}"`) && page.includes(`value="${ada}"`))
  assert.equal(refused.headers.get('referrer-policy'), 'strict-origin')
  assert.equal((await visitor.post('/app/reset', { token, password: 'another horse' })).status, 303)
  const wrong = await visitor.post('/app/forgot', { email: 'ada' })
  assert.match(await pageText(wrong, 400), /name@example\.org/)
})

test('Who tries too often keeps the form with its link', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '2/1m' })
  await app.newAccount(ada)
  const visitor = new Visitor(app)
  const { token } = await linkFor(app)
  await visitor.post('/app/reset', { token, password: 'short' })
  const refused = await visitor.post('/app/reset', { token, password: 'another horse' })
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  const page = await refused.text()
  assert.equal(refused.status, 429)
  assert.ok(page.includes(`value="${token}"`))
})

test('Whether somebody has an account is in no answer, and in no letter to a stranger', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount(ada)
  await app.accounts.setDisabled(await app.newAccount('off@example.org'), true)
  const visitor = new Visitor(app)
  const answers: unknown[] = []
  for (const email of [ada, 'eve@example.org', 'off@example.org']) {
    const response = await visitor.post('/app/forgot', { email })
    const headers = [...response.headers].filter(([name]) => name !== 'date' && name !== 'x-request-id')
    answers.push({ status: response.status, headers, body: await response.text() })
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  const counts = [ada, 'eve@example.org', 'off@example.org'].map(async (to) => (await lettersTo(app, to)).length)
  assert.deepEqual(await Promise.all(counts), [1, 0, 0])
})

test('Who is signed in as somebody else sees that the password is changed', async (t) => {
  const app = await openTestApp(t)
  await app.newAccount(ada)
  const visitor = await signedIn(app, 'eve@example.org')
  const { path, token } = await linkFor(app)
  assert.equal((await visitor.get(path)).status, 200)
  const done = await visitor.post('/app/reset', { token, password: 'another horse' })
  assert.equal(visitor.session, '')
  assert.match(await pageText(await visitor.get(done.headers.get('location') ?? '')), /Your password is changed/)
})

test("A disabled account's link opens nothing", async (t) => {
  const app = await openTestApp(t)
  const account = await app.newAccount(ada)
  const visitor = new Visitor(app)
  const { token } = await linkFor(app)
  await app.accounts.setDisabled(account, true)
  const form = { token, password: 'another horse' }
  assert.match(await pageText(await visitor.post('/app/reset', form), 403), /account is disabled/)
})

test("A reset's token travels in no Referer and stands in no log", async (t) => {
  const app = await openTestApp(t)
  await app.newAccount(ada)
  const visitor = new Visitor(app)
  const { path, token } = await linkFor(app)
  for (const one of [path, '/app/reset?token=over']) {
    assert.equal((await visitor.get(one)).headers.get('referrer-policy'), 'strict-origin')
  }
  await visitor.post('/app/reset', { token, password: 'a very own secret' })
  await until('the form is logged', () => /"method":"POST","path":"\/app\/reset"/.test(app.log()))
  for (const secret of [token, 'a very own secret']) assert.ok(!(await app.wholeLog()).includes(secret))
})

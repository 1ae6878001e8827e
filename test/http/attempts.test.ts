import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { elsewhere, email, home, logIn, roomy } from '../support/attempts.ts'
import { Visitor } from '../support/dashboard.ts'
import { codeFor, verifyCode } from '../support/identity.ts'

test('An e-mail that nobody has makes guessers wait like any other', async (t) => {
  const app = await openTestApp(t, roomy)
  const statuses = []
  for (let n = 0; n < 6; n++) statuses.push((await logIn(app, 'wrong horse', home, 'nobody@example.org')).status)
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429])
})

test('The dashboard and the doors count together', async (t) => {
  const app = await openTestApp(t, roomy)
  await app.newAccount(email)
  const visitor = new Visitor(app)
  const signIn = (password: string) => visitor.post('/app/sign-in', { email, password }, { 'X-Forwarded-For': home })
  for (let n = 0; n < 3; n++) assert.equal((await signIn('wrong horse')).status, 401)
  for (let n = 0; n < 2; n++) assert.equal((await logIn(app, 'wrong horse')).status, 401)
  const page = await signIn('correct horse')
  assert.equal(page.status, 429)
  assert.match(page.headers.get('retry-after') ?? '', /^([1-9]|1[0-5])$/)
  assert.match(await page.text(), /Wait \d+ seconds?, then try again/)
  assert.equal((await logIn(app, 'correct horse')).status, 429)
})

test('Wrong codes are wrong tries, too', async (t) => {
  const app = await openTestApp(t, roomy)
  await app.newAccount(email)
  const code = await codeFor(app, email)
  const wrongCode = code === '000000' ? '000001' : '000000'
  for (let n = 0; n < 5; n++) assert.equal((await verifyCode(app, email, wrongCode)).status, 401)
  const { status, headers, body } = await verifyCode(app, email, code)
  assert.deepEqual([status, body.error?.code], [429, 'rate_limited'])
  assert.match(headers.get('retry-after') ?? '', /^([1-9]|1[0-5])$/)
  assert.equal((await logIn(app, 'correct horse', '127.0.0.1')).status, 429, 'a password is no way around')
  assert.equal((await logIn(app, 'correct horse', elsewhere)).status, 200)
})

test('Who is let in is forgiven', async (t) => {
  const app = await openTestApp(t, roomy)
  await app.newAccount(email)
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 4; n++) assert.equal((await logIn(app, 'wrong horse')).status, 401)
    assert.equal((await logIn(app, 'correct horse')).status, 200)
  }
})

test('With limits.auth off nobody waits', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': 'off' })
  await app.newAccount(email)
  for (let n = 0; n < 8; n++) assert.equal((await logIn(app, 'wrong horse')).status, 401)
  assert.equal((await logIn(app, 'correct horse')).status, 200)
})

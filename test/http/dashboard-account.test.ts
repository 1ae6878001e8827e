import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { formOf, pageText, signedIn, textOf, Visitor } from '../support/dashboard.ts'

const ada = 'ada@example.org'
const change = { old_password: 'correct horse', new_password: 'another horse' }

test('The account tells what it is and holds, and that there is no limit where there is none', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'twelve bytes' }], { public: 'on' }))
  const page = await pageText(await visitor.get('/app/account'))
  assert.match(page, /E-mail address ada@example\.org Account since \d+ \w+ \d{4} Plan default/)
  assert.match(page, /Storage 12 bytes, without a limit Files 1, without a limit Largest file that is taken 5 GB/)
  assert.match(page, /This month Sent 0 bytes Files opened 0, without a limit/)
  assert.doesNotMatch(page, /can be changed/)
})

test('The limits of a plan stand beside what is in use, and what was sent this month is counted', async (t) => {
  const plans =
    '{small = {storage = "1 MiB", files = 1000, image_ops = 20, origin_reads = 3000, max_upload = "10 KiB", trial_days = 14}}'
  const app = await openTestApp(t, { plans })
  const visitor = await signedIn(app)
  const account = await app.accounts.named(ada)
  await app.accounts.setPlan(account, 'small', null)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'twelve bytes' }], { public: 'on' }))
  const link = /data-copy value="([^"]*)"/.exec(await (await visitor.get('/app/')).text())?.[1] ?? ''
  for (let n = 0; n < 2; n++) await (await fetch(link)).text()
  const page = await pageText(await visitor.get('/app/account'))
  assert.match(page, /Plan small Files can be changed until \d+ \w+ \d{4} In use/)
  assert.match(page, /Storage 12 bytes of 1 MB Files 1 of 1,000 Largest file that is taken 10 KB/)
  assert.match(page, /Sent 24 bytes Files opened 2 of 3,000 Pictures made in other sizes 0 of 20/)
})

test('A trial that is over is told so', async (t) => {
  const app = await openTestApp(t, { plans: '{trial = {trial_days = 14}}' })
  const visitor = await signedIn(app)
  const account = await app.accounts.named(ada)
  await app.accounts.setPlan(account, 'trial', Date.UTC(2026, 4, 3))
  assert.match(await pageText(await visitor.get('/app/account')), /no more since 3 May 2026 ; what is stored stays/)
})

test('A changed password holds at once, and signs everybody out but who changed it', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const elsewhere = new Visitor(app)
  await elsewhere.post('/app/sign-in', { email: ada, password: 'correct horse' })
  const done = await visitor.post('/app/account', change)
  assert.deepEqual([done.status, done.headers.get('location')], [303, '/app/account?notice=password#account'])
  assert.match(await pageText(await visitor.get('/app/account?notice=password')), /Your password is changed/)
  assert.equal((await elsewhere.get('/app/')).headers.get('location'), '/app/sign-in?notice=ended')
  const signIn = (password: string) => new Visitor(app).post('/app/sign-in', { email: ada, password })
  assert.deepEqual([(await signIn('correct horse')).status, (await signIn('another horse')).status], [401, 303])
})

test('A password is not changed without the old one, nor to one that is too short', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  for (const { fields, status, says } of [
    { fields: { ...change, old_password: 'wrong horse' }, status: 401, says: /not the password that you have now/ },
    { fields: { ...change, new_password: 'short' }, status: 400, says: /at least 6 characters/ },
    { fields: {}, status: 400, says: /at least 6 characters/ },
  ]) {
    const response = await visitor.post('/app/account', fields)
    const page = await response.text()
    assert.equal(response.status, status)
    assert.match(textOf(page), says)
    for (const typed of Object.values(fields)) assert.ok(!page.includes(typed))
  }
  assert.equal((await visitor.get('/app/')).status, 200)
  assert.equal((await new Visitor(app).post('/app/sign-in', { email: ada, password: 'correct horse' })).status, 303)
})

test('Guesses at the old password are held up, whoever holds the session', async (t) => {
  const app = await openTestApp(t, { 'limits.auth': '1000/1m' })
  const visitor = await signedIn(app)
  const wrong = { ...change, old_password: 'wrong horse' }
  for (let n = 0; n < 5; n++) assert.equal((await visitor.post('/app/account', wrong)).status, 401)
  const refused = await visitor.post('/app/account', change)
  assert.ok(Number(refused.headers.get('retry-after')) > 1)
  assert.match(await pageText(refused, 429), /too often\. Wait/)
  assert.equal((await visitor.get('/app/account')).status, 200)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { atiru, followed, logIn } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import {
  codeFor,
  identity,
  lastCode,
  newPerson,
  otherThan,
  refused,
  sendCode,
  signIn,
  type UserBody,
  verifyCode,
} from '../support/identity.ts'
import { lastLetterTo, lettersTo, linkIn } from '../support/outbox.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
const minuteMs = 60_000

/** Nobody registers here. */
const app = await openTestApp(thisFile, {}, { clock })
/** Anybody may. */
const open = await openTestApp(thisFile, { 'auth.registration': 'open' }, { clock })

const wrongCode = 'the code is not right, was used already, or has expired: ask for a new one'
const sameForAll = 'If this address may sign in here, a code is on its way.'

test('A code is six digits in a letter, and signs in once', async () => {
  await app.newAccount('once@example.org')
  const code = await codeFor(app, 'once@example.org')
  assert.match(code, /^\d{6}$/)
  const { status, headers, body } = await verifyCode(app, 'once@example.org', code)
  assert.equal(status, 200)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(Object.keys(body), ['success', 'data', 'error'])
  assert.deepEqual([body.success, body.error], [true, null])
  assert.deepEqual(Object.keys(body.data), ['access_token', 'refresh_token', 'token_type'])
  assert.equal(body.data.token_type, 'bearer')
  assert.match(body.data.refresh_token, /^[\w-]{43}$/)
  const me = await identity<UserBody>(app, 'GET', '/auth/users/me', { as: body.data.access_token })
  assert.equal(me.body.data.email, 'once@example.org')
  refused(await verifyCode(app, 'once@example.org', code), 401, 'invalid_code', wrongCode)
})

test('Whoever asks for a code is answered the same, and only who may sign in gets a letter', async () => {
  await app.newAccount('known@example.org')
  const disabled = await app.newAccount('disabled@example.org')
  await app.accounts.setDisabled(disabled, true)
  const addresses = ['known@example.org', 'known@example.org', 'nobody@example.org', 'disabled@example.org']
  const answers = []
  for (const address of addresses) {
    const { status, headers, text } = await sendCode(app, address)
    const told = [...headers.keys()].sort()
    answers.push({ status, text, told })
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  assert.equal(answers[0]?.status, 202)
  const expected = { success: true, data: { message: sameForAll }, error: null }
  assert.deepEqual(JSON.parse(answers[0]?.text ?? ''), expected)
  assert.equal((await lettersTo(app, 'known@example.org')).length, 1)
  assert.deepEqual(await lettersTo(app, 'nobody@example.org'), [])
  assert.deepEqual(await lettersTo(app, 'disabled@example.org'), [])
})

test('An address is the same in any case and with spaces around it, and so is a code with spaces', async () => {
  await app.newAccount('case@example.org')
  const code = await codeFor(app, ' Case@Example.ORG ')
  assert.equal(code, '', 'the letter goes to the address as it is known here')
  const { status } = await verifyCode(app, '\tCASE@example.org\n', ` ${await lastCode(app, 'case@example.org')}\n`)
  assert.equal(status, 200)
})

test('A code is good for ten minutes', async () => {
  await app.newAccount('late@example.org')
  const inTime = await codeFor(app, 'late@example.org')
  clock.aheadMs += 10 * minuteMs - 5_000
  assert.equal((await verifyCode(app, 'late@example.org', inTime)).status, 200)
  const late = await codeFor(app, 'late@example.org')
  clock.aheadMs += 10 * minuteMs
  refused(await verifyCode(app, 'late@example.org', late), 401, 'invalid_code')
})

test('A code may be tried five times', async () => {
  await app.newAccount('tries@example.org')
  const first = await codeFor(app, 'tries@example.org')
  for (let n = 0; n < 4; n++) {
    refused(await verifyCode(app, 'tries@example.org', otherThan(first)), 401, 'invalid_code', wrongCode)
  }
  assert.equal((await verifyCode(app, 'tries@example.org', first)).status, 200)
  clock.aheadMs += minuteMs
  const second = await codeFor(app, 'tries@example.org')
  for (let n = 0; n < 5; n++) {
    refused(await verifyCode(app, 'tries@example.org', otherThan(second)), 401, 'invalid_code', wrongCode)
  }
  refused(await verifyCode(app, 'tries@example.org', second), 401, 'invalid_code', wrongCode)
})

test('Of thirty tries at once, five are looked at', async () => {
  await app.newAccount('burst@example.org')
  const code = await codeFor(app, 'burst@example.org')
  const wrong = Array.from({ length: 30 }, () => verifyCode(app, 'burst@example.org', otherThan(code)))
  for (const answer of await Promise.all(wrong)) refused(answer, 401, 'invalid_code')
  refused(await verifyCode(app, 'burst@example.org', code), 401, 'invalid_code')
})

test('What is no code at all is wrong like any other', async () => {
  await app.newAccount('odd@example.org')
  await codeFor(app, 'odd@example.org')
  for (const code of ['', '12345', '1234567', 'abcdef', '１２３４５６', 'x'.repeat(10_000)]) {
    refused(await verifyCode(app, 'odd@example.org', code), 401, 'invalid_code', wrongCode)
  }
})

test("A code opens nobody else's account", async () => {
  await app.newAccount('ada@example.org')
  await app.newAccount('eve@example.org')
  const code = await codeFor(app, 'ada@example.org')
  await codeFor(app, 'eve@example.org')
  refused(await verifyCode(app, 'eve@example.org', code), 401, 'invalid_code', wrongCode)
  refused(await verifyCode(app, 'mallory@example.org', code), 401, 'invalid_code', wrongCode)
  assert.equal((await verifyCode(app, 'ada@example.org', code)).status, 200)
})

test('Within a minute no second code is sent; then there is one, and the first is good no longer', async () => {
  await app.newAccount('again@example.org')
  const first = await codeFor(app, 'again@example.org')
  clock.aheadMs += minuteMs - 5_000
  assert.equal((await sendCode(app, 'again@example.org')).status, 202)
  assert.equal((await lettersTo(app, 'again@example.org')).length, 1)
  clock.aheadMs += 5_000
  const second = await codeFor(app, 'again@example.org')
  assert.equal((await lettersTo(app, 'again@example.org')).length, 2)
  // One time in a million they are the same.
  if (first !== second) refused(await verifyCode(app, 'again@example.org', first), 401, 'invalid_code')
  assert.equal((await verifyCode(app, 'again@example.org', second)).status, 200)
})

test('Of one code sent twice at once, one signs in', async () => {
  await app.newAccount('twice@example.org')
  const code = await codeFor(app, 'twice@example.org')
  const answers = await Promise.all(Array.from({ length: 5 }, () => verifyCode(app, 'twice@example.org', code)))
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 401, 401, 401, 401])
})

test('Where registration is closed, an unknown address gets no letter, and nothing is made for it', async () => {
  const before = await app.accounts.list()
  for (let n = 0; n < 3; n++) {
    assert.equal((await sendCode(app, 'stranger@example.org')).status, 202)
    clock.aheadMs += minuteMs
  }
  refused(await verifyCode(app, 'stranger@example.org', '123456'), 401, 'invalid_code', wrongCode)
  assert.deepEqual(await lettersTo(app, 'stranger@example.org'), [])
  assert.deepEqual(await app.accounts.list(), before)
})

test('Where registration is open, an account is made when its code is verified, and not before', async () => {
  const code = await codeFor(open, 'new@example.org')
  await assert.rejects(open.accounts.named('new@example.org'))
  refused(await verifyCode(open, 'new@example.org', otherThan(code)), 401, 'invalid_code')
  await assert.rejects(open.accounts.named('new@example.org'))
  const { body } = await verifyCode(open, 'new@example.org', code)
  const account = await open.accounts.named('new@example.org')
  assert.deepEqual([account.isOwner, account.hasPassword], [false, false])
  assert.notEqual(account.verifiedAt, null)
  const me = await identity<UserBody>(open, 'GET', '/auth/users/me', { as: body.data.access_token })
  assert.deepEqual([me.body.data.id, me.body.data.is_verified], [account.id, true])
  assert.deepEqual(
    me.body.data.projects.map((project) => project.name),
    ['Default'],
  )
  assert.equal((await logIn(open, 'new@example.org', '')).status, 401, 'without a password none is right')
  clock.aheadMs += minuteMs
  await signIn(open, 'new@example.org')
  assert.equal((await open.accounts.named('new@example.org')).id, account.id, 'the next time it is the same one')
})

test('A password that was registered and never verified goes when somebody proves the address by a code', async () => {
  const email = 'victim@example.org'
  const json = { email, password: 'chosen by a stranger' }
  assert.equal((await atiru(open, 'POST', '/auth/register', { json, key: null })).status, 201)
  const link = linkIn(await lastLetterTo(open, email, 'confirm'))
  const before = await logIn(open, email, 'chosen by a stranger')
  assert.deepEqual([before.status, before.body.code], [403, 'EMAIL_NOT_VERIFIED'])

  const tokens = await signIn(open, email)
  const after = await logIn(open, email, 'chosen by a stranger')
  assert.deepEqual(after.body, before.body, 'the stranger is told nothing new')
  assert.equal((await followed(open, link)).status, 404, 'its link leads nowhere any more')
  assert.equal((await open.accounts.named(email)).hasPassword, false)
  const me = await identity<UserBody>(open, 'GET', '/auth/users/me', { as: tokens.access_token })
  assert.equal(me.status, 200)
  assert.equal(me.body.data.is_verified, true)
})

test('A verified account keeps its password and its sessions when it signs in by a code', async () => {
  const person = await newPerson(app, 'keeps@example.org')
  clock.aheadMs += minuteMs
  await signIn(app, 'keeps@example.org')
  assert.equal((await logIn(app, 'keeps@example.org', 'correct horse')).status, 200)
  assert.equal((await identity(app, 'GET', '/auth/users/me', { as: person.access_token })).status, 200)
})

test('A disabled account is refused with the code that it was sent before', async () => {
  const account = await app.newAccount('gone@example.org')
  const code = await codeFor(app, 'gone@example.org')
  await app.accounts.setDisabled(account, true)
  refused(await verifyCode(app, 'gone@example.org', code), 403, 'forbidden', 'this account is disabled')
  clock.aheadMs += minuteMs
  assert.equal((await sendCode(app, 'gone@example.org')).status, 202)
  assert.equal((await lettersTo(app, 'gone@example.org')).length, 1)
})

test('Who had as many letters as there are in an hour can still use the code of the last one', async (t) => {
  // The limits count by the world's clock: with so many they are out of the way, and letters are counted all the same.
  const counting = await openTestApp(t, { 'limits.auth': '1000/1m' }, { clock })
  await counting.newAccount('busy@example.org')
  for (let n = 0; n < 12; n++) {
    assert.equal((await sendCode(counting, 'busy@example.org')).status, 202)
    // A code that is over before its letter goes out would not be sent at all.
    await lettersTo(counting, 'busy@example.org')
    clock.aheadMs += minuteMs
  }
  assert.equal((await lettersTo(counting, 'busy@example.org')).length, 10)
  const { status } = await verifyCode(counting, 'busy@example.org', await lastCode(counting, 'busy@example.org'))
  assert.equal(status, 200, 'a code that nobody is sent makes the one before it useless')
})

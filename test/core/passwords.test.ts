import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { hashing, hashPassword, isOutdated, requirePassword, verifyPassword } from '../../src/core/passwords.ts'
import { type InnerApp, openInnerApp } from '../support/inner-app.ts'

const today = { memory: 19_456, passes: 2, parallelism: 1 }
const former = { memory: 8_192, passes: 1, parallelism: 2 }

/** A hash as it was made when less work was thought to be enough. */
function formerHash(password: string): string {
  const nonce = Buffer.alloc(16, 7)
  const tag = argon2Sync('argon2id', { message: password, nonce, ...former, tagLength: 16 })
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=8192,t=1,p=2$${base64(nonce)}$${base64(tag)}`
}

/** What every hash cost that is worked out while something is done. */
async function costsOf(work: () => Promise<unknown>): Promise<unknown[]> {
  const costs: unknown[] = []
  const note = (cost: unknown): void => void costs.push(cost)
  hashing.subscribe(note)
  await work().finally(() => hashing.unsubscribe(note))
  return costs
}

/** A server, and an account whose password was hashed by former rules. */
async function withFormerHash(t: Parameters<typeof openInnerApp>[0]) {
  const app = await openInnerApp(t)
  const account = await app.newAccount('ada@example.org')
  const passwordHash = formerHash('correct horse')
  await app.catalogue.write.setPassword({ accountId: account.id, passwordHash, now: Date.now() })
  return { app, account, passwordHash, hashNow: () => app.catalogue.read.passwordHash(account.id) }
}

const isWrong = (error: unknown): boolean => isFailure(error) && error.code === 'unauthenticated'

const logIn = (app: InnerApp, password = 'correct horse', email = 'ada@example.org') =>
  app.core.access.logIn(email, password)

test('A password is right for its own hash alone, and equal passwords have different hashes', async () => {
  const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  assert.notEqual(one, other)
  assert.equal(await verifyPassword('correct horse', one), true)
  assert.equal(await verifyPassword('correct horse', other), true)
  assert.equal(await verifyPassword('correct horsf', one), false)
  assert.equal(await verifyPassword('', one), false)
})

test('A hash is Argon2id in the PHC form, with 19 MiB and two passes', async () => {
  const hash = await hashPassword('pässword 😀')
  const form = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/
  const [, salt = '', tag = ''] = form.exec(hash) ?? []
  const expected = argon2Sync('argon2id', {
    message: 'pässword 😀',
    nonce: Buffer.from(salt, 'base64'),
    memory: 19_456,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  })
  assert.deepEqual(Buffer.from(tag, 'base64'), expected)
})

test('A hash with other parameters is still understood, for they stand in it', async () => {
  const hash = formerHash('older')
  assert.equal(await verifyPassword('older', hash), true)
  assert.equal(await verifyPassword('newer', hash), false)
})

test('Without a hash every password is wrong, the empty one too', async () => {
  for (const hash of [null, undefined]) {
    assert.equal(await verifyPassword('anything', hash), false)
    assert.equal(await verifyPassword('', hash), false)
  }
})

test('A password has at least six characters and at most 1,024 bytes', () => {
  const isInvalid = (error: unknown): boolean => isFailure(error) && error.code === 'invalid'
  for (const good of ['123456', '😀😀😀😀😀😀', 'x'.repeat(1_024), '      ']) requirePassword(good)
  for (const bad of ['', '12345', '😀😀😀😀😀', 'x'.repeat(1_025), '€'.repeat(342)]) {
    assert.throws(() => requirePassword(bad), isInvalid)
  }
})

test('Many log-ins at once are all answered rightly', async () => {
  const hash = await hashPassword('correct horse')
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => verifyPassword(n % 2 === 0 ? 'correct horse' : 'wrong', hash)),
  )
  assert.deepEqual(
    answers,
    Array.from({ length: 12 }, (_, n) => n % 2 === 0),
  )
})

test('A hash that was made by former rules is made anew at the next log-in, and nobody is signed out by it', async (t) => {
  const { app, account, passwordHash, hashNow } = await withFormerHash(t)
  const earlier = await app.core.access.signIn(account, passwordHash)
  assert.equal(isOutdated((await hashNow()) ?? ''), true)
  const updatedAt = (await app.accounts.named('ada@example.org')).updatedAt
  let later = earlier
  const costs = await costsOf(async () => {
    later = await logIn(app)
  })
  assert.deepEqual(costs, [former, today])
  const hash = (await hashNow()) ?? ''
  assert.equal(isOutdated(hash), false)
  assert.equal(await verifyPassword('correct horse', hash), true)
  for (const { token } of [earlier, later]) assert.equal((await app.core.access.byCookie(token)).account.id, account.id)
  assert.equal((await app.accounts.named('ada@example.org')).updatedAt, updatedAt)

  assert.deepEqual(await costsOf(() => logIn(app)), [today])
  assert.equal(await hashNow(), hash, 'once is enough')
})

test('A wrong password makes nothing anew', async (t) => {
  const { app, passwordHash, hashNow } = await withFormerHash(t)
  await assert.rejects(logIn(app, 'wrong horse'), isWrong)
  assert.equal(await hashNow(), passwordHash)
})

test('Of many log-ins at once that find a hash of former rules, all are let in', async (t) => {
  const { app, hashNow } = await withFormerHash(t)
  const sessions = await Promise.all(Array.from({ length: 5 }, () => logIn(app)))
  for (const { token } of sessions) await app.core.access.byCookie(token)
  assert.equal(await verifyPassword('correct horse', await hashNow()), true)
})

test('An e-mail that nobody has costs what a known one costs, and so does one that cannot sign in', async (t) => {
  const app = await openInnerApp(t, { 'auth.registration': 'open' })
  await app.newAccount('ada@example.org')
  await app.accounts.setDisabled(await app.newAccount('disabled@example.org'), true)
  await app.catalogue.write.createAccount({
    id: crypto.randomUUID(),
    email: 'codes@example.org',
    passwordHash: null,
    isOwner: false,
    verified: true,
    now: Date.now(),
  })
  await app.core.registration.register('fresh@example.org', 'correct horse')
  const addresses = ['nobody', 'disabled', 'codes', 'fresh'].map((name) => `${name}@example.org`)
  const costOf = (email: string) => costsOf(() => assert.rejects(logIn(app, 'wrong horse', email), isWrong))
  const known = await costOf('ada@example.org')
  assert.deepEqual(new Set(known.map((cost) => JSON.stringify(cost))), new Set([JSON.stringify(today)]))
  for (const email of [...addresses, ' ADA@example.org ', 'no address', '']) {
    assert.deepEqual(await costOf(email), known, email)
  }
})

test('An account that cannot sign in says so to who knows its password, and to nobody else', async (t) => {
  const app = await openInnerApp(t, { 'auth.registration': 'open' })
  await app.accounts.setDisabled(await app.newAccount('disabled@example.org'), true)
  await app.core.registration.register('fresh@example.org', 'correct horse')
  const needs = (needed: string) => (error: unknown) =>
    isFailure(error) && error.code === 'forbidden' && error.detail.needs === needed
  await assert.rejects(logIn(app, 'correct horse', 'disabled@example.org'), needs('active_account'))
  await assert.rejects(logIn(app, 'correct horse', 'fresh@example.org'), needs('verified_email'))
  for (const email of ['disabled@example.org', 'fresh@example.org']) {
    await assert.rejects(logIn(app, 'wrong horse', email), isWrong)
  }
})

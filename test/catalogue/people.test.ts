import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Failure } from '../../src/core/failure.ts'
import type { Letter } from '../../src/core/model.ts'
import { secretDigest } from '../../src/core/secrets.ts'
import { openTestCatalogue } from '../support/catalogue.ts'

const now = Date.UTC(2026, 4, 3)
const hourMs = 3_600_000
const email = 'ada@example.org'

const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

/** A catalogue with an account whose password is hashed as `hash`. */
async function open(t: TestContext, verified = true) {
  const { catalogue } = await openTestCatalogue(t)
  const accountId = randomUUID()
  const account = { id: accountId, email, passwordHash: 'hash', isOwner: false, verified, now }
  await catalogue.write.createAccount(account)
  const session = (id: string) => ({ id, kind: 'api' as const, digest: secretDigest(id), expiresAt: now + hourMs })
  return {
    catalogue,
    accountId,
    session,
    signIn: (id: string, passwordHash = 'hash') =>
      catalogue.write.createSession({ ...session(id), accountId, passwordHash, now }),
    isSignedIn: async (id: string) => (await catalogue.read.session(id)) !== undefined,
    hash: () => catalogue.read.passwordHash(accountId),
    link: (id: string, purpose: 'set-up' | 'confirm' | 'reset') =>
      catalogue.write.createLink({ id, accountId, purpose, digest: secretDigest(id), expiresAt: now + hourMs, now }),
    isGood: async (id: string, purpose: 'set-up' | 'confirm' | 'reset') =>
      (await catalogue.read.linkHolder(secretDigest(id), purpose, now)) !== undefined,
    proveByCode: async () => {
      const letter: Letter = { to: email, purpose: 'code', code: '123456', expiresAt: now + hourMs }
      const mail = { id: randomUUID(), letter, hourly: null, now }
      const digest = secretDigest('123456')
      await catalogue.write.sendCode({ email, digest, tries: 5, notSince: 0, mayRegister: false, mail, now })
      return catalogue.write.redeemCode({ email, digest, newAccount: undefined, session: session('by code'), now })
    },
  }
}

test('Who proves an address by a code ends a password that was never verified, with its sessions and links', async (t) => {
  const { catalogue, signIn, isSignedIn, hash, link, isGood, proveByCode } = await open(t, false)
  await signIn("a stranger's")
  await link('confirm', 'confirm')
  await link('reset', 'reset')
  const account = await proveByCode()
  assert.ok(account)
  assert.deepEqual([account.hasPassword, account.verifiedAt], [false, now])
  assert.equal(await hash(), null)
  assert.equal(await isSignedIn("a stranger's"), false)
  assert.equal(await isSignedIn('by code'), true)
  assert.deepEqual([await isGood('confirm', 'confirm'), await isGood('reset', 'reset')], [false, false])
  await assert.rejects(signIn('once more'), isFailure('unauthenticated'))
  const choose = {
    id: randomUUID(),
    purpose: 'reset',
    digest: secretDigest('choose'),
    expiresAt: now + hourMs,
    now,
  } as const
  const followed = catalogue.write.confirm({ digest: secretDigest('confirm'), choose, now })
  await assert.rejects(followed, isFailure('not_found'))
})

test('A verified account keeps its password, sessions and links when a code signs it in', async (t) => {
  const { signIn, isSignedIn, hash, link, isGood, proveByCode } = await open(t)
  await signIn('earlier')
  await link('reset', 'reset')
  assert.ok(await proveByCode())
  assert.equal(await hash(), 'hash')
  assert.deepEqual(
    [await isSignedIn('earlier'), await isSignedIn('by code'), await isGood('reset', 'reset')],
    [true, true, true],
  )
})

test('Nobody signs in by a password that was changed while it was verified', async (t) => {
  const { catalogue, accountId, signIn, isSignedIn } = await open(t)
  await signIn('before')
  await catalogue.write.setPassword({ accountId, passwordHash: 'another', now })
  assert.equal(await isSignedIn('before'), false)
  await assert.rejects(signIn('late'), isFailure('unauthenticated'))
  await signIn('after', 'another')
})

test('A hash made anew takes the place of the one it was made from, and of no other', async (t) => {
  const { catalogue, accountId, signIn, isSignedIn, hash } = await open(t)
  await signIn('before')
  const { updatedAt } = (await catalogue.read.account(accountId)) ?? {}
  await catalogue.write.rehashPassword({ accountId, from: 'hash', to: 'hash 2' })
  assert.equal(await hash(), 'hash 2')
  assert.equal(await isSignedIn('before'), true)
  assert.equal((await catalogue.read.account(accountId))?.updatedAt, updatedAt, 'the account is what it was')
  await catalogue.write.rehashPassword({ accountId, from: 'hash', to: 'hash 3' })
  assert.equal(await hash(), 'hash 2')
})

test('Whoever changes the password keeps the session they did it in, and ends all others', async (t) => {
  const { catalogue, accountId, signIn, isSignedIn, hash, link, isGood } = await open(t)
  for (const id of ['mine', 'other']) await signIn(id)
  await link('reset', 'reset')
  const change = { accountId, from: 'hash', to: 'new', keep: 'mine', now }
  await catalogue.write.changePassword(change)
  assert.deepEqual(
    [await isSignedIn('mine'), await isSignedIn('other'), await isGood('reset', 'reset')],
    [true, false, false],
  )
  await assert.rejects(catalogue.write.changePassword({ ...change, to: 'newer' }), isFailure('unauthenticated'))
  assert.equal(await hash(), 'new')
})

test('A disabled account loses its sessions, and gets none', async (t) => {
  const { catalogue, accountId, signIn, isSignedIn, proveByCode } = await open(t)
  await signIn('before')
  await catalogue.write.setDisabled({ accountId, disabled: true, now })
  assert.equal(await isSignedIn('before'), false)
  await assert.rejects(signIn('late'), isFailure('unauthenticated'))
  await assert.rejects(proveByCode(), isFailure('forbidden'))
  await catalogue.write.setDisabled({ accountId, disabled: false, now })
  assert.equal(await isSignedIn('before'), false)
  await signIn('after')
})

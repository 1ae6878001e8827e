import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../../src/core/caller.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { Account } from '../../src/core/model.ts'
import { type Plan, Plans } from '../../src/core/plans.ts'

const dayMs = 86_400_000
const begun = Date.UTC(2026, 0, 31)

const noLimit: Plan = {
  storageBytes: null,
  files: null,
  imageOps: null,
  originReads: null,
  maxUploadBytes: null,
  trialDays: null,
}

function plansOf(
  plans: Record<string, Partial<Plan>>,
  options: { standard?: Partial<Plan>; maxUploadBytes?: number; now?: () => number } = {},
): Plans {
  return new Plans({
    plans: new Map(Object.entries(plans).map(([name, plan]) => [name, { ...noLimit, ...plan }])),
    standard: { ...noLimit, ...options.standard },
    maxUploadBytes: options.maxUploadBytes ?? 5_000,
    clock: { now: options.now ?? (() => begun) },
  })
}

function accountOn(plan: string | null, more: Partial<Account> = {}): Account {
  return {
    id: 'account',
    email: 'ada@example.org',
    isOwner: false,
    verifiedAt: 1,
    disabledAt: null,
    hasPassword: true,
    createdAt: 1,
    updatedAt: 1,
    plan,
    planSince: plan === null ? null : begun,
    accessUntil: null,
    publicUrlBase: null,
    maxUploadBytes: null,
    actor: null,
    actorType: null,
    ...more,
  }
}

const signedIn = (account: Account): Caller => ({
  account,
  by: 'session',
  session: { id: 's', accountId: account.id, kind: 'api', expiresAt: begun + dayMs },
})

function mayWrite(plans: Plans, account: Account): boolean {
  try {
    plans.requireMayWrite(signedIn(account))
    return true
  } catch (error) {
    assert.ok(isFailure(error) && error.code === 'forbidden')
    assert.deepEqual(error.detail, { needs: 'plan' })
    return false
  }
}

test('An account has what its plan says, under its name', () => {
  const plans = plansOf({ free: { files: 10, imageOps: 5 } }, { standard: { files: 1 } })
  assert.deepEqual(plans.of(accountOn('free')), { ...noLimit, files: 10, imageOps: 5, name: 'free' })
  assert.deepEqual(plans.quotaOf(accountOn('free')), { bytes: null, files: 10 })
})

test('What a plan does not name has no limit, whatever holds for those without a plan', () => {
  const plans = plansOf({ all: {} }, { standard: { storageBytes: 100, files: 1 } })
  assert.deepEqual(plans.quotaOf(accountOn('all')), { bytes: null, files: null })
})

test('Without a plan, or with one that is not configured any more, an account has what everybody has', () => {
  const plans = plansOf({ free: { files: 10 } }, { standard: { storageBytes: 100, files: 1 } })
  for (const plan of [null, 'gone', '', 'constructor', '__proto__']) {
    assert.deepEqual(plans.of(accountOn(plan)), { ...noLimit, storageBytes: 100, files: 1, name: 'default' })
    assert.deepEqual(plans.quotaOf(accountOn(plan)), { bytes: 100, files: 1 })
  }
})

test('The largest file is what server, plan and account all allow', () => {
  const plans = plansOf(
    { small: { maxUploadBytes: 1_000 }, large: { maxUploadBytes: 9_000 } },
    { maxUploadBytes: 5_000 },
  )
  const limits = (plan: string | null, maxUploadBytes: number | null = null) => {
    const account = accountOn(plan, { maxUploadBytes })
    return [plans.uploadLimitOf(account), plans.maxUploadOf(account)]
  }
  assert.deepEqual(limits(null), [5_000, 5_000])
  assert.deepEqual(limits('small'), [1_000, 1_000])
  assert.deepEqual(limits('large'), [5_000, 5_000])
  assert.deepEqual(limits('small', 200), [1_000, 200])
  assert.deepEqual(limits('small', 2_000), [1_000, 1_000], 'what was set before the plan came does not go beyond it')
})

test('A trial ends so many days after the account was put on the plan', () => {
  let now = begun
  const plans = plansOf({ trial: { trialDays: 14 } }, { now: () => now })
  const account = accountOn('trial')
  assert.equal(plans.accessUntil(account), begun + 14 * dayMs)
  now = begun + 14 * dayMs - 1
  assert.equal(mayWrite(plans, account), true)
  now++
  assert.equal(mayWrite(plans, account), false)
})

test('A date that was said for the account alone comes before what its plan says, earlier or later', () => {
  let now = begun
  const plans = plansOf({ trial: { trialDays: 14 }, all: {} }, { now: () => now })
  for (const plan of ['trial', 'all', null]) {
    for (const accessUntil of [begun + dayMs, begun + 100 * dayMs]) {
      const account = accountOn(plan, { accessUntil })
      assert.equal(plans.accessUntil(account), accessUntil)
      now = accessUntil - 1
      assert.equal(mayWrite(plans, account), true)
      now = accessUntil
      assert.equal(mayWrite(plans, account), false)
    }
  }
})

test('Without a trial nothing ends', () => {
  const plans = plansOf({ all: {} }, { now: () => begun + 100_000 * dayMs })
  for (const plan of ['all', 'gone', null]) {
    assert.equal(plans.accessUntil(accountOn(plan)), null)
    assert.equal(mayWrite(plans, accountOn(plan)), true)
  }
})

test('A key without files:write is told of that, and not of the trial', () => {
  const plans = plansOf({ trial: { trialDays: 1 } }, { now: () => begun + 2 * dayMs })
  const account = accountOn('trial')
  const key = {
    id: 'key',
    accountId: account.id,
    kind: 'ak',
    hint: '',
    name: '',
    scopes: ['files:read'],
    pathPrefix: null,
    createdAt: 1,
    expiresAt: null,
    revokedAt: null,
    projectId: 'project',
  } as const
  const isAbout = (needs: string) => (error: unknown) =>
    isFailure(error) && error.code === 'forbidden' && error.detail.needs === needs
  assert.throws(() => plans.requireMayWrite({ account, by: 'key', key }), isAbout('scope'))
  const writer = { ...key, scopes: null, pathPrefix: 'docs/' }
  assert.throws(() => plans.requireMayWrite({ account, by: 'key', key: writer }, 'other/'), isAbout('prefix'))
  assert.throws(() => plans.requireMayWrite({ account, by: 'key', key: writer }, 'docs/'), isAbout('plan'))
})

test('Monthly limits are looked for only where some plan has one', () => {
  const none = plansOf({ a: { files: 1 }, b: {} })
  assert.deepEqual([none.hasLimit('imageOps'), none.hasLimit('originReads')], [false, false])
  const some = plansOf({ a: { imageOps: 0 }, b: {} })
  assert.deepEqual([some.hasLimit('imageOps'), some.hasLimit('originReads')], [true, false])
})

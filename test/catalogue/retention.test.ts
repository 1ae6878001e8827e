import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import Database from 'better-sqlite3'
import { activityFile, catalogueFile } from '../../src/catalogue/connection.ts'
import type { RequestRecord } from '../../src/core/catalogue.ts'
import type { Letter, LinkPurpose, SessionKind } from '../../src/core/model.ts'
import { newToken, secretDigest } from '../../src/core/secrets.ts'
import { forgetThePast } from '../../src/jobs/retention.ts'
import { newAccount, openTestCatalogue } from '../support/catalogue.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const now = Date.UTC(2026, 4, 31, 12)

/** A catalogue, and a look into its very tables. */
async function open(t: TestContext) {
  const { catalogue, folder } = await openTestCatalogue(t)
  const rows = (query: string, file = catalogueFile(folder)): unknown[] => {
    const raw = new Database(file, { readonly: true })
    try {
      return raw.prepare(query).pluck().all()
    } finally {
      raw.close()
    }
  }
  const prune = () => catalogue.write.pruneAccess({ now, unconfirmedBefore: now - 7 * dayMs })
  return { catalogue, rows, prune, ofActivity: (query: string) => rows(query, activityFile(folder)) }
}

type Catalogue = Awaited<ReturnType<typeof open>>['catalogue']

/** An account with the password's hash `hash`, and a session of it. */
async function signIn(catalogue: Catalogue, accountId: string, id: string, expiresAt: number, kind: SessionKind) {
  const session = { id, kind, digest: secretDigest(id), expiresAt }
  await catalogue.write.createSession({ ...session, accountId, passwordHash: 'hash', now: 1 })
}

async function accountWithPassword(catalogue: Catalogue, email: string, verified = true): Promise<string> {
  const id = randomUUID()
  await catalogue.write.createAccount({ id, email, passwordHash: 'hash', isOwner: false, verified, now: 1 })
  return id
}

async function link(catalogue: Catalogue, accountId: string, id: string, purpose: LinkPurpose, expiresAt: number) {
  await catalogue.write.createLink({ id, accountId, purpose, digest: secretDigest(id), expiresAt, now: 1 })
}

/** A letter with a code, asked for at a time. */
async function code(catalogue: Catalogue, id: string, at: number, letter: Partial<Letter> = {}, mayRegister = true) {
  const email = letter.to ?? `${id}@example.org`
  const full: Letter = { to: email, purpose: 'code', code: '123456', expiresAt: at + 10 * minuteMs, ...letter }
  await catalogue.write.sendCode({
    email,
    digest: secretDigest(id),
    tries: 5,
    notSince: at - minuteMs,
    mayRegister,
    mail: { id, letter: full, hourly: 10, now: at },
    now: at,
  })
}

test('Sessions, links and codes that are over are removed, and no others', async (t) => {
  const { catalogue, rows, prune } = await open(t)
  const account = await accountWithPassword(catalogue, 'ada@example.org')
  for (const kind of ['page', 'api'] as const) {
    await signIn(catalogue, account, `${kind} over`, now, kind)
    await signIn(catalogue, account, `${kind} of today`, now + 1, kind)
  }
  for (const purpose of ['set-up', 'confirm', 'reset'] as const) {
    await link(catalogue, account, `${purpose} over`, purpose, now)
    await link(catalogue, account, `${purpose} of today`, purpose, now + 1)
  }
  await code(catalogue, 'over', now - 10 * minuteMs)
  await code(catalogue, 'today', now - 10 * minuteMs + 1)
  await prune()
  assert.deepEqual(rows('SELECT id FROM sessions ORDER BY id'), ['api of today', 'page of today'])
  assert.deepEqual(rows('SELECT id FROM links ORDER BY id'), ['confirm of today', 'reset of today', 'set-up of today'])
  assert.deepEqual(rows('SELECT email FROM codes'), ['today@example.org'])
  assert.ok(await catalogue.read.account(account))
})

test('With a session go the refresh tokens that it has used up', async (t) => {
  const { catalogue, rows, prune } = await open(t)
  const account = await accountWithPassword(catalogue, 'ada@example.org')
  for (const [id, expiresAt] of [
    ['over', now],
    ['of today', now + 1],
  ] as const) {
    await signIn(catalogue, account, id, expiresAt, 'api')
    await catalogue.write.rotate({ digest: secretDigest(id), next: secretDigest(`next ${id}`), expiresAt, now: 1 })
  }
  assert.equal(rows('SELECT digest FROM spent_tokens').length, 2)
  await prune()
  assert.deepEqual(rows('SELECT session_id FROM spent_tokens'), ['of today'])
})

test('A session that is renewed for years keeps only those of its used tokens that were good still', async (t) => {
  const { catalogue, rows } = await open(t)
  const account = await accountWithPassword(catalogue, 'ada@example.org')
  const life = 30 * dayMs
  const tokens = [newToken()]
  const last = () => tokens.at(-1) ?? ''
  const digest = secretDigest(last())
  await catalogue.write.createSession({
    id: 's',
    kind: 'api',
    digest,
    accountId: account,
    passwordHash: 'hash',
    expiresAt: now + life,
    now,
  })
  const rotate = async (day: number, token: string) => {
    const next = newToken()
    const at = now + day * dayMs
    const wish = { digest: secretDigest(token), next: secretDigest(next), expiresAt: at + life, now: at }
    const { outcome } = await catalogue.write.rotate(wish)
    if (outcome === 'rotated') tokens.push(next)
    return outcome
  }
  for (let day = 1; day <= 100; day++) assert.equal(await rotate(day, last()), 'rotated')
  assert.equal(rows('SELECT digest FROM spent_tokens').length, 29, 'of a hundred')
  assert.equal(await rotate(100, tokens[0] ?? ''), 'unknown', 'one from long ago would have expired by itself')
  assert.equal(await rotate(100, last()), 'rotated')
  assert.equal(await rotate(100, tokens[95] ?? ''), 'reused')
  assert.equal(await rotate(100, last()), 'unknown')
  assert.deepEqual(rows('SELECT digest FROM spent_tokens'), [], 'an ended session leaves nothing')
})

test('An account that was registered and never confirmed is forgotten when its last link is over', async (t) => {
  const { catalogue, rows, prune } = await open(t)
  const made = async (email: string, at: number, verified = false): Promise<string> => {
    const id = randomUUID()
    await catalogue.write.createAccount({ id, email, passwordHash: null, isOwner: false, verified, now: at })
    return id
  }
  const weekAgo = now - 7 * dayMs
  await made('stale@example.org', weekAgo - 1)
  await made('young@example.org', weekAgo)
  await made('verified@example.org', weekAgo - 1, true)
  await link(catalogue, await made('linked@example.org', weekAgo - 1), 'good', 'confirm', now + 1)
  await link(catalogue, await made('over@example.org', weekAgo - 1), 'over', 'confirm', now)
  const id = randomUUID()
  await catalogue.write.createAccount({ id, email: null, passwordHash: null, isOwner: true, verified: false, now: 1 })
  await prune()
  const left = (await catalogue.read.accounts()).map((account) => account.email).sort()
  assert.deepEqual(left, ['linked@example.org', 'verified@example.org', 'young@example.org', null].sort())
  const whose = (table: string) =>
    rows(`SELECT count(*) FROM ${table} WHERE account_id NOT IN (SELECT id FROM accounts)`)
  assert.deepEqual([whose('entries'), whose('projects')], [[0], [0]])
  assert.deepEqual(await catalogue.audit.integrity(), [])
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
  await made('stale@example.org', now)
})

test('An account that was shut out stays so, confirmed or not: forgotten, it could be registered anew', async (t) => {
  const { catalogue, prune } = await open(t)
  const id = randomUUID()
  const account = { id, email: 'eve@example.org', passwordHash: null, isOwner: false, verified: false, now: 1 }
  await catalogue.write.createAccount(account)
  await catalogue.write.setDisabled({ accountId: id, disabled: true, now: 1 })
  await prune()
  assert.equal((await catalogue.read.accountByEmail('eve@example.org'))?.disabledAt, 1)
})

test('A letter that can be of no use any more is given up, and what it says is wiped', async (t) => {
  const { catalogue, rows } = await open(t)
  const at = now - 10 * minuteMs
  await code(catalogue, 'waiting over', at)
  await code(catalogue, 'waiting', at + 1)
  await code(catalogue, 'given up over', at)
  await code(catalogue, 'given up', at + 1)
  await code(catalogue, 'sent', at)
  for (const id of ['given up over', 'given up']) {
    await catalogue.write.mailFailed({ id, error: 'refused', nextAt: null, now: at })
  }
  await catalogue.write.mailSent({ id: 'sent', now: at })
  await catalogue.write.pruneMails({ before: now - 30 * dayMs, now })
  const states = (await catalogue.read.mails(10)).map((mail) => [mail.id, mail.state])
  assert.deepEqual(Object.fromEntries(states), {
    'waiting over': 'given_up',
    waiting: 'waiting',
    'given up over': 'given_up',
    'given up': 'given_up',
    sent: 'sent',
  })
  assert.deepEqual(rows('SELECT id FROM mails WHERE letter IS NOT NULL ORDER BY id'), ['given up', 'waiting'])
  assert.equal(await catalogue.write.retryMails({ now }), 2, 'what is wiped cannot be tried again')
  assert.deepEqual((await catalogue.read.dueMails(now, 10)).map((mail) => mail.id).sort(), ['given up', 'waiting'])
})

test('A letter that went out is listed for as long as is said, and one that was withheld is kept for an hour', async (t) => {
  const { catalogue, rows } = await open(t)
  const before = now - 30 * dayMs
  const late = { expiresAt: now + dayMs }
  await code(catalogue, 'old', before - 1, late)
  await code(catalogue, 'recent', before, late)
  await code(catalogue, 'withheld long ago', now - hourMs - 1, late, false)
  await code(catalogue, 'withheld', now - hourMs, late, false)
  for (const id of ['old', 'recent']) await catalogue.write.mailSent({ id, now: before })
  await catalogue.write.pruneMails({ before, now })
  assert.deepEqual(rows('SELECT id FROM mails ORDER BY id'), ['recent', 'withheld'])
})

test('A letter that is withheld, or has gone out, leaves nothing of what it says', async (t) => {
  const { catalogue, rows } = await open(t)
  await code(catalogue, 'withheld', now, {}, false)
  await code(catalogue, 'sent', now)
  assert.deepEqual(rows('SELECT id FROM mails WHERE letter IS NOT NULL'), ['sent'])
  await catalogue.write.mailSent({ id: 'sent', now })
  assert.deepEqual(rows('SELECT id FROM mails WHERE letter IS NOT NULL'), [])
  assert.deepEqual(
    (await catalogue.read.mails(10)).map((mail) => mail.id),
    ['sent'],
    'what was withheld is in no list',
  )
})

test('An address that is asked for every minute has ten letters in each hour, not ten for ever', async (t) => {
  const { catalogue } = await open(t)
  const to = 'ada@example.org'
  await newAccount(catalogue, to)
  for (let minute = 0; minute < 180; minute++) await code(catalogue, `${minute}`, now + minute * minuteMs, { to })
  const sent = (await catalogue.read.mails(1_000)).map((mail) => (mail.createdAt - now) / minuteMs)
  for (let minute = 0; minute < 120; minute++) {
    assert.ok(sent.filter((one) => one >= minute && one < minute + 60).length <= 10, 'never more than ten in an hour')
  }
  assert.equal(sent.length, 30, 'who asks in vain takes nobody the letters of the next hour')
})

function request(accountId: string, n: number, at: number): RequestRecord {
  return {
    id: `${accountId} ${n}`,
    accountId,
    keyId: null,
    method: 'GET',
    path: '/files',
    status: 200,
    requestBytes: null,
    durationMs: 1,
    userAgent: null,
    at,
  }
}

test('Requests that are too old are removed a few at a time, and are counted rightly all the while', async (t) => {
  const { catalogue, ofActivity } = await open(t)
  const accounts = await Promise.all(['a', 'b', 'c'].map((name) => newAccount(catalogue, `${name}@example.org`)))
  const before = now - 30 * dayMs
  // Of the first all are old, of the second some, of the third none.
  const requests = accounts.flatMap((account, which) =>
    Array.from({ length: 20 }, (_, n) => request(account, n, n + which * 10 < 20 ? before - 1 : before)),
  )
  for (const one of requests) await catalogue.write.recordActivity({ requests: [one], sent: [], keysUsed: [] })
  const totals = async () => {
    const lists = await Promise.all(accounts.map((id) => catalogue.read.requests(id, { limit: 100, offset: 0 })))
    for (const { requests: listed, total } of lists) assert.equal(total, listed.length)
    return lists.map(({ total }) => total)
  }
  assert.deepEqual(await totals(), [20, 20, 20])
  let steps = 0
  while (await catalogue.write.pruneActivity({ before, month: '2026-05', limit: 7 })) {
    await totals()
    steps++
  }
  assert.equal(steps, 5)
  assert.deepEqual(await totals(), [0, 10, 20])
  assert.deepEqual(ofActivity('SELECT sum(kept) FROM request_counts'), [30])
  const again = accounts.map((id) => request(id, 100, now))
  await catalogue.write.recordActivity({ requests: [...again, ...again], sent: [], keysUsed: [] })
  assert.deepEqual(await totals(), [2, 12, 22])
})

test("Single files' usage is kept for the month, the account's for ever", async (t) => {
  const { catalogue, ofActivity } = await open(t)
  const account = await newAccount(catalogue, 'ada@example.org')
  const sent = ['2026-03', '2026-04', '2026-05'].flatMap((month) =>
    ['AAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBB'].map((fileId) => {
      return { accountId: account, fileId, month, bytes: 5, reads: 1, imageOps: 1 }
    }),
  )
  await catalogue.write.recordActivity({ requests: [], sent, keysUsed: [] })
  while (await catalogue.write.pruneActivity({ before: 0, month: '2026-05', limit: 1 }));
  assert.deepEqual(ofActivity('SELECT month FROM file_usage'), ['2026-05', '2026-05'])
  assert.deepEqual(ofActivity('SELECT month FROM usage ORDER BY month'), ['2026-03', '2026-04', '2026-05'])
  assert.deepEqual(await catalogue.read.usage(account, '2026-03'), { bytesSent: 10, originReads: 2, imageOps: 2 })
})

test('What is forgotten regularly is all of this, however much of it there is', async (t) => {
  const { catalogue, rows, ofActivity } = await open(t)
  const account = await accountWithPassword(catalogue, 'ada@example.org')
  await signIn(catalogue, account, 'over', now, 'api')
  await code(catalogue, 'old', now - 31 * dayMs)
  const requests = Array.from({ length: 1_200 }, (_, n) => request(account, n, now - 31 * dayMs))
  await catalogue.write.recordActivity({ requests, sent: [], keysUsed: [] })
  await forgetThePast({ catalogue, clock: { now: () => now } })
  for (const table of ['sessions', 'codes', 'mails'])
    assert.deepEqual(rows(`SELECT count(*) FROM ${table}`), [0], table)
  assert.deepEqual(ofActivity('SELECT count(*) FROM requests'), [0])
  assert.equal((await catalogue.read.requests(account, { limit: 1, offset: 0 })).total, 0)
})

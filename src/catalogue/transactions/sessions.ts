import { sql } from 'kysely'
import type { CatalogueWrites, Rotation } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import { accountOf, sessionOf } from '../rows.ts'
import type { SessionRow } from '../schema.ts'
import type { Transactions, Work } from './context.ts'
import { forgetAccounts, insertSession, unconfirmedAccounts } from './people.ts'

const unconfirmedAtOnce = 500
/** Used-up refresh tokens that a session is known by. */
const spentAtMost = 1_000

type Writes = Pick<CatalogueWrites, 'createSession' | 'rotate' | 'endSession' | 'endSessionOf' | 'pruneAccess'>

/** What ends by itself, by its key; and how many rows of each are removed at once, so that other writes hardly wait. */
const endingTables = [
  ['sessions', 'id'],
  ['links', 'id'],
  ['codes', 'email'],
  ['challenges', 'id'],
  ['magic_links', 'digest'],
] as const
const endedAtOnce = 500

export const sessions: Transactions<Writes> = {
  async createSession(work, { accountId, passwordHash, now, ...session }) {
    const account = await work.db
      .selectFrom('accounts')
      .select('id')
      .where('id', '=', accountId)
      .where('password_hash', '=', passwordHash)
      .where('disabled_at', 'is', null)
      .executeTakeFirst()
    if (!account) throw new Failure('unauthenticated', { reason: 'password' })
    await insertSession(work, accountId, session, now)
  },

  async rotate(work, { digest, next, expiresAt, accountId, now }) {
    const session = await apiSession(work, digest)
    if (!session) return rotateSpent(work, digest, accountId)
    if (accountId !== undefined && session.account_id !== accountId) return { outcome: 'foreign' }
    const account = await work.db
      .selectFrom('accounts')
      .selectAll()
      .where('id', '=', session.account_id)
      .where('disabled_at', 'is', null)
      .executeTakeFirst()
    if (session.expires_at <= now || !account) return { outcome: 'unknown' }
    await spend(work, session, now)
    const changed = { digest: next, expires_at: expiresAt }
    await work.db.updateTable('sessions').set(changed).where('id', '=', session.id).execute()
    return { outcome: 'rotated', account: accountOf(account), session: sessionOf({ ...session, ...changed }) }
  },

  async endSession(work, { id }) {
    await work.db.deleteFrom('sessions').where('id', '=', id).execute()
  },

  async endSessionOf(work, { digest }) {
    const id = (await apiSession(work, digest))?.id ?? (await spentBy(work, digest))?.id
    if (id !== undefined) await work.db.deleteFrom('sessions').where('id', '=', id).execute()
  },

  async pruneAccess(work, { now, unconfirmedBefore }) {
    let isMore = false
    for (const [table, key] of endingTables) {
      const over = sql`SELECT ${sql.ref(key)} FROM ${sql.table(table)} WHERE expires_at <= ${now} LIMIT ${endedAtOnce}`
      const { numAffectedRows = 0n } =
        await sql`DELETE FROM ${sql.table(table)} WHERE ${sql.ref(key)} IN (${over})`.execute(work.db)
      isMore ||= numAffectedRows === BigInt(endedAtOnce)
    }
    return (await forgetUnconfirmed(work, unconfirmedBefore)) || isMore
  },
}

/** Some at a time: strangers may have made many. Whoever has a link that is good still, stays. */
async function forgetUnconfirmed(work: Work, before: number): Promise<boolean> {
  const found = await unconfirmedAccounts(work)
    .where('a.created_at', '<', before)
    .where((e) => e.not(e.exists(e.selectFrom('links').select('id').whereRef('account_id', '=', 'a.id'))))
    .limit(unconfirmedAtOnce)
    .execute()
  const ids = found.map(({ id }) => id)
  await forgetAccounts(work, ids)
  return ids.length === unconfirmedAtOnce
}

function apiSession(work: Work, digest: string): Promise<SessionRow | undefined> {
  return work.db
    .selectFrom('sessions')
    .selectAll()
    .where('digest', '=', digest)
    .where('kind', '=', 'api')
    .executeTakeFirst()
}

/** The session that a refresh token once was of. */
async function spentBy(work: Work, digest: string): Promise<Pick<SessionRow, 'id' | 'account_id'> | undefined> {
  return work.db
    .selectFrom('spent_tokens as t')
    .innerJoin('sessions as s', 's.id', 't.session_id')
    .select(['s.id', 's.account_id'])
    .where('t.digest', '=', digest)
    .executeTakeFirst()
}

/** One that comes back has two holders, and nobody can tell which is the thief: neither goes on. */
async function rotateSpent(work: Work, digest: string, accountId: string | undefined): Promise<Rotation> {
  const session = await spentBy(work, digest)
  if (!session) return { outcome: 'unknown' }
  if (accountId !== undefined && session.account_id !== accountId) return { outcome: 'foreign' }
  await work.db.deleteFrom('sessions').where('id', '=', session.id).execute()
  return { outcome: 'reused' }
}

/** Beyond the newest of them: nobody renews a session a thousand times in a month who does not mean to fill the disk. */
function tooMany({ db }: Work, sessionId: string) {
  const spent = db.selectFrom('spent_tokens').select('digest').where('session_id', '=', sessionId)
  return spent.orderBy('expires_at', 'desc').limit(1_000_000).offset(spentAtMost)
}

/** What would have expired by now gives nobody away any more. */
async function spend(work: Work, session: SessionRow, now: number): Promise<void> {
  const ofSession = work.db.deleteFrom('spent_tokens').where('session_id', '=', session.id)
  await ofSession.where('expires_at', '<=', now).execute()
  await ofSession.where('digest', 'in', tooMany(work, session.id)).execute()
  await work.db
    .insertInto('spent_tokens')
    .values({ digest: session.digest, session_id: session.id, expires_at: session.expires_at })
    .execute()
}

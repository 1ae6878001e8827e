import { sql } from 'kysely'
import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Transactions, Work } from './context.ts'
import { insertAccount, insertSession, requireActive } from './people.ts'

type Writes = Pick<CatalogueWrites, 'registerActor' | 'createChallenge' | 'takeChallenge' | 'beginSession'>

export const actors: Transactions<Writes> = {
  async registerActor(work, account) {
    const { actor } = account
    if (actor != null && (await isTaken(work, actor)))
      throw new Failure('conflict', { what: 'account', id: actor, why: `the name ${actor} is taken` })
    return insertAccount(work, account)
  },

  async createChallenge(work, { id, accountId, nonce, expiresAt }) {
    const row = { id, account_id: accountId, nonce, expires_at: expiresAt }
    await work.db.insertInto('challenges').values(row).execute()
  },

  async takeChallenge(work, { id, now }) {
    const row = await work.db.deleteFrom('challenges').where('id', '=', id).returningAll().executeTakeFirst()
    return row && row.expires_at > now ? { accountId: row.account_id, nonce: row.nonce } : undefined
  },

  async beginSession(work, { accountId, now, ...session }) {
    await requireActive(work, accountId)
    await insertSession(work, accountId, session, now)
  },
}

/** Whether an account has the name of this actor, in whatever case. */
export async function isTaken(work: Work, actor: string): Promise<boolean> {
  const row = await work.db
    .selectFrom('accounts')
    .select('id')
    .where(sql<boolean>`actor = ${actor} COLLATE NOCASE`)
    .executeTakeFirst()
  return row !== undefined
}

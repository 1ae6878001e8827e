import { type Kysely, sql } from 'kysely'
import type { AccountReads } from '../../core/catalogue.ts'
import { accountOf, sessionOf } from '../rows.ts'
import type { ReadTables } from '../schema.ts'

export function accountReads(db: Kysely<ReadTables>): AccountReads {
  const accounts = db.selectFrom('accounts').selectAll()
  const account: AccountReads['account'] = async (id) => {
    const row = await accounts.where('id', '=', id).executeTakeFirst()
    return row && accountOf(row)
  }
  const sessions = db.selectFrom('sessions').selectAll()
  const holderOf = async (row: Awaited<ReturnType<typeof sessions.executeTakeFirst>>) => {
    const holder = row && (await account(row.account_id))
    return row && holder && { session: sessionOf(row), account: holder }
  }
  return {
    account,
    accountByEmail: async (email) => {
      const row = await accounts.where('email', '=', email).executeTakeFirst()
      return row && accountOf(row)
    },
    accountByActor: async (actor) => {
      const row = await accounts.where(sql<boolean>`actor = ${actor} COLLATE NOCASE`).executeTakeFirst()
      return row && { account: accountOf(row), publicKey: row.public_key }
    },
    accounts: async () => (await accounts.orderBy('created_at').execute()).map(accountOf),
    passwordHash: async (accountId) => {
      const row = await db.selectFrom('accounts').select('password_hash').where('id', '=', accountId).executeTakeFirst()
      return row?.password_hash ?? null
    },
    unconfirmedHash: async (accountId, now) => {
      const row = await db
        .selectFrom('links')
        .select('password_hash')
        .where('account_id', '=', accountId)
        .where('purpose', '=', 'confirm')
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .orderBy('created_at', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.password_hash ?? null
    },
    sessionByDigest: async (digest) =>
      holderOf(await sessions.where('digest', '=', digest).where('kind', '=', 'page').executeTakeFirst()),
    session: async (id) => holderOf(await sessions.where('id', '=', id).where('kind', '=', 'api').executeTakeFirst()),
    hasSession: async (id) =>
      (await db.selectFrom('sessions').select('id').where('id', '=', id).executeTakeFirst()) !== undefined,
    linkHolder: async (digest, purpose, now) => {
      const row = await db
        .selectFrom('links')
        .select('account_id')
        .where('digest', '=', digest)
        .where('purpose', '=', purpose)
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      const holder = row && (await account(row.account_id))
      return holder && { account: holder, purpose }
    },
  }
}

import type { Kysely } from 'kysely'
import type { CatalogueReads } from '../../core/catalogue.ts'
import { accountOf, keyOf } from '../rows.ts'
import type { ReadTables } from '../schema.ts'

type Reads = Pick<
  CatalogueReads,
  | 'account'
  | 'accountByEmail'
  | 'accounts'
  | 'passwordHash'
  | 'keyByDigest'
  | 'key'
  | 'keys'
  | 'sessionByDigest'
  | 'linkHolder'
>

export function accountReads(db: Kysely<ReadTables>): Reads {
  const accounts = db.selectFrom('accounts').selectAll()
  const account: Reads['account'] = async (id) => {
    const row = await accounts.where('id', '=', id).executeTakeFirst()
    return row && accountOf(row)
  }
  return {
    account,
    accountByEmail: async (email) => {
      const row = await accounts.where('email', '=', email).executeTakeFirst()
      return row && accountOf(row)
    },
    accounts: async () => (await accounts.orderBy('created_at').execute()).map(accountOf),
    passwordHash: async (accountId) => {
      const row = await db.selectFrom('accounts').select('password_hash').where('id', '=', accountId).executeTakeFirst()
      return row?.password_hash ?? null
    },
    keyByDigest: async (digest) => {
      const row = await db.selectFrom('keys').selectAll().where('digest', '=', digest).executeTakeFirst()
      const holder = row && (await account(row.account_id))
      return row && holder && { key: keyOf(row), account: holder }
    },
    key: async (id) => {
      const row = await db.selectFrom('keys').selectAll().where('id', '=', id).executeTakeFirst()
      return row && keyOf(row)
    },
    keys: async (accountId) => {
      const rows = await db
        .selectFrom('keys as k')
        .leftJoin('activity.key_use as u', 'u.key_id', 'k.id')
        .selectAll('k')
        .select('u.last_used_at')
        .where('k.account_id', '=', accountId)
        .where('k.revoked_at', 'is', null)
        .orderBy('k.created_at', 'desc')
        .execute()
      return rows.map((row) => ({ ...keyOf(row), lastUsedAt: row.last_used_at }))
    },
    sessionByDigest: async (digest) => {
      const row = await db.selectFrom('sessions').selectAll().where('digest', '=', digest).executeTakeFirst()
      const holder = row && (await account(row.account_id))
      if (!row || !holder) return undefined
      return { session: { id: row.id, accountId: row.account_id, expiresAt: row.expires_at }, account: holder }
    },
    linkHolder: async (digest, purpose, now) => {
      const row = await db
        .selectFrom('links')
        .select('account_id')
        .where('digest', '=', digest)
        .where('purpose', '=', purpose)
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row && account(row.account_id)
    },
  }
}

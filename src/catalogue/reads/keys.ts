import type { Kysely } from 'kysely'
import type { KeyQuery, KeyReads } from '../../core/catalogue.ts'
import { within } from '../queries.ts'
import { accountOf, keyOf, projectOf } from '../rows.ts'
import type { ReadTables } from '../schema.ts'

export function keyReads(db: Kysely<ReadTables>): KeyReads {
  return {
    keyByDigest: async (digest) => {
      const row = await db.selectFrom('keys').selectAll().where('digest', '=', digest).executeTakeFirst()
      if (!row) return undefined
      const account = await db.selectFrom('accounts').selectAll().where('id', '=', row.account_id).executeTakeFirst()
      return account && { key: keyOf(row), account: accountOf(account) }
    },
    key: async (id) => {
      const row = await db.selectFrom('keys').selectAll().where('id', '=', id).executeTakeFirst()
      return row && keyOf(row)
    },
    keys: (query) => listKeys(db, query),
    project: async (accountId, id) => {
      const row = await db
        .selectFrom('projects')
        .selectAll()
        .where('id', '=', id)
        .where('account_id', '=', accountId)
        .executeTakeFirst()
      return row && projectOf(row)
    },
    projects: async (accountId, page) => {
      const mine = db.selectFrom('projects').where('account_id', '=', accountId)
      const ordered = mine.selectAll().orderBy('created_at').orderBy('id')
      const rows = await (page ? ordered.limit(page.limit).offset(page.offset) : ordered).execute()
      const counted = await mine.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
      return { projects: rows.map(projectOf), total: counted.n }
    },
  }
}

async function listKeys(db: Kysely<ReadTables>, query: KeyQuery) {
  const { accountId, projectId, page } = query
  let wanted = db.selectFrom('keys as k').where('k.account_id', '=', accountId).where(within('k', query.within))
  if (projectId !== undefined) wanted = wanted.where('k.project_id', '=', projectId)
  if (!query.withRevoked) wanted = wanted.where('k.revoked_at', 'is', null)
  const ordered = wanted
    .leftJoin('activity.key_use as u', 'u.key_id', 'k.id')
    .selectAll('k')
    .select('u.last_used_at')
    .orderBy('k.created_at', 'desc')
    .orderBy('k.id')
  const rows = await (page ? ordered.limit(page.limit).offset(page.offset) : ordered).execute()
  const { n } = await wanted.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
  return { keys: rows.map((row) => ({ ...keyOf(row), lastUsedAt: row.last_used_at })), total: n }
}

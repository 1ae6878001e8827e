import type { Kysely } from 'kysely'
import type { CatalogueReads } from '../../core/catalogue.ts'
import type { ReadTables } from '../schema.ts'

export function errandReads(db: Kysely<ReadTables>): Pick<CatalogueReads, 'openErrands' | 'errandResult'> {
  return {
    openErrands: async () => {
      const rows = await db
        .selectFrom('errands')
        .select(['id', 'job', 'options'])
        .where('finished_at', 'is', null)
        .orderBy('created_at')
        .execute()
      return rows.map((row) => ({ ...row, options: JSON.parse(row.options) as object }))
    },
    errandResult: async (id) => {
      const row = await db.selectFrom('errands').select('result').where('id', '=', id).executeTakeFirst()
      return row?.result == null ? undefined : (JSON.parse(row.result) as object)
    },
  }
}

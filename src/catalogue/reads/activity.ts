import type { Kysely } from 'kysely'
import type { ActivityReads, Usage } from '../../core/catalogue.ts'
import { type Db, foldersFrom, seqOf } from '../queries.ts'
import type { ReadTables } from '../schema.ts'

interface UsageRow {
  bytes_sent: number | null
  origin_reads: number | null
  image_ops: number | null
}

export function activityReads(db: Kysely<ReadTables>): ActivityReads {
  return {
    usage: (accountId, month, belowFolderId) =>
      belowFolderId === undefined ? usageOfAccount(db, accountId, month) : usageBelow(db, belowFolderId, month),
    requests: async (accountId, { limit, offset }) => {
      const count = await db
        .selectFrom('activity.request_counts')
        .select('kept')
        .where('account_id', '=', accountId)
        .executeTakeFirst()
      const total = count?.kept ?? 0
      if (offset >= total) return { requests: [], total }
      // Numbers alone at first: an offset is counted through the index, and only the rows of the page are read.
      const page = db.selectFrom('activity.requests').select('seq').where('account_id', '=', accountId)
      const rows = await db
        .selectFrom('activity.requests as r')
        .leftJoin('keys as k', 'k.id', 'r.key_id')
        .selectAll('r')
        .select('k.hint')
        .where('r.seq', 'in', page.orderBy('seq', 'desc').limit(limit).offset(offset))
        .orderBy('r.seq', 'desc')
        .execute()
      const requests = rows.map((row) => ({
        id: row.id,
        accountId: row.account_id,
        keyId: row.key_id,
        keyHint: row.hint,
        method: row.method,
        path: row.path,
        status: row.status,
        requestBytes: row.request_bytes,
        durationMs: row.duration_ms,
        userAgent: row.user_agent,
        at: row.created_at,
      }))
      return { requests, total }
    },
  }
}

async function usageOfAccount(db: Kysely<ReadTables>, accountId: string, month: string): Promise<Usage> {
  const row = await db
    .selectFrom('activity.usage')
    .select(['bytes_sent', 'origin_reads', 'image_ops'])
    .where('account_id', '=', accountId)
    .where('month', '=', month)
    .executeTakeFirst()
  return usageOf(row)
}

/** Of the files that lie there now: what was sent of others before they were deleted or moved away is not theirs. */
async function usageBelow(db: Kysely<ReadTables>, folderId: string, month: string): Promise<Usage> {
  const folder = await seqOf(db as unknown as Db, folderId)
  const row = await db
    .selectFrom('activity.file_usage as u')
    .innerJoin('files as f', 'f.file_id', 'u.file_id')
    .innerJoin('entries as e', 'e.file', 'f.seq')
    .select((e) => [
      e.fn.sum<number | null>('u.bytes_sent').as('bytes_sent'),
      e.fn.sum<number | null>('u.origin_reads').as('origin_reads'),
      e.fn.sum<number | null>('u.image_ops').as('image_ops'),
    ])
    .where('u.month', '=', month)
    .where('e.parent', 'in', foldersFrom(folder.seq))
    .executeTakeFirst()
  return usageOf(row)
}

const usageOf = (row: UsageRow | undefined): Usage => ({
  bytesSent: row?.bytes_sent ?? 0,
  originReads: row?.origin_reads ?? 0,
  imageOps: row?.image_ops ?? 0,
})

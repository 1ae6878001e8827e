import type { CatalogueWrites } from '../../core/catalogue.ts'
import type { Transactions, Work } from './context.ts'

type Activity = Work['activity']
type Input = Parameters<CatalogueWrites['recordActivity']>[0]

/** These write the second database, whose commits wait for no disk. */
export const activity: Transactions<Pick<CatalogueWrites, 'recordActivity' | 'pruneActivity'>> = {
  async recordActivity({ activity }, input) {
    await activity.transaction().execute(async (db) => {
      for (const request of input.requests) await insertRequest(db, request)
      for (const [accountId, count] of counted(input.requests.map((request) => request.accountId)))
        await countRequests(db, accountId, count)
      for (const sent of input.sent) await addUsage(db, sent)
      for (const used of input.keysUsed) await noteKey(db, used)
    })
  },

  async pruneActivity({ activity }, { before, month, limit }) {
    const old = activity.selectFrom('requests').select('seq').where('created_at', '<', before).limit(limit)
    const gone = await activity.transaction().execute(async (db) => {
      const rows = await db.deleteFrom('requests').where('seq', 'in', old).returning('account_id').execute()
      for (const [accountId, count] of counted(rows.map((row) => row.account_id)))
        await countRequests(db, accountId, -count)
      return rows.length
    })
    const past = activity.selectFrom('file_usage').select('file_id').where('month', '<', month).limit(limit)
    const usage = await activity
      .deleteFrom('file_usage')
      .where('month', '<', month)
      .where('file_id', 'in', past)
      .executeTakeFirst()
    return gone + Number(usage.numDeletedRows) > 0
  },
}

async function insertRequest(db: Activity, request: Input['requests'][number]): Promise<void> {
  await db
    .insertInto('requests')
    .values({
      id: request.id,
      account_id: request.accountId,
      key_id: request.keyId,
      method: request.method,
      path: request.path,
      status: request.status,
      request_bytes: request.requestBytes,
      duration_ms: request.durationMs,
      user_agent: request.userAgent,
      created_at: request.at,
    })
    .execute()
}

function counted(accounts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of accounts) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** How many requests of an account are kept: told with every page of its list, and so never counted anew. */
async function countRequests(db: Activity, accountId: string, change: number): Promise<void> {
  await db
    .insertInto('request_counts')
    .values({ account_id: accountId, kept: Math.max(change, 0) })
    .onConflict((c) => c.column('account_id').doUpdateSet((e) => ({ kept: e('request_counts.kept', '+', change) })))
    .execute()
}

async function addUsage(db: Activity, sent: Input['sent'][number]): Promise<void> {
  await db
    .insertInto('usage')
    .values({
      account_id: sent.accountId,
      month: sent.month,
      bytes_sent: sent.bytes,
      origin_reads: sent.reads,
      image_ops: sent.imageOps,
    })
    .onConflict((c) =>
      c.columns(['account_id', 'month']).doUpdateSet((e) => ({
        bytes_sent: e('usage.bytes_sent', '+', sent.bytes),
        origin_reads: e('usage.origin_reads', '+', sent.reads),
        image_ops: e('usage.image_ops', '+', sent.imageOps),
      })),
    )
    .execute()
  await db
    .insertInto('file_usage')
    .values({
      file_id: sent.fileId,
      month: sent.month,
      bytes_sent: sent.bytes,
      origin_reads: sent.reads,
      image_ops: sent.imageOps,
    })
    .onConflict((c) =>
      c.columns(['file_id', 'month']).doUpdateSet((e) => ({
        bytes_sent: e('file_usage.bytes_sent', '+', sent.bytes),
        origin_reads: e('file_usage.origin_reads', '+', sent.reads),
        image_ops: e('file_usage.image_ops', '+', sent.imageOps),
      })),
    )
    .execute()
}

async function noteKey(db: Activity, used: { keyId: string; at: number }): Promise<void> {
  await db
    .insertInto('key_use')
    .values({ key_id: used.keyId, last_used_at: used.at })
    .onConflict((c) => c.column('key_id').doUpdateSet({ last_used_at: used.at }))
    .execute()
}

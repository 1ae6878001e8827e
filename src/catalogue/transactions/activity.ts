import type { CatalogueWrites } from '../../core/catalogue.ts'
import type { Transactions, Work } from './context.ts'

type Activity = Work['activity']
type Input = Parameters<CatalogueWrites['recordActivity']>[0]

/** These write the second database, whose commits wait for no disk. */
export const activity: Transactions<Pick<CatalogueWrites, 'recordActivity' | 'pruneActivity'>> = {
  async recordActivity({ activity }, input) {
    await activity.transaction().execute(async (db) => {
      for (const request of input.requests) await insertRequest(db, request)
      for (const sent of input.sent) await addUsage(db, sent)
      for (const used of input.keysUsed) await noteKey(db, used)
    })
  },

  async pruneActivity({ activity }, { before, month, limit }) {
    const old = activity.selectFrom('requests').select('seq').where('created_at', '<', before).limit(limit)
    const requests = await activity.deleteFrom('requests').where('seq', 'in', old).executeTakeFirst()
    const past = activity.selectFrom('file_usage').select('file_id').where('month', '<', month).limit(limit)
    const usage = await activity
      .deleteFrom('file_usage')
      .where('month', '<', month)
      .where('file_id', 'in', past)
      .executeTakeFirst()
    return requests.numDeletedRows + usage.numDeletedRows > 0n
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
    .values({ file_id: sent.fileId, month: sent.month, bytes_sent: sent.bytes })
    .onConflict((c) =>
      c.columns(['file_id', 'month']).doUpdateSet((e) => ({ bytes_sent: e('file_usage.bytes_sent', '+', sent.bytes) })),
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

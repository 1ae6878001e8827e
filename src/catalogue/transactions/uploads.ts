import { sql } from 'kysely'
import type { NewUpload, Quota, UploadWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import { type Db, usedOf } from '../queries.ts'
import { uploadOf } from '../reads/uploads.ts'
import type { UploadRow } from '../schema.ts'
import type { Transactions } from './context.ts'

/**
 * What open uploads have received counts against the quota of their account: `accounts.upload_bytes` is the sum of
 * `uploads.bytes`, and that of the sizes of an upload's parts; both are changed with them.
 */
export const uploads: Transactions<UploadWrites> = {
  async openUpload({ db }, input) {
    await requireFewOpen(db, input)
    const said = {
      key_id: input.keyId,
      content_type: input.contentType,
      content_hash: input.contentHash,
      expires_at: input.expiresAt,
    }
    const row = await db
      .insertInto('uploads')
      .values({
        ...said,
        id: input.id,
        account_id: input.accountId,
        kind: input.kind,
        state: 'open',
        path: input.path,
        assembled: null,
        result: null,
        created_at: input.now,
        finished_at: null,
        bytes: 0,
      })
      // Whoever begins it anew is whose leave it lives by: an earlier key may be revoked by now.
      .onConflict((c) =>
        c.columns(['account_id', 'kind', 'path']).where('state', '=', sql.lit('open')).doUpdateSet(said),
      )
      .returningAll()
      .executeTakeFirstOrThrow()
    return uploadOf(row)
  },

  async addPart({ db }, { uploadId, part, quota, limitBytes, now }) {
    const upload = await requireOpen(db, uploadId)
    const replaced = await db
      .selectFrom('upload_parts')
      .select(['file', 'size'])
      .where('upload_id', '=', uploadId)
      .where('number', '=', part.number)
      .executeTakeFirst()
    const added = part.size - (replaced?.size ?? 0)
    if (upload.bytes + added > limitBytes)
      throw new Failure('too_large', { of: 'file', limit: limitBytes, unit: 'bytes' })
    await takeFromQuota(db, upload.account_id, added, quota)
    await addBytes(db, uploadId, added)
    const said = {
      file: part.file,
      digest: part.digest,
      size: part.size,
      content_type: part.contentType,
      received_at: now,
    }
    await db
      .insertInto('upload_parts')
      .values({ ...said, upload_id: uploadId, number: part.number })
      .onConflict((c) => c.columns(['upload_id', 'number']).doUpdateSet(said))
      .execute()
    return { replacedFile: replaced?.file ?? null }
  },

  async dropPart({ db }, { uploadId, number }) {
    const gone = await db
      .deleteFrom('upload_parts')
      .where('upload_id', '=', uploadId)
      .where('number', '=', number)
      .returning('size')
      .executeTakeFirst()
    if (!gone) return
    await addBytes(db, uploadId, -gone.size)
    await giveBack(db, uploadId, gone.size)
  },

  async noteAssembled({ db }, { uploadId, assembled }) {
    await requireOpen(db, uploadId)
    await db
      .updateTable('uploads')
      .set({ assembled: assembled && JSON.stringify(assembled) })
      .where('id', '=', uploadId)
      .execute()
  },

  endUpload: ({ db }, { id, state, now }) => end(db, id, state, now),

  async pruneUploads({ db }, { before, limit }) {
    const old = db.selectFrom('uploads').select('id').where('finished_at', '<=', before).limit(limit)
    const { numDeletedRows } = await db.deleteFrom('uploads').where('id', 'in', old).executeTakeFirst()
    return Number(numDeletedRows) === limit
  },
}

/** @throws Failure `conflict`, unless the upload is one that is open already. */
async function requireFewOpen(db: Db, { accountId, kind, path, openAtMost }: NewUpload): Promise<void> {
  // By the index of open ones alone: of those that ended there may be many more.
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM (
      SELECT 1 FROM uploads INDEXED BY open_upload_at WHERE account_id = ${accountId} AND state = 'open' LIMIT ${openAtMost}
    )`.execute(db)
  if ((rows[0]?.count ?? 0) < openAtMost) return
  const same = await db
    .selectFrom('uploads')
    .select('id')
    .where('account_id', '=', accountId)
    .where('kind', '=', kind)
    .where('path', '=', path)
    .where('state', '=', sql.lit('open'))
    .executeTakeFirst()
  if (same) return
  const why = `this account has ${openAtMost} uploads open, and may not have more: complete or abort some, or wait until they end`
  throw new Failure('conflict', { what: 'upload', id: path, why })
}

async function requireOpen(db: Db, id: string): Promise<UploadRow> {
  const upload = await db
    .selectFrom('uploads')
    .selectAll()
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst()
  if (!upload) throw new Failure('conflict', { what: 'upload', id, why: 'this upload is not open any more' })
  return upload
}

async function addBytes(db: Db, id: string, bytes: number): Promise<void> {
  await db
    .updateTable('uploads')
    .set((e) => ({ bytes: e('bytes', '+', bytes) }))
    .where('id', '=', id)
    .execute()
}

/** In one statement, so that no two parts can both count on the same room. */
async function takeFromQuota(db: Db, accountId: string, bytes: number, quota: Quota): Promise<void> {
  let query = db
    .updateTable('accounts')
    .set((e) => ({ upload_bytes: e('upload_bytes', '+', bytes) }))
    .where('id', '=', accountId)
  if (bytes > 0 && quota.bytes !== null) {
    const stored = sql<number>`(SELECT bytes_below FROM entries WHERE account_id = ${accountId} AND segment = '')`
    query = query.where(sql<boolean>`upload_bytes + ${bytes} + ${stored} <= ${quota.bytes}`)
  }
  const { numUpdatedRows } = await query.executeTakeFirst()
  if (numUpdatedRows === 1n) return
  const { bytes: used } = await usedOf(db, accountId)
  throw new Failure('quota_exceeded', { of: 'bytes', limit: quota.bytes ?? 0, used })
}

async function giveBack(db: Db, uploadId: string, bytes: number): Promise<void> {
  await db
    .updateTable('accounts')
    .set((e) => ({ upload_bytes: e('upload_bytes', '-', bytes) }))
    .where('id', '=', (e) => e.selectFrom('uploads').select('account_id').where('id', '=', uploadId))
    .execute()
}

/** Resolves to whether it was open. One that was begun anew meanwhile is not over any more. */
async function end(db: Db, id: string, state: 'aborted' | 'expired', now: number): Promise<boolean> {
  let query = db.selectFrom('uploads').select('bytes').where('id', '=', id).where('state', '=', 'open')
  if (state === 'expired') query = query.where('expires_at', '<=', now)
  const open = await query.executeTakeFirst()
  if (!open) return false
  await giveBack(db, id, open.bytes)
  await db
    .updateTable('uploads')
    .set({ state, finished_at: now, assembled: null, bytes: 0 })
    .where('id', '=', id)
    .execute()
  await db.deleteFrom('upload_parts').where('upload_id', '=', id).execute()
  return true
}

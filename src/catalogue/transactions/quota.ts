import { sql } from 'kysely'
import type { Quota } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import { type Db, usedOf } from '../queries.ts'

/** What files add to an account's use of its quota. */
export interface Taken {
  readonly files: number
  readonly bytes: number
}

const all = sql<boolean>`1`

/**
 * Adds files to the root's sums under the condition that they fit the quota, beside what open uploads have received: in one
 * statement, so that no two can both count on the same room. What takes no more than before is never refused.
 */
export async function takeFromQuota(db: Db, accountId: string, { files, bytes }: Taken, quota: Quota): Promise<void> {
  const uploading = sql<number>`(SELECT upload_bytes FROM accounts WHERE id = ${accountId})`
  const { bytes: bytesLimit, files: filesLimit } = quota
  const hasRoom = bytesLimit === null || bytes <= 0 ? all : sql`bytes_below + ${uploading} + ${bytes} <= ${bytesLimit}`
  const hasPlace = filesLimit === null || files <= 0 ? all : sql`files_below + ${files} <= ${filesLimit}`
  const { numUpdatedRows } = await db
    .updateTable('entries')
    .set((e) => ({ files_below: e('files_below', '+', files), bytes_below: e('bytes_below', '+', bytes) }))
    .where('account_id', '=', accountId)
    .where('segment', '=', '')
    .where(sql<boolean>`${hasRoom} AND ${hasPlace}`)
    .executeTakeFirst()
  if (numUpdatedRows === 1n) return
  const used = await usedOf(db, accountId)
  throw bytesLimit !== null && bytes > 0 && used.bytes + bytes > bytesLimit
    ? new Failure('quota_exceeded', { of: 'bytes', limit: bytesLimit, used: used.bytes })
    : new Failure('quota_exceeded', { of: 'files', limit: filesLimit ?? 0, used: used.files })
}

/**
 * Counts files that came by a request link, under the condition that it has room for them. @throws Failure `not_found` where it
 * is gone or over, `quota_exceeded`.
 */
export async function takeFromRequestLink(db: Db, id: string, { files, bytes }: Taken, now: number): Promise<void> {
  const link = await db
    .selectFrom('request_links')
    .select(['files', 'bytes', 'max_files', 'max_bytes'])
    .where('id', '=', id)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  if (!link) throw new Failure('not_found', { what: 'link', id })
  if (link.max_files !== null && link.files + files > link.max_files)
    throw new Failure('quota_exceeded', { of: 'files', limit: link.max_files, used: link.files })
  if (link.max_bytes !== null && link.bytes + bytes > link.max_bytes)
    throw new Failure('quota_exceeded', { of: 'bytes', limit: link.max_bytes, used: link.bytes })
  await db
    .updateTable('request_links')
    .set((e) => ({ files: e('files', '+', files), bytes: e('bytes', '+', bytes) }))
    .where('id', '=', id)
    .execute()
}

import type { ShareWrites } from '../../core/catalogue.ts'
import { requestLinkOf, shareOf } from '../reads/shares.ts'
import type { Transactions } from './context.ts'

export const shares: Transactions<ShareWrites> = {
  async createShare({ db }, share) {
    const row = await db
      .insertInto('shares')
      .values({
        id: share.id,
        token: share.token,
        account_id: share.accountId,
        entry_id: share.entryId,
        ttl: share.ttlSeconds,
        password_hash: share.passwordHash,
        max_downloads: share.maxDownloads,
        downloads: 0,
        created_at: share.createdAt,
        expires_at: share.expiresAt,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return shareOf(row)
  },

  async deleteShare({ db }, { id, accountId }) {
    const gone = db.deleteFrom('shares').where('id', '=', id).where('account_id', '=', accountId)
    return (await gone.executeTakeFirst()).numDeletedRows === 1n
  },

  async countDownload({ db }, { id, now }) {
    const { numUpdatedRows } = await db
      .updateTable('shares')
      .set((e) => ({ downloads: e('downloads', '+', 1) }))
      .where('id', '=', id)
      .where('expires_at', '>', now)
      .where((e) => e.or([e('max_downloads', 'is', null), e('downloads', '<', e.ref('max_downloads'))]))
      .executeTakeFirst()
    return numUpdatedRows === 1n
  },

  async createRequestLink({ db }, link) {
    const row = await db
      .insertInto('request_links')
      .values({
        id: link.id,
        token: link.token,
        account_id: link.accountId,
        entry_id: link.entryId,
        ttl: link.ttlSeconds,
        max_files: link.maxFiles,
        max_bytes: link.maxBytes,
        files: 0,
        bytes: 0,
        created_at: link.createdAt,
        expires_at: link.expiresAt,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return requestLinkOf(row)
  },

  async deleteRequestLink({ db }, { id, accountId }) {
    const gone = db.deleteFrom('request_links').where('id', '=', id).where('account_id', '=', accountId)
    return (await gone.executeTakeFirst()).numDeletedRows === 1n
  },

  async pruneShares({ db }, { now }) {
    await db.deleteFrom('shares').where('expires_at', '<=', now).execute()
    await db.deleteFrom('request_links').where('expires_at', '<=', now).execute()
  },
}

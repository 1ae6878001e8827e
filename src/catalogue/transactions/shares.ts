import type { NewRequestLink, NewShare, ShareWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import { requestLinkOf, shareOf } from '../reads/shares.ts'
import type { Transactions, Work } from './context.ts'

type Table = 'shares' | 'request_links'

export const shares: Transactions<ShareWrites> = {
  async createShare({ db }, share) {
    await requireRoom(db, 'shares', share)
    const row = { ...rowOf(share), password_hash: share.passwordHash, max_downloads: share.maxDownloads, downloads: 0 }
    return shareOf(await db.insertInto('shares').values(row).returningAll().executeTakeFirstOrThrow())
  },

  deleteShare: ({ db }, link) => remove(db, 'shares', link),

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
    await requireRoom(db, 'request_links', link)
    const row = { ...rowOf(link), max_files: link.maxFiles, max_bytes: link.maxBytes, files: 0, bytes: 0 }
    return requestLinkOf(await db.insertInto('request_links').values(row).returningAll().executeTakeFirstOrThrow())
  },

  deleteRequestLink: ({ db }, link) => remove(db, 'request_links', link),

  async pruneShares({ db }, { now, limit }) {
    let mayBeMore = false
    for (const table of ['shares', 'request_links'] as const) {
      const over = db.selectFrom(table).select('id').where('expires_at', '<=', now).limit(limit)
      const { numDeletedRows } = await db.deleteFrom(table).where('id', 'in', over).executeTakeFirst()
      mayBeMore ||= numDeletedRows === BigInt(limit)
    }
    return mayBeMore
  },
}

/** What links of both kinds have in common. */
function rowOf(link: NewShare | NewRequestLink) {
  return {
    id: link.id,
    token: link.token,
    account_id: link.accountId,
    entry_id: link.entryId,
    ttl: link.ttlSeconds,
    created_at: link.createdAt,
    expires_at: link.expiresAt,
  }
}

/**
 * No account has more rows than links are allowed, so that a list of them never takes long: where there is no room, those that
 * are over make some, and those that lead nowhere, because what they led to was deleted.
 */
async function requireRoom(
  db: Work['db'],
  table: Table,
  { accountId, createdAt: now, most }: { accountId: string; createdAt: number; most: number },
): Promise<void> {
  const count = async (): Promise<number> => {
    const links = db.selectFrom(table).select((e) => e.fn.countAll<number>().as('n'))
    return (await links.where('account_id', '=', accountId).executeTakeFirstOrThrow()).n
  }
  if ((await count()) < most) return
  await db
    .deleteFrom(table)
    .where('account_id', '=', accountId)
    .where((e) => e.or([e('expires_at', '<=', now), e('entry_id', 'not in', e.selectFrom('entries').select('id'))]))
    .execute()
  const used = await count()
  if (used >= most) throw new Failure('quota_exceeded', { of: 'links', limit: most, used })
}

async function remove(db: Work['db'], table: Table, { id, accountId }: { id: string; accountId: string }) {
  const gone = db.deleteFrom(table).where('id', '=', id).where('account_id', '=', accountId)
  return (await gone.executeTakeFirst()).numDeletedRows === 1n
}

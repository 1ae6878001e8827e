import type { Kysely } from 'kysely'
import type { ShareReads } from '../../core/catalogue.ts'
import type { RequestLink, Share } from '../../core/model.ts'
import type { ReadTables, RequestLinkRow, ShareRow } from '../schema.ts'

export function shareReads(db: Kysely<ReadTables>): ShareReads {
  const shares = db.selectFrom('shares').selectAll()
  const requestLinks = db.selectFrom('request_links').selectAll()
  return {
    shareByToken: async (token) => {
      const row = await shares.where('token', '=', token).executeTakeFirst()
      return row && shareOf(row)
    },
    share: async (id) => {
      const row = await shares.where('id', '=', id).executeTakeFirst()
      return row && shareOf(row)
    },
    sharePassword: async (id) => {
      const row = await db.selectFrom('shares').select('password_hash').where('id', '=', id).executeTakeFirst()
      return row?.password_hash ?? null
    },
    shares: async (accountId, now) => {
      const mine = shares.where('account_id', '=', accountId).where('expires_at', '>', now)
      return (await mine.orderBy('created_at', 'desc').orderBy('id').execute()).map(shareOf)
    },
    requestLinkByToken: async (token) => {
      const row = await requestLinks.where('token', '=', token).executeTakeFirst()
      return row && requestLinkOf(row)
    },
    requestLinks: async (accountId, now) => {
      const mine = requestLinks.where('account_id', '=', accountId).where('expires_at', '>', now)
      return (await mine.orderBy('created_at', 'desc').orderBy('id').execute()).map(requestLinkOf)
    },
  }
}

export function shareOf(row: ShareRow): Share {
  return {
    id: row.id,
    token: row.token,
    accountId: row.account_id,
    entryId: row.entry_id,
    ttlSeconds: row.ttl,
    hasPassword: row.password_hash !== null,
    maxDownloads: row.max_downloads,
    downloads: row.downloads,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}

export function requestLinkOf(row: RequestLinkRow): RequestLink {
  return {
    id: row.id,
    token: row.token,
    accountId: row.account_id,
    entryId: row.entry_id,
    ttlSeconds: row.ttl,
    maxFiles: row.max_files,
    maxBytes: row.max_bytes,
    files: row.files,
    bytes: row.bytes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}

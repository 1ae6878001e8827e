import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { LinkPage, LinksQuery, ShareReads } from '../../core/catalogue.ts'
import type { RequestLink, Share } from '../../core/model.ts'
import { type Db, pathOfE } from '../queries.ts'
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
    shares: (query) => pageOf(db as unknown as Db, 'shares', query, shareOf),
    requestLinkByToken: async (token) => {
      const row = await requestLinks.where('token', '=', token).executeTakeFirst()
      return row && requestLinkOf(row)
    },
    requestLinks: (query) => pageOf(db as unknown as Db, 'request_links', query, requestLinkOf),
  }
}

/** One page with the paths, in one question, and one link more to know whether there are any. */
async function pageOf<R, L>(
  db: Db,
  table: 'shares' | 'request_links',
  { accountId, prefix, now, limit, after }: LinksQuery,
  linkOf: (row: R) => L,
): Promise<LinkPage<L>> {
  const beyond = after ? sql`(l.created_at, l.id) < (${after.createdAt}, ${after.id})` : sql`true`
  const { rows } = await sql<R & { path: string }>`
    SELECT l.*, ${pathOfE} AS path FROM ${sql.table(table)} l JOIN entries e ON e.id = l.entry_id
    WHERE l.account_id = ${accountId} AND l.expires_at > ${now} AND ${beyond} AND instr(${pathOfE}, ${prefix ?? ''}) = 1
    ORDER BY l.created_at DESC, l.id DESC LIMIT ${limit + 1}`.execute(db)
  const links = rows.slice(0, limit).map((row) => ({ link: linkOf(row), path: row.path }))
  return { links, more: rows.length > limit }
}

export function shareOf(row: ShareRow): Share {
  return {
    ...commonOf(row),
    hasPassword: row.password_hash !== null,
    maxDownloads: row.max_downloads,
    downloads: row.downloads,
  }
}

export function requestLinkOf(row: RequestLinkRow): RequestLink {
  return { ...commonOf(row), maxFiles: row.max_files, maxBytes: row.max_bytes, files: row.files, bytes: row.bytes }
}

function commonOf(row: ShareRow | RequestLinkRow) {
  return {
    id: row.id,
    token: row.token,
    accountId: row.account_id,
    entryId: row.entry_id,
    ttlSeconds: row.ttl,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}

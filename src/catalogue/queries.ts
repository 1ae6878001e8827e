import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { KeyBounds } from '../core/catalogue.ts'
import type { FileEntryRow, FolderRow } from './rows.ts'
import type { CatalogueTables } from './schema.ts'

/** Questions that readers and transactions both ask. A transaction's own connection sees its own changes. */
export type Db = Kysely<CatalogueTables>

/** File entries with all that a `FileEntry` says. */
export function fileEntries(db: Db) {
  return db
    .selectFrom('entries as e')
    .innerJoin('files as f', 'f.seq', 'e.file')
    .leftJoin('entries as p', 'p.seq', 'e.parent')
    .select([
      'e.seq',
      'e.id',
      'e.account_id',
      'e.segment',
      'e.name',
      'e.is_public',
      'e.description',
      'e.tags',
      'e.created_at',
      'e.updated_at',
      'e.tx',
      'e.tx_at',
      'e.parent',
      'f.seq as file_seq',
      'f.id as uuid',
      'f.file_id',
      'f.digest',
      'f.size',
      'f.content_type',
      'f.created_at as content_at',
      'p.id as parent_id',
      'p.segment as parent_segment',
    ])
}

export function folderEntries(db: Db) {
  return db
    .selectFrom('entries as e')
    .leftJoin('entries as p', 'p.seq', 'e.parent')
    .selectAll('e')
    .select(['p.id as parent_id', 'p.segment as parent_segment'])
    .where('e.file', 'is', null)
}

export type FoundFile = FileEntryRow & { seq: number; parent: number | null; segment: string | null; file_seq: number }

/** A file by its handle, unless it lies in a folder that was deleted. */
export async function findFile(db: Db, fileId: string): Promise<FoundFile | undefined> {
  return fileEntries(db).where('f.file_id', '=', fileId).where(isAttached).executeTakeFirst()
}

/** A folder of the account by its id, unless it lies in one that was deleted. */
export async function findFolder(db: Db, accountId: string, id: string): Promise<FolderRow | undefined> {
  return folderEntries(db)
    .where('e.id', '=', id)
    .where('e.account_id', '=', accountId)
    .where(isAttached)
    .executeTakeFirst()
}

export async function findRoot(db: Db, accountId: string): Promise<FolderRow> {
  return folderEntries(db).where('e.account_id', '=', accountId).where('e.segment', '=', '').executeTakeFirstOrThrow()
}

export async function rootSeq(db: Db, accountId: string): Promise<number> {
  const root = db.selectFrom('entries').select('seq').where('account_id', '=', accountId).where('segment', '=', '')
  return (await root.executeTakeFirstOrThrow()).seq
}

/** What lies at the end of segments from an account's root, as a number: one step down for each, all in one question. */
function seqAt(accountId: string, segments: readonly string[]) {
  return sql<number>`(
    WITH RECURSIVE walk(seq, depth) AS (
      SELECT seq, 0 FROM entries WHERE account_id = ${accountId} AND segment = ''
      UNION ALL SELECT e.seq, w.depth + 1 FROM walk w
        JOIN entries e ON e.parent = w.seq AND e.segment = (${JSON.stringify(segments)} ->> w.depth)
        WHERE w.depth < ${segments.length}
    ) SELECT seq FROM walk WHERE depth = ${segments.length}
  )`
}

/** The folder at the end of segments from the root; the root for none. */
export async function findFolderAt(
  db: Db,
  accountId: string,
  segments: readonly string[],
): Promise<FolderRow | undefined> {
  return folderEntries(db).where('e.seq', '=', seqAt(accountId, segments)).executeTakeFirst()
}

/** The file at the end of segments from the root. */
export async function findFileAt(
  db: Db,
  accountId: string,
  segments: readonly string[],
): Promise<FoundFile | undefined> {
  return fileEntries(db).where('e.seq', '=', seqAt(accountId, segments)).executeTakeFirst()
}

/** Whether a deleted folder still waits for its rows to be swept. Nearly always none does, and then nothing needs a look upwards. */
export async function anyDetached(db: Db): Promise<boolean> {
  return (await db.selectFrom('detached').select('seq').limit(1).executeTakeFirst()) !== undefined
}

/**
 * Whether the entry `e` of a query lies below no deleted folder. A condition rather than a second question: between two
 * questions the sweep may end, and what was found by the first would look as if it had never been deleted.
 */
const isAttached = sql<boolean>`(
  NOT EXISTS (SELECT 1 FROM detached)
  OR NOT EXISTS (
    WITH RECURSIVE up(seq, parent) AS (
      SELECT e.seq, e.parent
      UNION ALL SELECT p.seq, p.parent FROM entries p JOIN up ON p.seq = up.parent
    ) SELECT 1 FROM up JOIN detached ON detached.seq = up.seq
  )
)`

/**
 * The path of the entry `e` of a query; null where it, or a folder above it, was deleted: then no root is reached. One condition
 * with the question itself, for the reason that `isAttached` has.
 */
export const pathOfE = sql<string | null>`(
  WITH RECURSIVE up(parent, segment, path) AS (
    SELECT e.parent, e.segment, CASE WHEN e.segment = '' OR e.file IS NOT NULL THEN e.segment ELSE e.segment || '/' END
    UNION ALL SELECT p.parent, p.segment, CASE p.segment WHEN '' THEN up.path ELSE p.segment || '/' || up.path END
      FROM entries p JOIN up ON p.seq = up.parent
  ) SELECT path FROM up WHERE segment = ''
)`

/** The folders on the way from an entry to its root, the entry itself first, as `{segment, isFolder}`. */
async function upwards(db: Db, seq: number): Promise<{ segment: string; file: number | null }[]> {
  const found = await sql<{ segment: string; file: number | null }>`
    WITH RECURSIVE up(seq, parent, segment, file, height) AS (
      SELECT seq, parent, segment, file, 0 FROM entries WHERE seq = ${seq}
      UNION ALL SELECT e.seq, e.parent, e.segment, e.file, up.height + 1 FROM entries e JOIN up ON e.seq = up.parent
    ) SELECT segment, file FROM up ORDER BY height`.execute(db)
  return found.rows
}

/** The path of an entry: a folder's ends with a slash, the root's is empty. */
export async function pathOfEntry(db: Db, seq: number): Promise<string> {
  const steps = await upwards(db, seq)
  return steps
    .reverse()
    .map((step) => (step.segment === '' || step.file !== null ? step.segment : `${step.segment}/`))
    .join('')
}

/** Whether `seq` is `ancestor` or lies below it. */
export async function liesBelow(db: Db, seq: number, ancestor: number): Promise<boolean> {
  const found = await sql<{ n: number }>`
    WITH RECURSIVE up(seq, parent) AS (
      SELECT seq, parent FROM entries WHERE seq = ${seq}
      UNION ALL SELECT e.seq, e.parent FROM entries e JOIN up ON e.seq = up.parent
    ) SELECT 1 AS n FROM up WHERE seq = ${ancestor} LIMIT 1`.execute(db)
  return found.rows.length > 0
}

/** What an account uses: its files, and what its open uploads have received. */
export async function usedOf(db: Db, accountId: string): Promise<{ files: number; bytes: number }> {
  const root = await findRoot(db, accountId)
  const account = db.selectFrom('accounts').select('upload_bytes').where('id', '=', accountId)
  const { upload_bytes } = await account.executeTakeFirstOrThrow()
  return { files: root.files_below, bytes: root.bytes_below + upload_bytes }
}

/** What stands behind a folder's id, as numbers. */
export async function seqOf(db: Db, folderId: string) {
  return db
    .selectFrom('entries')
    .select(['seq', 'segment', 'account_id'])
    .where('id', '=', folderId)
    .executeTakeFirstOrThrow()
}

/**
 * A folder and all folders below it, by the index of folders alone, however many files lie among them. SQLite itself would take the
 * index of `file`, by which it would read all folders there are.
 */
export function foldersFrom(seq: number) {
  return sql<number>`(
    WITH RECURSIVE below(seq) AS (
      SELECT ${seq}
      UNION ALL SELECT e.seq FROM below b JOIN entries e INDEXED BY folders_by_segment ON e.parent = b.seq
        WHERE e.file IS NULL
    ) SELECT seq FROM below)`
}

/** How many folders below a folder hold nothing; itself, where it holds nothing. */
export async function countEmptyFolders(db: Db, seq: number): Promise<number> {
  const found = await sql<{ n: number }>`
    WITH RECURSIVE below(seq, files_in, folders_in) AS (
      SELECT seq, files_in, folders_in FROM entries WHERE seq = ${seq}
      UNION ALL SELECT e.seq, e.files_in, e.folders_in
        FROM below b JOIN entries e INDEXED BY folders_by_segment ON e.parent = b.seq
        WHERE b.folders_in > 0 AND e.file IS NULL
    ) SELECT count(*) AS n FROM below WHERE files_in + folders_in = 0`.execute(db)
  return found.rows[0]?.n ?? 0
}

/** Keys that another key may know of: inside its folder, and over no later than it. */
export function within(table: 'k' | 'keys', bounds: KeyBounds | undefined) {
  const key = sql.table(table)
  const { pathPrefix = null, expiresAt = null } = bounds ?? {}
  return sql<boolean>`(
    (${pathPrefix} IS NULL OR substr(${key}.path_prefix, 1, length(${pathPrefix})) = ${pathPrefix})
    AND (${expiresAt} IS NULL OR ${key}.expires_at <= ${expiresAt})
  )`
}

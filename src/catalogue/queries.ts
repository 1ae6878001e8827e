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
      'e.name',
      'e.is_public',
      'e.description',
      'e.tags',
      'e.created_at',
      'e.updated_at',
      'e.parent',
      'f.seq as file_seq',
      'f.id as uuid',
      'f.file_id',
      'f.digest',
      'f.size',
      'f.content_type',
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

export type FoundFile = FileEntryRow & { seq: number; parent: number | null; file_seq: number }

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

export async function findFolderAt(
  db: Db,
  accountId: string,
  segments: readonly string[],
): Promise<FolderRow | undefined> {
  let folder: FolderRow | undefined = await findRoot(db, accountId)
  for (const segment of segments) {
    folder = await folderEntries(db)
      .where('e.parent', '=', folder.seq)
      .where('e.segment', '=', segment)
      .executeTakeFirst()
    if (!folder) return undefined
  }
  return folder
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

/** What stands behind a folder's id, as numbers. */
export async function seqOf(db: Db, folderId: string) {
  return db
    .selectFrom('entries')
    .select(['seq', 'segment', 'account_id'])
    .where('id', '=', folderId)
    .executeTakeFirstOrThrow()
}

/** A folder and all folders below it. The plus keeps SQLite from the index of `file`, by which it would read all folders there are. */
export function foldersFrom(seq: number) {
  return sql<number>`(
    WITH RECURSIVE below(seq) AS (
      SELECT ${seq} UNION ALL SELECT e.seq FROM entries e JOIN below b ON e.parent = b.seq WHERE +e.file IS NULL
    ) SELECT seq FROM below)`
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

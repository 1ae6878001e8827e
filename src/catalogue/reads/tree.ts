import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { CatalogueReads, FileQuery } from '../../core/catalogue.ts'
import {
  anyDetached,
  type Db,
  fileEntries,
  findFile,
  findFolder,
  findFolderAt,
  findRoot,
  folderEntries,
  pathOfEntry,
} from '../queries.ts'
import { fileEntryOf, folderOf } from '../rows.ts'
import type { ReadTables } from '../schema.ts'

type Reads = Pick<
  CatalogueReads,
  'file' | 'files' | 'root' | 'folder' | 'folderAt' | 'folders' | 'pathOf' | 'bytesSent'
>

export function treeReads(reader: Kysely<ReadTables>): Reads {
  const db = reader as unknown as Db
  return {
    file: async (fileId) => {
      const row = await findFile(db, fileId)
      return row && fileEntryOf(row)
    },
    files: async (query) => {
      const page = (await seqsOf(db, query)).limit(query.limit).offset(query.offset)
      const rows = await fileEntries(db).where('e.seq', 'in', page).orderBy('e.seq', 'desc').execute()
      return rows.map(fileEntryOf)
    },
    root: async (accountId) => folderOf(await findRoot(db, accountId)),
    folder: async (accountId, id) => {
      const row = await findFolder(db, accountId, id)
      return row && folderOf(row)
    },
    folderAt: async (accountId, segments) => {
      const row = await findFolderAt(db, accountId, segments)
      return row && folderOf(row)
    },
    folders: async (query) => {
      const folder = await seqOf(db, query.folderId)
      const rows = folderEntries(db).orderBy('e.name').orderBy('e.seq').limit(query.limit).offset(query.offset)
      const wanted =
        query.depth === 'direct'
          ? rows.where('e.parent', '=', folder.seq)
          : rows.where('e.parent', 'in', foldersFrom(folder.seq))
      return (await wanted.execute()).map(folderOf)
    },
    pathOf: async (entryId) => {
      const entry = await db.selectFrom('entries').select('seq').where('id', '=', entryId).executeTakeFirst()
      return entry && pathOfEntry(db, entry.seq)
    },
    bytesSent: async (accountId, month, belowFolderId) =>
      belowFolderId === undefined ? sentOfAccount(reader, accountId, month) : sentBelow(reader, belowFolderId, month),
  }
}

async function seqOf(db: Db, folderId: string) {
  return db
    .selectFrom('entries')
    .select(['seq', 'segment', 'account_id'])
    .where('id', '=', folderId)
    .executeTakeFirstOrThrow()
}

/** A folder and all folders below it. */
function foldersFrom(seq: number) {
  return sql<number>`(
    WITH RECURSIVE below(seq) AS (
      SELECT ${seq} UNION ALL SELECT e.seq FROM entries e JOIN below b ON e.parent = b.seq WHERE e.file IS NULL
    ) SELECT seq FROM below)`
}

/**
 * Newest first, as numbers alone: an offset is counted through an index, and only the rows of the page are read. Of the whole
 * account it is the end of one index; of a folder with all below it, its folders are gathered first.
 */
async function seqsOf(db: Db, query: FileQuery) {
  const folder = await seqOf(db, query.folderId)
  const files = db.selectFrom('entries as n').select('n.seq').where('n.file', 'is not', null).orderBy('n.seq', 'desc')
  if (query.depth === 'direct') return files.where('n.parent', '=', folder.seq)
  const ofAccount = files.where('n.account_id', '=', folder.account_id)
  // What lies in deleted folders is still in the account's index until it is swept, but not below the root.
  if (folder.segment === '' && !(await anyDetached(db))) return ofAccount
  return ofAccount.where('n.parent', 'in', foldersFrom(folder.seq))
}

async function sentOfAccount(reader: Kysely<ReadTables>, accountId: string, month: string): Promise<number> {
  const row = await reader
    .selectFrom('activity.usage')
    .select('bytes_sent')
    .where('account_id', '=', accountId)
    .where('month', '=', month)
    .executeTakeFirst()
  return row?.bytes_sent ?? 0
}

async function sentBelow(reader: Kysely<ReadTables>, folderId: string, month: string): Promise<number> {
  const folder = await seqOf(reader as unknown as Db, folderId)
  const row = await reader
    .selectFrom('activity.file_usage as u')
    .innerJoin('files as f', 'f.file_id', 'u.file_id')
    .innerJoin('entries as e', 'e.file', 'f.seq')
    .select((e) => e.fn.sum<number>('u.bytes_sent').as('sent'))
    .where('u.month', '=', month)
    .where('e.parent', 'in', foldersFrom(folder.seq))
    .executeTakeFirst()
  return row?.sent ?? 0
}

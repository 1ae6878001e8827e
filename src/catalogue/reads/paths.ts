import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { ListCursor, ListQuery, PathReads } from '../../core/catalogue.ts'
import { isFolderPath, segmentsOf } from '../../core/paths.ts'
import type { Digest } from '../../core/ports.ts'
import { type Db, fileEntries, findFileAt, findFolderAt, folderEntries, pathOfE, usedOf } from '../queries.ts'
import { type FolderRow, pathEntryOf } from '../rows.ts'
import type { ReadTables } from '../schema.ts'
import { history } from './history.ts'
import { search } from './search.ts'

/** Files of the same bytes that are looked through for one inside a folder. */
const sameBytesLimit = 1_000

export function pathReads(reader: Kysely<ReadTables>): PathReads {
  const db = reader as unknown as Db
  return {
    entryAt: async (accountId, path) => {
      const find = isFolderPath(path) ? findFolderAt : findFileAt
      const row = await find(db, accountId, segmentsOf(path))
      return row && pathEntryOf(row, path)
    },
    entry: (entryId) => entry(db, entryId),
    list: (query) => list(db, query),
    search: (query) => search(db, query),
    history: (query) => history(db, query),
    fileOfBlob: (accountId, digest, folder) => fileOfBlob(db, accountId, digest, folder),
    used: (accountId) => usedOf(db, accountId),
  }
}

async function entry(db: Db, entryId: string) {
  const ofFile = fileEntries(db).select(pathOfE.as('path')).where('e.id', '=', entryId)
  const ofFolder = folderEntries(db).select(pathOfE.as('path')).where('e.id', '=', entryId)
  const row = (await ofFile.executeTakeFirst()) ?? (await ofFolder.executeTakeFirst())
  return row && row.path !== null ? pathEntryOf(row, row.path) : undefined
}

/** One of an account's files with these bytes, inside a folder: of very many alike, only some are looked at. */
async function fileOfBlob(db: Db, accountId: string, digest: Digest, folder: string) {
  const alike = sql<number>`(
    SELECT seq FROM files WHERE account_id = ${accountId} AND digest = ${digest} LIMIT ${sameBytesLimit})`
  const row = await fileEntries(db)
    .select(pathOfE.as('path'))
    .where('f.seq', 'in', alike)
    .where(sql<boolean>`instr(${pathOfE}, ${folder}) = 1`)
    .limit(1)
    .executeTakeFirst()
  return row && pathEntryOf(row, row.path ?? '')
}

/** One page, and one entry more to know whether there are any. */
async function list(db: Db, query: ListQuery) {
  const { limit } = query
  const folder = await findFolderAt(db, query.accountId, segmentsOf(query.folder))
  if (!folder) return { entries: [], more: false }
  const wanted = limit + 1
  const folders = await foldersOf(db, folder, query, wanted)
  const files = folders.length < wanted ? await filesOf(db, folder, query, wanted - folders.length) : []
  const entries = [
    ...folders.map((row) => pathEntryOf(row, `${query.folder}${row.segment}/`)),
    ...files.map((row) => pathEntryOf(row, `${query.folder}${row.segment}`)),
  ]
  return { entries: entries.slice(0, limit), more: entries.length > limit }
}

async function foldersOf(db: Db, folder: FolderRow, { after, offset = 0 }: ListQuery, wanted: number) {
  if (after?.kind === 'file' || (!after && offset >= folder.folders_in)) return []
  const seqs = sql<number>`(
    SELECT seq FROM entries INDEXED BY folders_by_segment
    WHERE parent = ${folder.seq} AND file IS NULL AND ${beyond(after)} ORDER BY segment
    LIMIT ${wanted} OFFSET ${after ? 0 : offset})`
  return folderEntries(db).where('e.seq', 'in', seqs).orderBy('e.segment').execute()
}

async function filesOf(db: Db, folder: FolderRow, { after, offset = 0 }: ListQuery, wanted: number) {
  const before = after ? 0 : Math.max(0, offset - folder.folders_in)
  const seqs = sql<number>`(
    SELECT seq FROM entries INDEXED BY files_by_segment
    WHERE parent = ${folder.seq} AND file IS NOT NULL AND ${beyond(after?.kind === 'file' ? after : undefined)}
    ORDER BY segment LIMIT ${wanted} OFFSET ${before})`
  return fileEntries(db).where('e.seq', 'in', seqs).orderBy('e.segment').execute()
}

/** A cursor is where its index goes on; an offset is counted along the index, and only the rows of the page are read. */
const beyond = (after: ListCursor | undefined) => (after ? sql`segment > ${after.segment}` : sql`true`)

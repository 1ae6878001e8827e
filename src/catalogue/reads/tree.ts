import type { Kysely } from 'kysely'
import type { FileQuery, TreeReads } from '../../core/catalogue.ts'
import type { FileEntry } from '../../core/model.ts'
import {
  anyDetached,
  type Db,
  fileEntries,
  findFile,
  findFolder,
  findFolderAt,
  findRoot,
  folderEntries,
  foldersFrom,
  pathOfEntry,
  seqOf,
} from '../queries.ts'
import { fileEntryOf, folderOf } from '../rows.ts'
import type { ReadTables } from '../schema.ts'

/** Files of a list without pages that are read at once. */
const filesAtOnce = 500

export function treeReads(reader: Kysely<ReadTables>): TreeReads {
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
    eachFile: (folderId) => eachFile(db, folderId),
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
  }
}

/**
 * Newest first, as numbers alone: an offset is counted through an index, and only the rows of the page are read. Of the whole
 * account it is the end of one index; of a folder with all below it, its folders are gathered first.
 */
async function seqsOf(db: Db, query: Pick<FileQuery, 'folderId' | 'depth'>) {
  const folder = await seqOf(db, query.folderId)
  const files = db.selectFrom('entries as n').select('n.seq').where('n.file', 'is not', null).orderBy('n.seq', 'desc')
  if (query.depth === 'direct') return files.where('n.parent', '=', folder.seq)
  const ofAccount = files.where('n.account_id', '=', folder.account_id)
  // What lies in deleted folders is still in the account's index until it is swept, but not below the root.
  if (folder.segment === '' && !(await anyDetached(db))) return ofAccount
  return ofAccount.where('n.parent', 'in', foldersFrom(folder.seq))
}

/** Goes on below the last number seen: what is added meanwhile is newer, and what is deleted is simply not there. */
async function* eachFile(db: Db, folderId: string): AsyncGenerator<FileEntry[]> {
  let below = Number.MAX_SAFE_INTEGER
  for (;;) {
    const page = (await seqsOf(db, { folderId, depth: 'below' })).where('n.seq', '<', below).limit(filesAtOnce)
    const rows = await fileEntries(db).where('e.seq', 'in', page).orderBy('e.seq', 'desc').execute()
    const last = rows.at(-1)
    if (!last) return
    yield rows.map(fileEntryOf)
    below = last.seq
  }
}

import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import { type Db, findFolder, pathOfEntry } from '../queries.ts'
import { type FolderRow, folderOf } from '../rows.ts'
import { unnameBlobs } from './blobs.ts'
import type { Transactions } from './context.ts'
import {
  addBelow,
  addIn,
  insertFolder,
  isTaken,
  requireInside,
  requireOutside,
  requirePathLength,
  resolve,
  taken,
} from './tree.ts'

type Writes = Pick<CatalogueWrites, 'createFolder' | 'changeFolder' | 'deleteFolder' | 'sweepDetached'>

export const folders: Transactions<Writes> = {
  async createFolder({ db }, input) {
    const parent = await resolve(db, input.accountId, input.parent, input.prefix, input.now)
    requirePathLength(`${parent.path}${input.name}/`, 'name')
    return folderOf(await insertFolder(db, parent.folder, input))
  },

  async changeFolder({ db }, input) {
    const { folder, path } = await requireFolder(db, input)
    const parentId = input.parentId ?? folder.parent_id ?? ''
    const parent = await resolve(db, input.accountId, { folderId: parentId }, input.prefix, input.now)
    const name = input.name ?? folder.name
    await requireOutside(db, parent.folder.seq, folder.seq)
    requirePathLength(`${parent.path}${name}/`, 'name')
    if (`${parent.path}${name}/` !== path) {
      if (await isTaken(db, parent.folder, name)) throw taken('folder', name)
      await place(db, folder, parent.folder, name)
    }
    await db.updateTable('entries').set({ updated_at: input.now }).where('seq', '=', folder.seq).execute()
    const changed = await findFolder(db, input.accountId, folder.id)
    return folderOf(changed as FolderRow)
  },

  async deleteFolder({ db, touched }, input) {
    const { folder } = await requireFolder(db, input)
    const isEmpty = folder.files_in + folder.folders_in === 0
    if (!isEmpty && !input.recursive) {
      const why = 'the folder is not empty; delete what is in it, or ask for ?recursive=true'
      throw new Failure('conflict', { what: 'folder', id: folder.id, why })
    }
    await leaveParent(db, folder)
    await detach(db, [folder.seq])
    touched.everyFile ||= folder.files_below > 0
  },

  async sweepDetached({ db }, { limit, now }) {
    let swept = 0
    while (swept < limit) {
      const next = await db.selectFrom('detached').select('seq').limit(1).executeTakeFirst()
      if (!next) return { swept, left: false }
      swept += await sweepFolder(db, next.seq, limit - swept, now)
    }
    return { swept, left: true }
  },
}

async function requireFolder(db: Db, input: { accountId: string; folderId: string; prefix: string | null }) {
  const folder = await findFolder(db, input.accountId, input.folderId)
  // The root is no folder that anybody may rename, move or delete.
  if (!folder || folder.segment === '') throw new Failure('not_found', { what: 'folder', id: input.folderId })
  const path = await pathOfEntry(db, folder.seq)
  requireInside(path, input.prefix)
  return { folder, path }
}

const whole = (folder: FolderRow) => ({
  files: folder.files_below,
  folders: folder.folders_below + 1,
  bytes: folder.bytes_below,
})

async function leaveParent(db: Db, folder: FolderRow): Promise<void> {
  if (folder.parent === null) return
  const { files, folders, bytes } = whole(folder)
  await addIn(db, folder.parent, { files: 0, folders: -1 })
  await addBelow(db, folder.parent, { files: -files, folders: -folders, bytes: -bytes })
}

async function place(db: Db, folder: FolderRow, parent: FolderRow, name: string): Promise<void> {
  await leaveParent(db, folder)
  await db
    .updateTable('entries')
    .set({ parent: parent.seq, segment: name, name })
    .where('seq', '=', folder.seq)
    .execute()
  await addIn(db, parent.seq, { files: 0, folders: 1 })
  await addBelow(db, parent.seq, whole(folder))
}

/** Cuts folders off the tree: from here on nothing below them is found, and `sweepDetached` removes their rows. */
async function detach(db: Db, seqs: readonly number[]): Promise<void> {
  await db.updateTable('entries').set({ parent: null, segment: null }).where('seq', 'in', seqs).execute()
  await db
    .insertInto('detached')
    .values(seqs.map((seq) => ({ seq })))
    .execute()
}

/**
 * One step of removing a detached folder: some of its files; or, when it has none left, its folders become detached
 * themselves; or, when it has neither, the folder's own row goes. Each step is found by index, however much lies below.
 * Resolves to how many rows it touched.
 */
async function sweepFolder(db: Db, seq: number, limit: number, now: number): Promise<number> {
  const inFolder = db.selectFrom('entries as e').where('e.parent', '=', seq).limit(limit)
  const files = await inFolder
    .innerJoin('files as f', 'f.seq', 'e.file')
    .select(['e.seq', 'f.seq as file_seq', 'f.digest'])
    .execute()
  if (files.length > 0) {
    await db
      .deleteFrom('entries')
      .where(
        'seq',
        'in',
        files.map((file) => file.seq),
      )
      .execute()
    await db
      .deleteFrom('files')
      .where(
        'seq',
        'in',
        files.map((file) => file.file_seq),
      )
      .execute()
    await unnameBlobs(
      db,
      files.map((file) => file.digest),
      now,
    )
    return files.length
  }
  const folders = await inFolder.where('e.file', 'is', null).select('e.seq').execute()
  if (folders.length > 0) {
    await detach(
      db,
      folders.map((folder) => folder.seq),
    )
    return folders.length
  }
  await db.deleteFrom('detached').where('seq', '=', seq).execute()
  await db.deleteFrom('entries').where('seq', '=', seq).execute()
  return 1
}

import type { CatalogueWrites, Recorded } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import { type Db, findFolder, pathOfEntry } from '../queries.ts'
import { type FolderRow, folderOf } from '../rows.ts'
import type { Transactions, Work } from './context.ts'
import { nextTx, record } from './history.ts'
import { indexName } from './names.ts'
import { detach, sweepSome } from './sweep.ts'
import {
  addBelow,
  addIn,
  insertFolder,
  isTaken,
  placeOf,
  requireInside,
  requireOutside,
  requirePathLength,
  resolve,
  taken,
} from './tree.ts'

type Writes = Pick<CatalogueWrites, 'createFolder' | 'changeFolder' | 'deleteFolder' | 'sweepDetached'>

export const folders: Transactions<Writes> = {
  async createFolder({ db }, input) {
    const { accountId, name, now } = input
    const recorded = await nextTx(db, accountId, now)
    const parent = await resolve(db, accountId, input.parent, input.prefix, recorded)
    const path = `${parent.path}${name}/`
    requirePathLength(path, 'name')
    if (await isTaken(db, parent.folder, name)) throw taken('folder', name)
    const folder = await insertFolder(db, parent.folder, input, recorded)
    await record(db, accountId, recorded, { action: 'mkdir', path })
    return folderOf(folder)
  },

  async changeFolder({ db }, input) {
    const { folder, path } = await requireFolder(db, input)
    const parent = await placeOf(db, input.accountId, input.parentId ?? folder.parent_id ?? '', input.prefix)
    const name = input.name ?? folder.name
    const target = `${parent.path}${name}/`
    await requireOutside(db, parent.folder.seq, folder.seq)
    requirePathLength(target, 'name')
    if (target !== path) {
      if (await isTaken(db, parent.folder, name)) throw taken('folder', name)
      const recorded = await nextTx(db, input.accountId, input.now)
      await placeFolder(db, folder, parent.folder, name, recorded)
      await record(db, input.accountId, recorded, { action: 'move', path, target })
    }
    await db.updateTable('entries').set({ updated_at: input.now }).where('seq', '=', folder.seq).execute()
    const changed = await findFolder(db, input.accountId, folder.id)
    return folderOf(changed as FolderRow)
  },

  async deleteFolder(work, input) {
    const { folder, path } = await requireFolder(work.db, input)
    const isEmpty = folder.files_in + folder.folders_in === 0
    if (!isEmpty && !input.recursive) {
      const why = 'the folder is not empty; delete what is in it, or ask for ?recursive=true'
      throw new Failure('conflict', { what: 'folder', id: folder.id, why })
    }
    await cutOff(work, folder)
    const recorded = await nextTx(work.db, input.accountId, input.now)
    await record(work.db, input.accountId, recorded, { action: 'delete', path })
  },

  async sweepDetached({ db }, { limit, now }) {
    let swept = 0
    while (swept < limit) {
      const some = await sweepSome(db, limit - swept, now)
      if (some === 0) return { swept, left: false }
      swept += some
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

/** Puts a folder at another place that is free; what lies below it goes with it unchanged. */
export async function placeFolder(
  db: Db,
  folder: FolderRow,
  parent: FolderRow,
  name: string,
  { tx, at }: Recorded,
): Promise<void> {
  await leaveParent(db, folder)
  const set = { parent: parent.seq, segment: name, name, tx, tx_at: at }
  await db.updateTable('entries').set(set).where('seq', '=', folder.seq).execute()
  await indexName(db, { ...folder, segment: name, name })
  await addIn(db, parent.seq, { files: 0, folders: 1 })
  await addBelow(db, parent.seq, whole(folder))
}

/** Takes a folder with all below it out of the tree at once, whatever its size. */
export async function cutOff({ db, touched }: Work, folder: FolderRow): Promise<void> {
  await leaveParent(db, folder)
  await detach(db, [folder.seq])
  touched.everyFile ||= folder.files_below > 0
}

import type { PathWrites, PutFile, Recorded } from '../../core/catalogue.ts'
import { Failure, invalid } from '../../core/failure.ts'
import type { FileEntry, PutResult } from '../../core/model.ts'
import { partsDigest } from '../../core/parts.ts'
import { isFolderPath, isWithin, lastSegment, parentPath, segmentsOf } from '../../core/paths.ts'
import { countEmptyFolders, type Db, type FoundFile, fileEntries, findFileAt, findFolderAt } from '../queries.ts'
import { type FolderRow, fileEntryOf } from '../rows.ts'
import { unnameBlobs } from './blobs.ts'
import type { Transactions, Work } from './context.ts'
import { insertContent, insertEntry, placeFile, removeFile } from './files.ts'
import { cutOff, placeFolder } from './folders.ts'
import { nextTx, record } from './history.ts'
import { takeFromQuota } from './quota.ts'
import { addBelow, addIn, ensureFolder, hasEntry, insertFolder, requireInside } from './tree.ts'

/** The tree by its paths, which come here in their one form: whoever calls has parsed them. */
export const paths: Transactions<PathWrites> = {
  async putFile(work, input) {
    const { db } = work
    const { accountId, path, prefix, file, message } = input
    requireInside(path, prefix)
    const recorded = await nextTx(db, accountId, input.now)
    const folder = await ensureFolder(db, accountId, segmentsOf(parentPath(path)), recorded)
    const there = await findFileAt(db, accountId, segmentsOf(path))
    if (!there && (await hasEntry(db, folder, lastSegment(path)))) throw isFolder(path)
    if (input.upload) await takeParts(db, input)
    const added = { files: there ? 0 : 1, folders: 0, bytes: file.size - (there?.size ?? 0) }
    await takeFromQuota(db, accountId, added, input.quota)
    await addIn(db, folder.seq, added)
    await addBelow(db, folder.seq, added, 'below the root')
    const put = there ? await replace(work, there, input, recorded) : await add(db, folder, input, recorded)
    await record(db, accountId, recorded, { action: 'put', path, content: file, message })
    if (input.upload) await complete(db, input, recorded)
    return { ...recorded, file: put, replaced: there !== undefined }
  },

  async makeFolderAt({ db }, { accountId, path, prefix, message, now }) {
    if (!isWithin(path, prefix)) throw new Failure('forbidden', { needs: 'prefix', detail: prefix ?? '' })
    const segments = segmentsOf(path)
    if (await findFolderAt(db, accountId, segments)) return { created: false }
    const recorded = await nextTx(db, accountId, now)
    const parent = await ensureFolder(db, accountId, segmentsOf(parentPath(path)), recorded)
    if (await hasEntry(db, parent, lastSegment(path))) throw isFile(path)
    await insertFolder(db, parent, { id: crypto.randomUUID(), name: lastSegment(path) }, recorded)
    await record(db, accountId, recorded, { action: 'mkdir', path, message })
    return { created: true }
  },

  async moveEntry(work, { accountId, from, to, prefix, message, now }) {
    const { db } = work
    requireInside(from, prefix)
    requireInside(to, prefix)
    const moved = await requireAt(db, accountId, from)
    if (isFolderPath(from) && to !== from && isWithin(to, from))
      throw invalid('to', 'a folder cannot be moved into itself')
    const recorded = await nextTx(db, accountId, now)
    const folder = await ensureFolder(db, accountId, segmentsOf(parentPath(to)), recorded)
    const segment = lastSegment(to)
    if (await hasEntry(db, folder, segment)) throw isThere(to)
    const event = { action: 'move', path: from, target: to, message } as const
    if (isFileRow(moved)) {
      await placeFile(db, moved, folder, { segment, name: segment }, recorded)
      await record(db, accountId, recorded, { ...event, content: moved })
      work.touched.files.push(moved.file_id)
    } else {
      await placeFolder(db, moved, folder, segment, recorded)
      await record(db, accountId, recorded, event)
    }
    return recorded
  },

  async deleteEntry(work, { accountId, path, prefix, message, now }) {
    const { db } = work
    requireInside(path, prefix)
    const gone = await requireAt(db, accountId, path)
    const recorded = await nextTx(db, accountId, now)
    if (isFileRow(gone)) {
      await removeFile(work, gone, now)
      await record(db, accountId, recorded, { action: 'delete', path, content: gone, message })
      return { ...recorded, deleted: 1 }
    }
    const deleted = gone.files_below + (await countEmptyFolders(db, gone.seq))
    await cutOff(work, gone)
    await record(db, accountId, recorded, { action: 'delete', path, message })
    return { ...recorded, deleted }
  },
}

const isFolder = (path: string) => new Failure('conflict', { what: 'folder', id: path, why: `"${path}/" is a folder` })
const isFile = (path: string) =>
  new Failure('conflict', { what: 'file', id: path, why: `"${path.slice(0, -1)}" is a file` })
const isThere = (path: string) =>
  new Failure('conflict', { what: isFolderPath(path) ? 'folder' : 'file', id: path, why: `"${path}" is taken` })

const isFileRow = (row: FoundFile | FolderRow): row is FoundFile => 'uuid' in row

/** @throws Failure `not_found`; the root is no folder that anybody may move or delete. */
async function requireAt(db: Db, accountId: string, path: string): Promise<FoundFile | FolderRow> {
  const find = isFolderPath(path) ? findFolderAt : findFileAt
  const row = path === '' ? undefined : await find(db, accountId, segmentsOf(path))
  if (row) return row
  if (isFolderPath(path)) throw new Failure('not_found', { what: 'folder', id: path })
  const isFolder = await findFolderAt(db, accountId, segmentsOf(path))
  const hint = isFolder && `"${path}/" is a folder, whose path ends with a slash`
  throw new Failure('not_found', { what: 'file', id: path, ...(hint && { hint }) })
}

function add(db: Db, folder: FolderRow, { path, file }: PutFile, recorded: Recorded): Promise<FileEntry> {
  const segment = lastSegment(path)
  return insertEntry(db, folder, { ...file, name: segment, segment }, recorded)
}

/** Another content at the same place: the old one's ids are gone with it. */
async function replace(
  { db, touched }: Work,
  there: FoundFile,
  { accountId, file }: PutFile,
  { tx, at }: Recorded,
): Promise<FileEntry> {
  const content = await insertContent(db, accountId, file, at)
  await db
    .updateTable('entries')
    .set({ file: content, updated_at: at, tx, tx_at: at })
    .where('seq', '=', there.seq)
    .execute()
  await db.deleteFrom('files').where('seq', '=', there.file_seq).execute()
  await unnameBlobs(db, [there.digest], at)
  touched.files.push(there.file_id)
  return fileEntryOf(await fileEntries(db).where('e.seq', '=', there.seq).executeTakeFirstOrThrow())
}

/** Forgets an upload's parts, which makes room for the whole that they became. */
async function takeParts(db: Db, { accountId, upload }: PutFile): Promise<void> {
  const id = upload?.id ?? ''
  const open = await db
    .selectFrom('uploads')
    .select('bytes')
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .where('state', '=', 'open')
    .executeTakeFirst()
  if (!open) throw new Failure('conflict', { what: 'upload', id, why: 'the upload is not open any more' })
  const parts = await db.deleteFrom('upload_parts').where('upload_id', '=', id).returningAll().execute()
  parts.sort((a, b) => a.number - b.number)
  if (partsDigest(parts) !== upload?.parts)
    throw new Failure('conflict', { what: 'upload', id, why: 'a part was sent again meanwhile; complete it once more' })
  await db
    .updateTable('accounts')
    .set((e) => ({ upload_bytes: e('upload_bytes', '-', open.bytes) }))
    .where('id', '=', accountId)
    .execute()
}

async function complete(db: Db, { upload, path, file }: PutFile, { tx, at }: Recorded): Promise<void> {
  const result: PutResult = { path, size: file.size, tx, at }
  await db
    .updateTable('uploads')
    .set({ state: 'complete', result: JSON.stringify(result), finished_at: at, assembled: null, bytes: 0 })
    .where('id', '=', upload?.id ?? '')
    .execute()
}

import type { CatalogueWrites, FileChange, NewFile, Recorded } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { FileEntry } from '../../core/model.ts'
import { type Db, type FoundFile, fileEntries, findFile, pathOfEntry } from '../queries.ts'
import { type FolderRow, fileEntryOf } from '../rows.ts'
import { nameBlob, unnameBlobs } from './blobs.ts'
import type { Transactions, Work } from './context.ts'
import { nextTx, record } from './history.ts'
import { forgetNames, indexName } from './names.ts'
import { takeFromQuota, takeFromRequestLink } from './quota.ts'
import { addBelow, addIn, freeSegment, isTaken, type Place, placeOf, requireInside, resolve, taken } from './tree.ts'

export const files: Transactions<Pick<CatalogueWrites, 'publishFiles' | 'changeFile' | 'deleteFile'>> = {
  async publishFiles({ db }, input) {
    const { accountId, now } = input
    const added = { files: input.files.length, bytes: sum(input.files) }
    if (added.files === 0) return []
    const first = await nextTx(db, accountId, now)
    const place = await resolve(db, accountId, input.destination, input.prefix, first)
    await takeFromQuota(db, accountId, added, input.quota)
    if (input.requestLink !== undefined) await takeFromRequestLink(db, input.requestLink, added, now)
    const published: FileEntry[] = []
    for (const [n, file] of input.files.entries())
      published.push(await publish(db, place, file, n === 0 ? first : await nextTx(db, accountId, now)))
    await addIn(db, place.folder.seq, { files: added.files, folders: 0 })
    await addBelow(db, place.folder.seq, { ...added, folders: 0 }, 'below the root')
    return published
  },

  async changeFile(work, input) {
    const { db } = work
    const file = await requireFile(db, input)
    const set = {
      ...(input.description !== undefined && { description: input.description }),
      ...(input.tags !== undefined && { tags: JSON.stringify(input.tags) }),
      ...(input.isPublic !== undefined && { is_public: input.isPublic ? 1 : 0 }),
      ...(input.name !== undefined && { name: input.name }),
      updated_at: input.now,
    }
    await db.updateTable('entries').set(set).where('seq', '=', file.seq).execute()
    if (input.name !== undefined || input.folderId !== undefined) await changePlace(work, file, input)
    work.touched.files.push(input.fileId)
    return fileEntryOf(await fileEntries(db).where('e.seq', '=', file.seq).executeTakeFirstOrThrow())
  },

  async deleteFile(work, input) {
    const file = await requireFile(work.db, input)
    const path = await pathOfEntry(work.db, file.seq)
    await removeFile(work, file, input.now)
    const recorded = await nextTx(work.db, input.accountId, input.now)
    await record(work.db, input.accountId, recorded, { action: 'delete', path, content: file })
  },
}

const sum = (list: readonly { size: number }[]): number => list.reduce((total, file) => total + file.size, 0)

async function publish(db: Db, place: Place, file: NewFile, recorded: Recorded): Promise<FileEntry> {
  const segment = await freeSegment(db, place, file.segments)
  const entry = await insertEntry(db, place.folder, { ...file, segment }, recorded)
  const path = place.path + segment
  await record(db, entry.accountId, recorded, { action: 'put', path, content: file })
  return entry
}

/** What a file holds, under ids of its own. Resolves to its number. */
export async function insertContent(
  db: Db,
  accountId: string,
  file: Pick<NewFile, 'id' | 'fileId' | 'digest' | 'size' | 'contentType'>,
  now: number,
): Promise<number> {
  await nameBlob(db, file)
  const { seq } = await db
    .insertInto('files')
    .values({
      id: file.id,
      file_id: file.fileId,
      account_id: accountId,
      digest: file.digest,
      size: file.size,
      content_type: file.contentType,
      created_at: now,
    })
    .returning('seq')
    .executeTakeFirstOrThrow()
  return seq
}

/** A file's place in a folder, where the segment is free. The folder's sums are the caller's to change. */
export async function insertEntry(
  db: Db,
  folder: FolderRow,
  file: Omit<NewFile, 'segments'> & { readonly segment: string },
  { tx, at }: Recorded,
): Promise<FileEntry> {
  const { segment } = file
  const row = await db
    .insertInto('entries')
    .values({
      id: file.entryId,
      account_id: folder.account_id,
      parent: folder.seq,
      segment,
      name: file.name,
      file: await insertContent(db, folder.account_id, file, at),
      is_public: file.isPublic ? 1 : 0,
      description: file.description,
      tags: JSON.stringify(file.tags),
      created_at: at,
      updated_at: at,
      tx,
      tx_at: at,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await indexName(db, { ...row, segment })
  const { fileId, digest, size, contentType } = file
  const content = { uuid: file.id, file_id: fileId, digest, size, content_type: contentType, content_at: at }
  return fileEntryOf({ ...row, ...content, parent_id: folder.id, parent_segment: folder.segment })
}

/** Removes a file with its place, and takes it from the sums of the folders above. */
export async function removeFile({ db, touched }: Work, file: FoundFile, now: number): Promise<void> {
  await db.deleteFrom('entries').where('seq', '=', file.seq).execute()
  await db.deleteFrom('files').where('seq', '=', file.file_seq).execute()
  await forgetNames(db, [file.seq])
  await unnameBlobs(db, [file.digest], now)
  await leaveFolder(db, file)
  touched.files.push(file.file_id)
}

/** Puts a file at another place that is free, and moves what it adds to the folders above. */
export async function placeFile(
  db: Db,
  file: FoundFile,
  folder: FolderRow,
  { segment, name }: { segment: string; name: string },
  { tx, at }: Recorded,
): Promise<void> {
  const set = { parent: folder.seq, segment, name, tx, tx_at: at }
  await db.updateTable('entries').set(set).where('seq', '=', file.seq).execute()
  await indexName(db, { ...file, segment, name })
  if (folder.seq === file.parent) return
  await leaveFolder(db, file)
  await addIn(db, folder.seq, { files: 1, folders: 0 })
  await addBelow(db, folder.seq, { files: 1, folders: 0, bytes: file.size })
}

async function leaveFolder(db: Db, file: FoundFile): Promise<void> {
  if (file.parent === null) return
  await addIn(db, file.parent, { files: -1, folders: 0 })
  await addBelow(db, file.parent, { files: -1, folders: 0, bytes: -file.size })
}

async function requireFile(
  db: Db,
  input: { accountId: string; fileId: string; prefix: string | null },
): Promise<FoundFile> {
  const file = await findFile(db, input.fileId)
  if (!file || file.account_id !== input.accountId) throw new Failure('not_found', { what: 'file', id: input.fileId })
  if (input.prefix !== null) requireInside(await pathOfEntry(db, file.seq), input.prefix)
  return file
}

/** Where its path stays what it was, a file has only got another name to be shown by: nothing that the history tells of. */
async function changePlace({ db }: Work, file: FoundFile, input: FileChange): Promise<void> {
  const path = await pathOfEntry(db, file.seq)
  const place = await placeOf(db, input.accountId, input.folderId ?? file.parent_id ?? '', input.prefix)
  const segment = await movedSegment(db, file, place, input)
  const name = input.name ?? file.name
  const target = place.path + segment
  if (target === path) return indexName(db, { ...file, segment, name })
  const recorded = await nextTx(db, input.accountId, input.now)
  await placeFile(db, file, place.folder, { segment, name }, recorded)
  await record(db, input.accountId, recorded, { action: 'move', path, target, content: file })
}

/** A rename or a change of folder never goes round a taken name: the caller asked for this very one. */
async function movedSegment(db: Db, file: FoundFile, place: Place, input: FileChange): Promise<string> {
  const current = file.segment ?? ''
  const wanted = input.segments?.[0] ?? current
  if (place.folder.seq === file.parent && wanted === current) return wanted
  if (await isTaken(db, place.folder, wanted)) throw taken('file', input.name ?? file.name)
  return freeSegment(db, place, input.segments ?? [wanted])
}

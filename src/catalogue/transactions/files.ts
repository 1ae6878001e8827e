import type { CatalogueWrites, FileChange, NewFile, Publication } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { FileEntry } from '../../core/model.ts'
import { type Db, type FoundFile, fileEntries, findFile, findFolder, findRoot, pathOfEntry } from '../queries.ts'
import { fileEntryOf } from '../rows.ts'
import { nameBlob, unnameBlobs } from './blobs.ts'
import type { Transactions } from './context.ts'
import { addBelow, addIn, freeSegment, isTaken, type Place, requireInside, resolve, taken } from './tree.ts'

export const files: Transactions<Pick<CatalogueWrites, 'publishFiles' | 'changeFile' | 'deleteFile'>> = {
  async publishFiles(work, input) {
    const place = await resolve(work.db, input.accountId, input.destination, input.prefix, input.now)
    await takeFromQuota(work.db, input)
    const published: FileEntry[] = []
    for (const file of input.files) published.push(await insertFile(work.db, place, file, input.now))
    const bytes = sum(input.files)
    await addIn(work.db, place.folder.seq, { files: input.files.length, folders: 0 })
    await addBelow(work.db, place.folder.seq, { files: input.files.length, folders: 0, bytes }, 'below the root')
    return published
  },

  async changeFile(work, input) {
    const file = await requireFile(work.db, input)
    const set = {
      ...(input.description !== undefined && { description: input.description }),
      ...(input.tags !== undefined && { tags: JSON.stringify(input.tags) }),
      ...(input.isPublic !== undefined && { is_public: input.isPublic ? 1 : 0 }),
      updated_at: input.now,
    }
    await work.db.updateTable('entries').set(set).where('seq', '=', file.seq).execute()
    if (input.name !== undefined || input.folderId !== undefined) await moveFile(work.db, file, input)
    work.touched.files.push(input.fileId)
    return fileEntryOf(await fileEntries(work.db).where('e.seq', '=', file.seq).executeTakeFirstOrThrow())
  },

  async deleteFile(work, input) {
    const file = await requireFile(work.db, input)
    await work.db.deleteFrom('entries').where('seq', '=', file.seq).execute()
    await work.db.deleteFrom('files').where('seq', '=', file.file_seq).execute()
    await unnameBlobs(work.db, [file.digest], input.now)
    await removeFromFolder(work.db, file)
    work.touched.files.push(input.fileId)
  },
}

const sum = (list: readonly { size: number }[]): number => list.reduce((total, file) => total + file.size, 0)

/**
 * Adds the files to the root's sums under the condition that they fit the quota: in one statement, so that no two
 * publications can both count on the same room.
 */
async function takeFromQuota(db: Db, { accountId, quota, files }: Publication): Promise<void> {
  const bytes = sum(files)
  let query = db
    .updateTable('entries')
    .set((e) => ({ files_below: e('files_below', '+', files.length), bytes_below: e('bytes_below', '+', bytes) }))
    .where('account_id', '=', accountId)
    .where('segment', '=', '')
  if (quota.bytes !== null) query = query.where((e) => e(e('bytes_below', '+', bytes), '<=', quota.bytes))
  if (quota.files !== null) query = query.where((e) => e(e('files_below', '+', files.length), '<=', quota.files))
  const { numUpdatedRows } = await query.executeTakeFirst()
  if (numUpdatedRows === 1n) return
  const root = await findRoot(db, accountId)
  throw quota.bytes !== null && root.bytes_below + bytes > quota.bytes
    ? new Failure('quota_exceeded', { of: 'bytes', limit: quota.bytes, used: root.bytes_below })
    : new Failure('quota_exceeded', { of: 'files', limit: quota.files ?? 0, used: root.files_below })
}

async function insertFile(db: Db, place: Place, file: NewFile, now: number): Promise<FileEntry> {
  const { folder } = place
  await nameBlob(db, file)
  const { seq } = await db
    .insertInto('files')
    .values({
      id: file.id,
      file_id: file.fileId,
      account_id: folder.account_id,
      digest: file.digest,
      size: file.size,
      content_type: file.contentType,
      created_at: now,
    })
    .returning('seq')
    .executeTakeFirstOrThrow()
  const entry = await db
    .insertInto('entries')
    .values({
      id: file.entryId,
      account_id: folder.account_id,
      parent: folder.seq,
      segment: await freeSegment(db, place, file.segments),
      name: file.name,
      file: seq,
      is_public: file.isPublic ? 1 : 0,
      description: file.description,
      tags: JSON.stringify(file.tags),
      created_at: now,
      updated_at: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return fileEntryOf({
    ...entry,
    uuid: file.id,
    file_id: file.fileId,
    digest: file.digest,
    size: file.size,
    content_type: file.contentType,
    parent_id: folder.id,
    parent_segment: folder.segment,
  })
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

async function moveFile(db: Db, file: FoundFile, input: FileChange): Promise<void> {
  const parent = await targetFolder(db, file, input)
  const path = await pathOfEntry(db, parent.seq)
  if (input.prefix !== null && !path.startsWith(input.prefix)) throw new Failure('forbidden', { needs: 'prefix' })
  const segment = await movedSegment(db, file, { folder: parent, path }, input)
  const name = input.name ?? file.name
  await db.updateTable('entries').set({ parent: parent.seq, segment, name }).where('seq', '=', file.seq).execute()
  if (parent.seq === file.parent) return
  await removeFromFolder(db, file)
  await addIn(db, parent.seq, { files: 1, folders: 0 })
  await addBelow(db, parent.seq, { files: 1, folders: 0, bytes: file.size })
}

async function targetFolder(db: Db, file: FoundFile, input: FileChange) {
  const id = input.folderId ?? file.parent_id ?? ''
  const folder = await findFolder(db, input.accountId, id)
  if (!folder) throw new Failure('not_found', { what: 'folder', id })
  return folder
}

/** A rename or a change of folder never goes round a taken name: the caller asked for this very one. */
async function movedSegment(db: Db, file: FoundFile, place: Place, input: FileChange): Promise<string> {
  const current = await db.selectFrom('entries').select('segment').where('seq', '=', file.seq).executeTakeFirstOrThrow()
  const wanted = input.segments?.[0] ?? current.segment ?? ''
  if (place.folder.seq === file.parent && wanted === current.segment) return wanted
  if (await isTaken(db, place.folder, wanted)) throw taken('file', input.name ?? file.name)
  return freeSegment(db, place, input.segments ?? [wanted])
}

async function removeFromFolder(db: Db, file: FoundFile): Promise<void> {
  if (file.parent === null) return
  await addIn(db, file.parent, { files: -1, folders: 0 })
  await addBelow(db, file.parent, { files: -1, folders: 0, bytes: -file.size })
}

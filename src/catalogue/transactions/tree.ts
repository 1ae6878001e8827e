import { sql } from 'kysely'
import type { Destination, Recorded } from '../../core/catalogue.ts'
import { Failure, invalid } from '../../core/failure.ts'
import { isBelow, isWithin, pathLimitBytes, reservedAtRoot } from '../../core/paths.ts'
import { byteLength } from '../../core/text.ts'
import { type Db, findFolder, findFolderAt, findRoot, folderEntries, liesBelow, pathOfEntry } from '../queries.ts'
import type { FolderRow } from '../rows.ts'
import { indexName } from './names.ts'

/** How the sums of a folder and of all above it change. */
export interface Change {
  readonly files: number
  readonly folders: number
  readonly bytes: number
}

/** Adds to what lies below a folder, in it and in every folder above it: up to the root, or up to below it. */
export async function addBelow(
  db: Db,
  folder: number,
  change: Change,
  upTo: 'the root' | 'below the root' = 'the root',
): Promise<void> {
  const condition = upTo === 'the root' ? sql`1` : sql`segment <> ''`
  await sql`
    WITH RECURSIVE up(seq, parent) AS (
      SELECT seq, parent FROM entries WHERE seq = ${folder}
      UNION ALL SELECT e.seq, e.parent FROM entries e JOIN up ON e.seq = up.parent
    ) UPDATE entries SET files_below = files_below + ${change.files}, folders_below = folders_below + ${change.folders},
        bytes_below = bytes_below + ${change.bytes}
      WHERE seq IN (SELECT seq FROM up) AND ${condition}`.execute(db)
}

/** Adds to what lies directly in a folder. */
export async function addIn(db: Db, folder: number, change: { files: number; folders: number }): Promise<void> {
  await db
    .updateTable('entries')
    .set((e) => ({
      files_in: e('files_in', '+', change.files),
      folders_in: e('folders_in', '+', change.folders),
    }))
    .where('seq', '=', folder)
    .execute()
}

/** @throws Failure `forbidden` unless the path lies inside the prefix (the prefix's own folder does not: it belongs to its parent). */
export function requireInside(path: string, prefix: string | null): void {
  if (!isBelow(path, prefix)) throw new Failure('forbidden', { needs: 'prefix', detail: prefix ?? '' })
}

export interface Place {
  readonly folder: FolderRow
  readonly path: string
}

/** The folder that a destination means, made where it is given by a path and missing. */
export async function resolve(
  db: Db,
  accountId: string,
  destination: Destination,
  prefix: string | null,
  recorded: Recorded,
): Promise<Place> {
  if ('folderId' in destination) return placeOf(db, accountId, destination.folderId, prefix)
  const path = destination.segments.map((segment) => `${segment}/`).join('')
  if (!isWithin(path, prefix)) throw new Failure('forbidden', { needs: 'prefix', detail: prefix ?? '' })
  return { folder: await ensureFolder(db, accountId, destination.segments, recorded), path }
}

/** A folder by its id, inside the prefix. @throws Failure `not_found`, `forbidden`. */
export async function placeOf(db: Db, accountId: string, folderId: string, prefix: string | null): Promise<Place> {
  const folder = await findFolder(db, accountId, folderId)
  if (!folder) throw new Failure('not_found', { what: 'folder', id: folderId })
  const path = await pathOfEntry(db, folder.seq)
  if (!isWithin(path, prefix)) throw new Failure('forbidden', { needs: 'prefix', detail: prefix ?? '' })
  return { folder, path }
}

/**
 * The folder at the end of segments from the root. What is missing is made: no event of its own, but the number of the one that
 * implied it. @throws Failure `conflict` where a file is in the way.
 */
export async function ensureFolder(
  db: Db,
  accountId: string,
  segments: readonly string[],
  recorded: Recorded,
): Promise<FolderRow> {
  const known = await findFolderAt(db, accountId, segments)
  if (known) return known
  let folder = await findRoot(db, accountId)
  for (const [depth, segment] of segments.entries()) {
    const next = await folderEntries(db)
      .where('e.parent', '=', folder.seq)
      .where('e.segment', '=', segment)
      .executeTakeFirst()
    if (!next && (await hasEntry(db, folder, segment))) throw inTheWay(segments.slice(0, depth + 1).join('/'))
    if (!next) return insertFolders(db, folder, segments.slice(depth), recorded)
    folder = next
  }
  return folder
}

/** A chain of folders, each in the one before; the sums above are added to once, however deep it goes. */
async function insertFolders(
  db: Db,
  parent: FolderRow,
  names: readonly string[],
  recorded: Recorded,
): Promise<FolderRow> {
  let folder = parent
  for (const [n, name] of names.entries()) {
    const below = names.length - n - 1
    folder = await insertRow(db, folder, { id: crypto.randomUUID(), name }, recorded, below)
  }
  await addIn(db, parent.seq, { files: 0, folders: 1 })
  await addBelow(db, parent.seq, { files: 0, folders: names.length, bytes: 0 })
  return folder
}

const inTheWay = (path: string) => new Failure('conflict', { what: 'file', id: path, why: `"${path}" is a file` })

/** A new folder, where there is none. */
export async function insertFolder(
  db: Db,
  parent: FolderRow,
  folder: { id: string; name: string },
  recorded: Recorded,
): Promise<FolderRow> {
  const row = await insertRow(db, parent, folder, recorded, 0)
  await addIn(db, parent.seq, { files: 0, folders: 1 })
  await addBelow(db, parent.seq, { files: 0, folders: 1, bytes: 0 })
  return row
}

/** @param below how many folders will be below it, one in the other. */
async function insertRow(
  db: Db,
  parent: FolderRow,
  folder: { id: string; name: string },
  { tx, at }: Recorded,
  below: number,
): Promise<FolderRow> {
  const row = await db
    .insertInto('entries')
    .values({
      id: folder.id,
      account_id: parent.account_id,
      parent: parent.seq,
      segment: folder.name,
      name: folder.name,
      file: null,
      is_public: 0,
      description: '',
      tags: '[]',
      created_at: at,
      updated_at: at,
      tx,
      tx_at: at,
      folders_in: Math.min(below, 1),
      folders_below: below,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await indexName(db, { ...row, segment: folder.name })
  return { ...row, parent_id: parent.id, parent_segment: parent.segment }
}

/** Whether a folder has an entry of this segment. */
export async function hasEntry(db: Db, folder: FolderRow, segment: string): Promise<boolean> {
  const row = await db
    .selectFrom('entries')
    .select('seq')
    .where('parent', '=', folder.seq)
    .where('segment', '=', segment)
    .executeTakeFirst()
  return row !== undefined
}

/** Whether a folder has an entry of this segment, or may have none because a route stands there: for doors without paths. */
export async function isTaken(db: Db, folder: FolderRow, segment: string): Promise<boolean> {
  return (folder.segment === '' && reservedAtRoot.has(segment)) || (await hasEntry(db, folder, segment))
}

export function taken(what: 'file' | 'folder', name: string): Failure<'conflict'> {
  return new Failure('conflict', { what, id: name, why: `"${name}" is taken in that folder` })
}

/**
 * The first of the segments that is free in the folder and keeps the path within its limit.
 * @throws Failure `invalid` where the folder lies too deep for any of them.
 */
export async function freeSegment(db: Db, place: Place, segments: readonly string[]): Promise<string> {
  for (const segment of segments) {
    if (byteLength(place.path + segment) > pathLimitBytes) continue
    if (!(await isTaken(db, place.folder, segment))) return segment
  }
  throw invalid('folderId', `the path would be longer than ${pathLimitBytes} bytes; choose a folder nearer to the root`)
}

/** @throws Failure `invalid` where a folder of this path would be too long. */
export function requirePathLength(path: string, field: string): void {
  if (byteLength(path) > pathLimitBytes) throw invalid(field, `a path is at most ${pathLimitBytes} bytes long`)
}

/** @throws Failure `invalid` where a folder would go into itself. */
export async function requireOutside(db: Db, target: number, moved: number): Promise<void> {
  if (await liesBelow(db, target, moved)) throw invalid('parentId', 'a folder cannot be moved into itself')
}

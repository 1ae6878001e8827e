import { mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { makeFolder, writeWhole } from '../durable.ts'
import { backupNote, type DataFolder, dataFolder, servedNote } from './layout.ts'
import { requireOwnLinks } from './owner.ts'
import { UnusableFolder } from './unusable.ts'

/** The form of backups; another form is another number. */
const backupVersion = 1

/** What is told of a backup in its own note, for people and for the next run. */
export interface BackupNote {
  readonly began_at: string
  readonly finished_at: string
  readonly blobs: number
  readonly bytes: number
  readonly damaged: number
}

/** The store that a backup is to be of, and how it is told that nobody worked on the backup since. */
export interface BackupOf {
  /** The store's id. */
  readonly store: string
  /** Whether the databases in a folder are as a backup has left them. */
  readonly isUntouched: (dir: string) => boolean
}

/** What may lie in an empty folder: a file system of its own has the first in its root; the others are what a first run begins with. */
const beginnings = ['lost+found', 'backup.lock', 'backup.lock-journal', `${backupNote}.tmp`]

/**
 * The folder that a store's backup is to be written to, made where it is missing, so that it can be locked. Somebody else may be
 * just writing there: what is wrong for good is refused here, and everything else by `backupFolder`.
 * @throws UnusableFolder where it cannot be a backup's, with what to do.
 */
export function backupPlace(path: string, source: DataFolder, of: BackupOf): Promise<DataFolder> {
  return forBackup(path, async (target) => {
    await requireApart(target.dir, source.dir)
    const names = await namesIn(target.dir)
    if (names.includes(servedNote)) throw servedSince(target.dir)
    // Whoever made that lock may be writing the rest at this moment.
    if (!isEmpty(names) && !names.includes('backup.lock')) await requireBackup(target.dir, names, of)
    await requireOwnLinks(target.dir)
    await makeFolder(target.dir)
  })
}

/**
 * The folder of a store's backup, made where it is empty; only for whoever has it locked. It is a data folder itself, which opens once a first run was
 * finished.
 * @throws UnusableFolder where it is anything else, with what to do.
 */
export function backupFolder(path: string, of: BackupOf): Promise<DataFolder> {
  return forBackup(path, async (target) => {
    const names = await namesIn(target.dir)
    await requireOwnLinks(target.dir)
    if (isEmpty(names)) await writeNote(target.dir, of.store)
    else await requireBackup(target.dir, names, of)
    for (const folder of [target.blobs, target.tmp, target.uploads]) await makeFolder(folder)
  })
}

async function forBackup(path: string, work: (target: DataFolder) => Promise<void>): Promise<DataFolder> {
  const target = dataFolder(path)
  try {
    await work(target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof UnusableFolder || code === undefined) throw error
    throw new UnusableFolder(`${target.dir} cannot be used for a backup (${(error as Error).message}).`)
  }
  return target
}

const namesIn = async (dir: string): Promise<string[]> => (await readdir(dir).catch(unlessMissing)) ?? []
const isEmpty = (names: readonly string[]): boolean => names.every((name) => beginnings.includes(name))

/** Removes what a run that was cut off has left; only for whoever has the backup to itself. */
export async function clearBackup({ tmp }: DataFolder): Promise<void> {
  for (const name of await readdir(tmp)) await rm(join(tmp, name), { recursive: true, force: true })
}

/** Copies the small files of a store: what its tokens are signed with, and letters that lie in its outbox. */
export async function copySmallFiles(source: DataFolder, target: DataFolder): Promise<void> {
  const tokens = await readFile(join(source.dir, 'tokens.json')).catch(unlessMissing)
  if (tokens) await writeWhole(join(target.dir, 'tokens.json'), tokens)
  const letters = ((await readdir(source.outbox).catch(unlessMissing)) ?? []).filter((name) => name.endsWith('.eml'))
  if (letters.length === 0) return
  await mkdir(target.outbox, { recursive: true, mode: 0o700 })
  const there = new Set(await readdir(target.outbox))
  for (const name of letters.filter((one) => !there.has(one))) {
    // Somebody may be tidying up.
    const letter = await readFile(join(source.outbox, name)).catch(unlessMissing)
    if (letter) await writeWhole(join(target.outbox, name), letter)
  }
}

/** Lets the folder open as a store, and says what is in it. */
export async function finishBackup(
  source: DataFolder,
  target: DataFolder,
  store: string,
  note: BackupNote,
): Promise<void> {
  await writeWhole(join(target.dir, 'format'), await readFile(join(source.dir, 'format')))
  await writeNote(target.dir, store, note)
}

async function writeNote(dir: string, store: string, last: BackupNote | null = null): Promise<void> {
  await makeFolder(dir)
  const note = { larder_backup: backupVersion, store, last }
  await writeWhole(noteFile(dir), `${JSON.stringify(note, undefined, 2)}\n`)
}

const noteFile = (dir: string): string => join(dir, backupNote)

async function requireApart(target: string, source: string): Promise<void> {
  const [to, from] = [await real(target), await real(source)]
  if (to === from)
    throw new UnusableFolder(`${target} is the data folder itself: a backup belongs elsewhere, best on another disk.`)
  if (isInside(to, from))
    throw new UnusableFolder(
      `${target} lies in the data folder ${source}: a backup belongs elsewhere, best on another disk.`,
    )
  if (isInside(from, to))
    throw new UnusableFolder(`The data folder ${source} lies in ${target}: name a folder for the backup alone.`)
}

/** Where a path leads, also where its end does not exist yet. */
async function real(path: string): Promise<string> {
  const found = await realpath(path).catch(unlessMissing)
  if (found !== undefined) return found
  const above = dirname(resolve(path))
  return above === path ? path : join(await real(above), relative(above, resolve(path)))
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way.split('/')[0] !== '..'
}

async function requireBackup(dir: string, names: readonly string[], of: BackupOf): Promise<void> {
  if (names.includes(servedNote)) throw servedSince(dir)
  if (!names.includes(backupNote)) {
    const what = names.includes('catalogue.db')
      ? 'holds a store that is no backup'
      : 'is not empty, and holds no backup'
    throw new UnusableFolder(`${dir} ${what}: name an empty folder, or one that "larder backup" has made.`)
  }
  const note = noteIn(await readFile(noteFile(dir), 'utf8'))
  if (!note) throw new UnusableFolder(`${noteFile(dir)} is damaged: name another folder for the backup.`)
  if (note.larder_backup > backupVersion)
    throw new UnusableFolder(`The backup in ${dir} was made by a newer Larder: use that one, or another folder.`)
  if (note.store !== of.store)
    throw new UnusableFolder(`${dir} holds the backup of another store: each has its own folder. Nothing was changed.`)
  await requireClosed(dir)
  if (!of.isUntouched(dir))
    throw new UnusableFolder(
      `Somebody has changed the backup in ${dir} since it was made (as "larder user add" does): it may hold what the store has not. ` +
        `Name another folder; or, where that may be lost, remove ${join(dir, 'catalogue.db')} and try again.`,
    )
}

/** A backup that was served has a life of its own: what came into it since must not be written over. */
function servedSince(dir: string): UnusableFolder {
  const [served, note] = [join(dir, servedNote), noteFile(dir)]
  return new UnusableFolder(
    `The backup in ${dir} was served since: it is a store of its own, and may hold what the other has not. Name another folder; or, where ` +
      `that may be lost, remove ${join(dir, 'catalogue.db')}, rename ${served} to ${note}, and try again.`,
  )
}

async function requireClosed(dir: string): Promise<void> {
  for (const name of ['catalogue.db-wal', 'activity.db-wal']) {
    const log = await stat(join(dir, name)).catch(unlessMissing)
    if (log && log.size > 0)
      throw new UnusableFolder(
        `Somebody has the backup in ${dir} open, or was cut off there (${name}): run "larder --data-dir ${dir} fsck", which closes it, and try again.`,
      )
  }
}

function noteIn(text: string): { larder_backup: number; store: string } | undefined {
  try {
    const note = JSON.parse(text) as { larder_backup: unknown; store: unknown }
    const { larder_backup, store } = note
    return typeof larder_backup === 'number' && typeof store === 'string' ? { larder_backup, store } : undefined
  } catch {
    return undefined
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeFolder, syncFolder } from '../durable.ts'
import { isFull } from './failures.ts'
import { requireOwnLinks } from './owner.ts'
import { UnusableFolder, unusable } from './unusable.ts'

/** The version of the folder's layout; a new layout is a new number, and never a surprise to an older Larder. */
const layoutVersion = 1

/** The folders of a store, all below `dir`. */
export interface DataFolder {
  readonly dir: string
  readonly blobs: string
  readonly tmp: string
  /** A folder for each upload that comes in parts. */
  readonly uploads: string
  readonly cache: string
  readonly quarantine: string
  /** Letters, where there is no mail server. */
  readonly outbox: string
}

export function dataFolder(dir: string): DataFolder {
  const root = resolve(dir)
  return {
    dir: root,
    blobs: join(root, 'blobs', 'sha256'),
    tmp: join(root, 'tmp'),
    uploads: join(root, 'uploads'),
    cache: join(root, 'cache'),
    quarantine: join(root, 'quarantine'),
    outbox: join(root, 'outbox'),
  }
}

/**
 * Makes what is missing of a data folder, on the disk when it resolves, and checks its format.
 * @throws UnusableFolder with what to do.
 */
export async function prepareFolder(dir: string): Promise<DataFolder> {
  const folder = dataFolder(dir)
  try {
    const format = await requireKnownFormat(folder.dir)
    await requireOwnLinks(folder.dir)
    // The data folder's own name, and those of the folders above it that are made for it, are part of the promise.
    await makeFolder(folder.dir)
    for (const path of [folder.blobs, folder.tmp, folder.uploads, folder.cache, folder.quarantine]) {
      await mkdir(path, { recursive: true, mode: 0o700 })
    }
    if (format === undefined) await writeFile(formatFile(folder.dir), `${layoutVersion}\n`, { flush: true })
    await closeToOthers(folder.dir)
    for (const path of [folder.blobs, join(folder.dir, 'blobs'), folder.dir]) await syncFolder(path)
  } catch (error) {
    if (error instanceof UnusableFolder) throw error
    throw await unusable(folder.dir, error)
  }
  return folder
}

/**
 * The data folder of a store that was started before. @throws UnusableFolder for any other: a command must not call a
 * mistyped folder, or one whose disk is not mounted, a sound and empty store.
 */
export async function existingFolder(dir: string): Promise<DataFolder> {
  await requireStore(dir)
  return prepareFolder(dir)
}

/** As `existingFolder`, for whoever only reads: changes nothing. @throws UnusableFolder. */
export async function requireStore(dir: string): Promise<DataFolder> {
  const folder = dataFolder(dir)
  const format = await requireKnownFormat(folder.dir)
  if (format === undefined) {
    throw new UnusableFolder(
      `There is no store in ${folder.dir} (data.dir). Is the path right, and its disk mounted? "larder serve" makes a new one.`,
    )
  }
  return folder
}

/**
 * Refuses a folder that has files and no catalogue: what would be made anew knows none of them, and would remove them as garbage.
 * @throws UnusableFolder
 */
export async function requireCatalogue({ dir, blobs }: DataFolder): Promise<void> {
  const catalogue = join(dir, 'catalogue.db')
  const found = await stat(catalogue).catch(unlessMissing)
  if (found && found.size > 0) return
  const names = (await readdir(blobs).catch(unlessMissing)) ?? []
  if (!names.some((name) => /^[0-9a-f]{2}$/.test(name))) return
  throw new UnusableFolder(
    `${dir} holds files, and their catalogue is missing (${catalogue}). Put it back: from a backup, or, if an update was to be ` +
      `undone, from ${join(dir, 'backups')}. Nothing was changed.`,
  )
}

/** In a folder that was there before, files may lie that anybody on this machine could read: hashes, addresses, letters. */
async function closeToOthers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!/^(catalogue|activity)\.db(-wal|-shm)?$/.test(name)) continue
    // Another process that closes the catalogue takes its log away.
    await chmod(join(dir, name), 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
}

const formatFile = (dir: string): string => join(dir, 'format')

/**
 * The layout's version that a folder says it has, where it says one. Changes nothing.
 * @throws UnusableFolder where this version does not know it, or it cannot be read.
 */
export async function requireKnownFormat(dir: string): Promise<number | undefined> {
  const text = await readFile(formatFile(dir), 'utf8')
    .catch(unlessMissing)
    .catch(async (error) => {
      throw await unusable(dir, error)
    })
  if (text === undefined) return undefined
  const version = Number(text.trim())
  if (!Number.isInteger(version) || version < 1) {
    throw new UnusableFolder(
      `${formatFile(dir)} should hold the layout's version (${layoutVersion}), and holds ${JSON.stringify(text.slice(0, 40))}. Is ${dir} a Larder data folder?`,
    )
  }
  if (version > layoutVersion) {
    throw new UnusableFolder(
      `${dir} has layout ${version}; this Larder knows up to ${layoutVersion}. Start the newer version again, or restore a backup that this one made. Nothing was changed.`,
    )
  }
  return version
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** What a backup says of itself, and the name that this has from when a server took the folder for its store. */
export const backupNote = 'backup.json'
export const servedNote = 'backup-served.json'

/**
 * What only the one server of a folder may do: makes a backup a store of its own, removes what uploads left that were cut off, and
 * tries that a file can be written, renamed and read back.
 * @throws UnusableFolder
 */
export async function takeOver(folder: DataFolder): Promise<{ leftovers: number }> {
  try {
    await noLongerBackup(folder.dir)
    const leftovers = await readdir(folder.tmp)
    for (const name of leftovers) await rm(join(folder.tmp, name), { recursive: true, force: true })
    await tryOut(folder)
    return { leftovers: leftovers.length }
  } catch (error) {
    // A full disk must not keep the store from opening: what is there can be read and deleted.
    if (isFull(error)) return { leftovers: 0 }
    throw await unusable(folder.dir, error)
  }
}

/** The next backup must not write over what comes into it from here on. */
async function noLongerBackup(dir: string): Promise<void> {
  const isBackup = await rename(join(dir, backupNote), join(dir, servedNote)).then(() => true, unlessMissing)
  if (isBackup) await syncFolder(dir)
}

async function tryOut(folder: DataFolder): Promise<void> {
  const [written, renamed, text] = [join(folder.tmp, 'probe'), join(folder.blobs, '.probe'), randomUUID()]
  try {
    await writeFile(written, text, { flush: true })
    await rename(written, renamed)
  } catch (error) {
    await rm(written, { force: true })
    throw error
  }
  const back = await readFile(renamed, 'utf8')
  await rm(renamed)
  if (back !== text) throw new Error('a file that was written came back different')
}

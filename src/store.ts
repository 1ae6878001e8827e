import {
  type BackupNote,
  backupFolder,
  backupPlace,
  clearBackup,
  copySmallFiles,
  finishBackup,
} from './blobs/backup-folder.ts'
import {
  type DataFolder,
  dataFolder,
  existingFolder,
  requireCatalogue,
  requireKnownFormat,
  requireStore,
} from './blobs/layout.ts'
import { LocalBlobs } from './blobs/local.ts'
import { requireOwner, requireOwnLinks } from './blobs/owner.ts'
import { inWords, UnusableFolder } from './blobs/unusable.ts'
import { DatabaseCopies, isUntouched, storeId } from './catalogue/backup.ts'
import { type OpenCatalogue, openCatalogue, requireKnownSchema } from './catalogue/index.ts'
import { backupLock, keepBackupsOut, lockFolder } from './catalogue/lock.ts'
import { spillTo } from './catalogue/spill.ts'
import type { Config } from './config/index.ts'
import { sessionLifeMs } from './core/access.ts'
import type { BlobStore, CatalogueCopies, Clock } from './core/ports.ts'
import { unpackBeside } from './native/index.ts'

export const systemClock: Clock = { now: () => Date.now() }

const tell = (message: string): void => void process.stderr.write(`larder: ${message}\n`)

/** The parts that the command line needs for work beside a server, or without one. */
export interface Store {
  readonly catalogue: OpenCatalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  /** Lets a new key sign access tokens. */
  rotateSigningKey(): Promise<void>
  close(): Promise<void>
}

/**
 * Refuses a data folder that this version, or this user, cannot open, before anything in it is changed.
 * @throws UnusableFolder, UnusableData.
 */
export async function requireOpenable(dir: string): Promise<void> {
  const folder = dataFolder(dir)
  await requireOwner(folder.dir)
  await requireOwnLinks(folder.dir)
  await requireKnownFormat(folder.dir)
  unpackBeside(folder.dir)
  spillTo(folder.tmp)
  await requireKnownSchema(folder.dir)
  await requireCatalogue(folder)
}

/**
 * Keeps backups from being written into a data folder while somebody serves it, or a command works there: what either changed
 * would be written over. Gives the release.
 * @throws UnusableFolder where one is being written.
 */
export function requireNoBackup(dir: string): () => void {
  const release = keepBackupsOut(dir)
  if (release) return release
  throw new UnusableFolder(`A "larder backup" is writing to ${dir}: wait until it has ended. Nothing was changed.`)
}

/** How a server or a command brings older data up to date. */
export function upgradeOf({ data }: Config): { readonly keepsCopies: boolean } {
  return { keepsCopies: data.backup_before_upgrade === 'on' }
}

/**
 * Opens a data folder without serving it.
 * @param report told what is done to data of an older version.
 * @throws UnusableFolder, UnusableData.
 */
export function openStore(config: Config, report: (message: string) => void = tell): Promise<Store> {
  return inWords(config.data.dir, () => open(config, report))
}

async function open(config: Config, report: (message: string) => void): Promise<Store> {
  await requireOpenable(config.data.dir)
  const release = requireNoBackup(config.data.dir)
  try {
    return await openAlone(config, report, release)
  } catch (error) {
    release()
    throw error
  }
}

async function openAlone(config: Config, report: (message: string) => void, release: () => void): Promise<Store> {
  const folder = await existingFolder(config.data.dir)
  const upgrade = { ...upgradeOf(config), report }
  const catalogue = await openCatalogue({ dir: folder.dir, tellsOthers: true, upgrade })
  const blobs = new LocalBlobs({ folder, reserveBytes: config.data.reserve })
  return {
    catalogue,
    blobs,
    clock: systemClock,
    rotateSigningKey: async () => {
      // Only here: other commands need nothing of it.
      const { rotateSigningKey } = await import('./tokens/index.ts')
      const wish = { dir: folder.dir, clock: systemClock, tokenLifeMs: sessionLifeMs }
      await inWords(folder.dir, () => rotateSigningKey(wish))
    },
    close: async () => {
      await blobs.close()
      await catalogue.close()
      release()
    },
  }
}

/** A store and the folder that its backup is in. */
export interface OpenBackup {
  readonly source: BlobStore
  readonly target: BlobStore
  readonly catalogues: CatalogueCopies
  /** Lets the backup open as a store, with what is said of it. */
  finish(note: BackupNote): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a store to be copied, beside a server or without one, and the folder that it is copied to. Of the store nothing is
 * changed, nor is it brought up to date.
 * @throws UnusableFolder, UnusableData.
 */
export function openBackup({ data }: Config, path: string): Promise<OpenBackup> {
  return inWords(data.dir, () => toBackup(data, path))
}

async function toBackup(data: Config['data'], path: string): Promise<OpenBackup> {
  await requireOpenable(data.dir)
  const from = await requireStore(data.dir)
  const store = storeId(from.dir)
  const { dir } = await inWords(path, () => backupPlace(path, from, { store, isUntouched }))
  const release = await inWords(dir, async () => lockFolder(dir, backupLock))
  if (!release) {
    throw new UnusableFolder(
      `Another "larder backup" writes to ${dir}, or a server or a command has it open: wait until it has ended.`,
    )
  }
  try {
    return await toLocked(from, dir, store, release)
  } catch (error) {
    release()
    throw error
  }
}

async function toLocked(from: DataFolder, dir: string, store: string, release: () => void): Promise<OpenBackup> {
  const to = await inWords(dir, () => backupFolder(dir, { store, isUntouched }))
  await inWords(to.dir, () => clearBackup(to))
  const copyRest = (): Promise<void> => copySmallFiles(from, to)
  const catalogues = new DatabaseCopies({ from: from.dir, to: to.dir, copyRest })
  const source = new LocalBlobs({ folder: from, reserveBytes: 0 })
  const target = new LocalBlobs({ folder: to, reserveBytes: 0 })
  return {
    source,
    target,
    catalogues,
    finish: (note) => finishBackup(from, to, store, note),
    close: async () => {
      await source.close()
      await target.close()
      await catalogues.close()
      release()
    },
  }
}

import { existsSync } from 'node:fs'
import { chmod, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type Database from 'better-sqlite3'
import type { CatalogueCopies, CatalogueCopy, Stored } from '../core/ports.ts'
import { syncFolder } from '../durable.ts'
import { activityFile, catalogueFile, openToLook } from './connection.ts'
import { copyDatabase, removeCopy } from './copy.ts'
import { lockFolder } from './lock.ts'
import { UnusableData } from './migrate.ts'

/** The catalogue last: whoever has the new one has all that it needs. The log of requests need not be there. */
const filesOf = (dir: string) => [activityFile, catalogueFile].filter((fileOf) => existsSync(fileOf(dir)))

const newOf = (path: string): string => `${path}.new`

interface Needs {
  /** The store's data folder. */
  readonly from: string
  /** The backup's. */
  readonly to: string
  /** Copies the other files of a store, before the catalogue takes its place. */
  readonly copyRest: () => Promise<void>
}

/** The databases of a store for its backup, in whatever format they are. */
export class DatabaseCopies implements CatalogueCopies {
  readonly #needs: Needs
  readonly #store: Database.Database
  #looking: Database.Database | undefined

  constructor(needs: Needs) {
    this.#needs = needs
    this.#store = openToLook(catalogueFile(needs.from))
  }

  async take(): Promise<CatalogueCopy> {
    const { from, to } = this.#needs
    this.#close()
    // The log of requests first: what it counts may be behind the files, and never ahead of them.
    for (const fileOf of filesOf(from))
      await copyDatabase(fileOf(from), newOf(fileOf(to)), fileOf === catalogueFile ? makeBackup : undefined)
    return this.#look(newOf(catalogueFile(to)))
  }

  isNamedNow(digest: string): boolean {
    return names(this.#store, digest)
  }

  async install(): Promise<CatalogueCopy> {
    const { to, copyRest } = this.#needs
    this.#close()
    const release = requireNotServed(to)
    try {
      await copyRest()
      await this.#replace()
    } finally {
      release()
    }
    return this.#look(catalogueFile(to))
  }

  async #replace(): Promise<void> {
    const { from, to } = this.#needs
    for (const fileOf of filesOf(from)) {
      // Logs of one that was looked at in between, which `backupFolder` has seen to be empty.
      for (const end of ['-wal', '-shm']) await rm(fileOf(to) + end, { force: true })
      await rename(newOf(fileOf(to)), fileOf(to))
      await chmod(fileOf(to), 0o600)
      await syncFolder(to)
    }
  }

  /** Leaves nothing of a run that was not finished. */
  async close(): Promise<void> {
    this.#close()
    this.#store.close()
    for (const fileOf of [activityFile, catalogueFile]) await removeCopy(newOf(fileOf(this.#needs.to)))
  }

  #look(file: string): CatalogueCopy {
    const raw = openToLook(file)
    this.#looking = raw
    const after = raw.prepare('SELECT digest, size FROM blobs WHERE digest > ? AND names > 0 ORDER BY digest LIMIT ?')
    return {
      blobsAfter: (digest, limit) => after.all(digest, limit) as Stored[],
      names: (digest) => names(raw, digest),
    }
  }

  #close(): void {
    this.#looking?.close()
    this.#looking = undefined
  }
}

/** A server that knows nothing of a backup's own lock must not find other databases under its feet. Gives the release. */
function requireNotServed(dir: string): () => void {
  // Without a server there never was one: a backup makes no such file.
  const release = existsSync(join(dir, 'lock')) ? lockFolder(dir) : () => {}
  if (release) return release
  throw new UnusableData(
    `Somebody serves the backup in ${dir} since this run began: it was not written over. Name another folder.`,
  )
}

/**
 * The id by which a store is known again: that of its owner's account, which the first start makes and nothing changes.
 * @throws UnusableData where it was never started.
 */
export function storeId(dir: string): string {
  const nothing = new UnusableData(`The store in ${dir} was never started: there is nothing to back up.`)
  if (!existsSync(catalogueFile(dir))) throw nothing
  const raw = openToLook(catalogueFile(dir))
  try {
    const id = raw.prepare('SELECT id FROM accounts WHERE is_owner = 1').pluck().get() as string | undefined
    if (id === undefined) throw nothing
    return id
  } finally {
    raw.close()
  }
}

/**
 * Whether a backup's catalogue is as it was made, as far as that can be told at little cost: with the accounts, keys and files that it
 * had, whatever format it was brought to since. True where there is none, or one that is not known to be a backup's.
 */
export function isUntouched(dir: string): boolean {
  if (!existsSync(catalogueFile(dir))) return true
  const raw = openToLook(catalogueFile(dir))
  try {
    const mark = raw.pragma('user_version', { simple: true })
    return mark === 0 || mark === markOf(raw)
  } catch (error) {
    // One that is damaged is what the next backup mends.
    if (!['SQLITE_NOTADB', 'SQLITE_CORRUPT'].includes((error as { code?: string }).code ?? '')) throw error
    return true
  } finally {
    raw.close()
  }
}

/** Of what every format has, and what commands and requests add to or change. */
const traces = [
  'SELECT count(*), max(updated_at) FROM accounts',
  'SELECT count(*), count(revoked_at), max(created_at) FROM keys',
  'SELECT count(*), count(used_at) FROM links',
  "SELECT name, seq FROM sqlite_sequence WHERE name IN ('entries', 'files', 'outside_changes') ORDER BY name",
]

/** Not 0, which is what a database has that nobody marked; of 31 bits, as SQLite keeps it. */
function markOf(raw: Database.Database): number {
  const found = traces.map((text) => raw.prepare(text).raw().all())
  return (crc32(JSON.stringify(found)) >>> 1) | 1
}

function names(raw: Database.Database, digest: string): boolean {
  return raw.prepare('SELECT 1 FROM blobs WHERE digest = ? AND names > 0').get(digest) !== undefined
}

/** The mark lies in the catalogue itself: the one takes the other's place together. */
function makeBackup(copy: Database.Database): void {
  forgetParts(copy)
  copy.pragma(`user_version = ${markOf(copy)}`)
}

/**
 * What uploads under way have sent so far is not part of a backup: in its catalogue they have received nothing yet, as a server
 * would find when it starts and misses the files.
 */
function forgetParts(copy: Database.Database): void {
  const hasParts = copy.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'upload_parts'").get()
  if (!hasParts) return
  copy.exec(`
    DELETE FROM upload_parts;
    UPDATE uploads SET bytes = 0, assembled = NULL WHERE state = 'open';
    UPDATE uploads SET bytes = 0 WHERE bytes > 0;
    UPDATE accounts SET upload_bytes = 0 WHERE upload_bytes > 0`)
}

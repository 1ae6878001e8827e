import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { lstat, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type Database from 'better-sqlite3'
import { shellWord } from '../core/text.ts'
import { makeFolder, syncFolder } from '../durable.ts'
import { openToLook } from './connection.ts'
import { copyDatabase, removeCopy } from './copy.ts'
import { isFull } from './full.ts'
import { type Migrations, schemaOf, UnusableData } from './migrate.ts'

/** How many copies of each database stay; the oldest go. */
const kept = 3

/** A copy that was cut off. */
const half = /\.db\.half(-journal|-wal|-shm)?$/
const copyName = /^(catalogue|activity)-before-.+-(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z)\.db$/

/** Where copies lie that are made before an update. */
export const copiesFolder = (dir: string): string => join(dir, 'backups')

/** A database that is about to be changed. */
export interface Before {
  readonly name: 'catalogue' | 'activity'
  readonly file: string
  readonly raw: Database.Database
  /** The first of the migrations to come. */
  readonly migration: string
}

/** A copy that goes with an update. */
export interface Copy {
  readonly name: Before['name']
  readonly path: string
  /** Whether this update made it; else it lay there already, the same byte for byte. */
  readonly isNew: boolean
}

/**
 * Copies databases before they are migrated: all of them are whole, checked and on the disk when this resolves, or none is
 * there. What a copy that was cut off has left behind is removed. No older copy is: see `removeOldCopies`.
 * @throws UnusableData where the disk has no room, or a database is damaged.
 */
export async function keepCopies(dir: string, databases: readonly Before[], now: Date): Promise<Copy[]> {
  const folder = copiesFolder(dir)
  await requireFolder(folder)
  await removeHalves(folder)
  await requireRoom(dir, folder, databases)
  await makeFolder(folder)
  const stamp = stampAfter(await namesIn(folder), now)
  const wanted = databases.map(({ name, migration, file }) => {
    return { name, file, migration, path: join(folder, `${name}-before-${migration}-${stamp}.db`) }
  })
  const copies: Copy[] = []
  try {
    for (const { file, path } of wanted) await copyDatabase(file, halfOf(path))
    for (const { name, migration, path } of wanted) {
      const same = await sameAs(halfOf(path), folder, name, migration)
      copies.push({ name, path: same ?? path, isNew: same === undefined })
      if (same === undefined) await rename(halfOf(path), path)
      else await removeCopy(halfOf(path))
    }
    await syncFolder(folder)
  } catch (error) {
    // Looked at before there is room again.
    const wasFull = await isFull(error, folder)
    for (const { path } of wanted) await removeCopy(halfOf(path))
    await removeCopies(copies)
    throw wasFull ? noRoom(folder, databases) : error
  }
  return copies
}

/** Removes what an update has made that changed nothing: an update that fails again and again must not push older copies out. */
export async function removeCopies(copies: readonly Copy[]): Promise<void> {
  for (const { path, isNew } of copies) if (isNew) await removeCopy(path)
}

/** Once an update is done, removes all but the last few copies of each database, and never what this one goes with. */
export async function removeOldCopies(dir: string, copies: readonly Copy[]): Promise<void> {
  const folder = copiesFolder(dir)
  const own = copies.map(({ path }) => path)
  for (const { name } of copies)
    for (const old of (await copiesIn(folder, name)).slice(0, -kept))
      if (!own.includes(join(folder, old))) await rm(join(folder, old), { force: true })
}

/** The latest copy of a database that a version with these migrations can open. */
export async function latestCopyFor(
  dir: string,
  name: Before['name'],
  migrations: Migrations,
): Promise<string | undefined> {
  const folder = copiesFolder(dir)
  const all = (await copiesIn(folder, name)).map((copy) => join(folder, copy)).reverse()
  return all.find((path) => {
    let raw: Database.Database | undefined
    try {
      raw = openToLook(path)
      return schemaOf(raw, migrations).unknown.length === 0
    } catch {
      // Whatever it is, it is no copy that could be put back.
      return false
    } finally {
      raw?.close()
    }
  })
}

/** How a person goes back to copies, as the end of a sentence. Root does it too: then the owner of a copy stays its owner. */
export function wayBack(dir: string, copies: readonly Pick<Copy, 'name' | 'path'>[]): string {
  const away = copies.map(({ name }) => `${name}.db*`).join(' and ')
  const back = copies
    .map(({ name, path }) => `cp -p ${shellWord(path)} ${shellWord(join(dir, `${name}.db`))}`)
    .join(' && ')
  return `stop Larder, move ${away} out of ${dir}, and put back what was: ${back}`
}

const halfOf = (path: string): string => `${path}.half`

const stampIn = (name: string): string => copyName.exec(name)?.[2] ?? ''

/** The moment for the names of new copies. It is later than that of any copy there: a clock that is behind must not make them the oldest. */
function stampAfter(names: readonly string[], now: Date): string {
  const times = names
    .map((name) => Date.parse(stampIn(name).replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:')))
    .filter(Number.isFinite)
  return new Date(Math.max(now.getTime(), ...times.map((time) => time + 1))).toISOString().replaceAll(':', '-')
}

/** Oldest first. */
async function copiesIn(folder: string, name: string): Promise<string[]> {
  const names = await namesIn(folder)
  return names
    .filter((one) => copyName.exec(one)?.[1] === name)
    .sort((one, other) => (stampIn(one) < stampIn(other) ? -1 : 1))
}

/** The latest copy of a database, where it is the same: updates that are killed again and again must not fill the disk. */
async function sameAs(made: string, folder: string, name: string, migration: string): Promise<string | undefined> {
  const latest = (await copiesIn(folder, name)).at(-1)
  if (!latest?.startsWith(`${name}-before-${migration}-`)) return undefined
  const path = join(folder, latest)
  return (await stat(path)).size === (await stat(made)).size && (await hashOf(path)) === (await hashOf(made))
    ? path
    : undefined
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
}

/** Refuses a file, and a link that leads to no folder. */
async function requireFolder(folder: string): Promise<void> {
  const isThere = await lstat(folder).catch(() => undefined)
  const leadsTo = await stat(folder).catch(() => undefined)
  if (!isThere || leadsTo?.isDirectory()) return
  throw new UnusableData(
    `The catalogue must be brought up to date, and a copy of it is made first, in ${folder}: that is ${isThere.isSymbolicLink() ? 'a link that leads to no folder' : 'no folder'}. ` +
      'Move it away and start again. Nothing was changed.',
  )
}

async function removeHalves(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) if (half.test(name)) await rm(join(folder, name), { force: true })
}

/** @param folder where they will lie; it may be a disk of its own, and may not be there yet. */
async function requireRoom(dir: string, folder: string, databases: readonly Before[]): Promise<void> {
  const { bavail, bsize } = await statfs(existsSync(folder) ? folder : dir)
  if (bytesOf(databases) > bavail * bsize) throw noRoom(folder, databases, bavail * bsize)
}

function bytesOf(databases: readonly Before[]): number {
  const pragma = (raw: Database.Database, name: string): number => raw.pragma(name, { simple: true }) as number
  return databases.reduce((sum, { raw }) => sum + pragma(raw, 'page_count') * pragma(raw, 'page_size'), 0)
}

function sizeText(bytes: number): string {
  const kibibytes = Math.ceil(bytes / 1024)
  return kibibytes < 1024 ? `${kibibytes} KiB` : `${Math.ceil(kibibytes / 1024)} MiB`
}

function noRoom(folder: string, databases: readonly Before[], room?: number): UnusableData {
  const has = room === undefined ? 'the disk has less' : `the disk has ${sizeText(Math.max(0, room))}`
  return new UnusableData(
    `The catalogue must be brought up to date, and a copy of it is made first: it takes ${sizeText(bytesOf(databases))} in ${folder}, and ${has}. ` +
      'Make room on that disk (older copies in that folder may go) and start again; or, once there is a backup elsewhere, ' +
      'start without the copy: --set data.backup_before_upgrade=off. Nothing was changed.',
  )
}

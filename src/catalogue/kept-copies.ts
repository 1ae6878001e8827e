import { existsSync } from 'node:fs'
import { chmod, readdir, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { makeFolder, syncFolder } from '../durable.ts'
import { openToLook } from './connection.ts'
import { copyDatabase, removeCopy } from './copy.ts'
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

/**
 * Copies databases before they are migrated: all of them are whole, checked and on the disk when this resolves, or none is
 * there. What a copy that was cut off has left behind is removed.
 * @returns where each copy lies.
 * @throws UnusableData where the disk has no room, or a database is damaged.
 */
export async function keepCopies(
  dir: string,
  databases: readonly Before[],
  now: Date,
): Promise<{ name: Before['name']; path: string }[]> {
  const folder = copiesFolder(dir)
  await removeHalves(folder)
  await requireRoom(dir, folder, databases)
  await makeFolder(folder)
  await chmod(folder, 0o700)
  const stamp = now.toISOString().replaceAll(':', '-')
  const copies = databases.map(({ name, migration, file }) => {
    return { name, file, path: join(folder, `${name}-before-${migration}-${stamp}.db`) }
  })
  try {
    for (const { file, path } of copies) await copyDatabase(file, halfOf(path))
  } catch (error) {
    for (const { path } of copies) await removeCopy(halfOf(path))
    throw isFull(error) ? noRoom(folder, databases) : error
  }
  for (const { path } of copies) await rename(halfOf(path), path)
  await syncFolder(folder)
  for (const { name } of databases) await removeOld(folder, name)
  return copies
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
    const raw = openToLook(path)
    try {
      return schemaOf(raw, migrations).unknown.length === 0
    } catch {
      // Whatever it is, it is no copy that could be put back.
      return false
    } finally {
      raw.close()
    }
  })
}

/** How a person goes back to copies, as the end of a sentence. */
export function wayBack(dir: string, copies: readonly { name: Before['name']; path: string }[]): string {
  const away = copies.map(({ name }) => `${name}.db*`).join(' and ')
  const back = copies.map(({ name, path }) => `${path} to ${join(dir, name)}.db`).join(' and ')
  return `stop Larder, move ${away} out of ${dir}, and copy ${back}`
}

const halfOf = (path: string): string => `${path}.half`

/** Oldest first. */
async function copiesIn(folder: string, name: string): Promise<string[]> {
  const names = await namesIn(folder)
  const stampOf = (one: string): string => copyName.exec(one)?.[2] ?? ''
  return names
    .filter((one) => copyName.exec(one)?.[1] === name)
    .sort((one, other) => (stampOf(one) < stampOf(other) ? -1 : 1))
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

async function removeHalves(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) if (half.test(name)) await rm(join(folder, name), { force: true })
}

async function removeOld(folder: string, name: string): Promise<void> {
  for (const old of (await copiesIn(folder, name)).slice(0, -kept)) await rm(join(folder, old), { force: true })
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

function isFull(error: unknown): boolean {
  return ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes((error as { code?: string }).code ?? '')
}

function noRoom(folder: string, databases: readonly Before[], room?: number): UnusableData {
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MiB`
  const has = room === undefined ? 'the disk has less' : `the disk has ${mebibytes(Math.max(0, room))}`
  return new UnusableData(
    `The catalogue must be brought up to date, and a copy of it is made first: it takes ${mebibytes(bytesOf(databases))} in ${folder}, and ${has}. ` +
      'Make room on that disk (older copies in that folder may go) and start again; or, once there is a backup elsewhere, ' +
      'start without the copy: --set data.backup_before_upgrade=off. Nothing was changed.',
  )
}

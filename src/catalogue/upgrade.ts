import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { activityFile, catalogueFile, openActivityWriter, openToLook, openWriter } from './connection.ts'
import { isFull } from './full.ts'
import { type Copy, keepCopies, latestCopyFor, removeCopies, removeOldCopies, wayBack } from './kept-copies.ts'
import { lockFolder } from './lock.ts'
import {
  activityMigrations,
  catalogueMigrations,
  migrateWithin,
  newerText,
  type Schema,
  schemaOf,
  UnusableData,
} from './migrate.ts'

/** How long a command waits for another process that has the folder's lock, which may be just at the same work. */
const patienceMs = 3_000
const lookEveryMs = 50

export interface UpgradeOptions {
  /** Whether the caller has the folder's lock (`lockFolder`); who has not takes it for as long as the work lasts. */
  readonly hasLock: boolean
  /** Whether a copy is kept of each database before it is changed. */
  readonly keepsCopies: boolean
  /** Told what is done, in sentences for whoever starts it. */
  readonly report: (message: string) => void
}

/** The databases of a data folder, and what each must have gone through. */
const databases = [
  { name: 'catalogue', fileOf: catalogueFile, open: openWriter, migrations: catalogueMigrations },
  { name: 'activity', fileOf: activityFile, open: openActivityWriter, migrations: activityMigrations },
] as const

type Kind = (typeof databases)[number]
const none: Schema = { done: [], pending: [], unknown: [] }

/**
 * Refuses a data folder whose databases this version cannot open, before anything in it was changed. Resolves to whether it is of
 * the present format.
 * @throws UnusableData with what to do, and the copy by which one could go back.
 */
export async function requireKnownSchema(dir: string): Promise<{ isUpToDate: boolean }> {
  const schemas = await schemasIn(dir)
  const newer = schemas.filter(({ unknown }) => unknown.length > 0)
  if (newer.length === 0) return { isUpToDate: schemas.every(({ pending }) => pending.length === 0) }
  const what = newer.map(({ kind, unknown }) => newerText(`${kind.name}.db`, unknown)).join('; ')
  const found = newer.map(async ({ kind: { name, migrations } }) => {
    const path = await latestCopyFor(dir, name, migrations)
    return path === undefined ? [] : [{ name, path }]
  })
  const copies = (await Promise.all(found)).flat()
  const back =
    copies.length === newer.length
      ? `or go back, without what came since: ${wayBack(dir, copies)}`
      : 'or restore a backup that this one made'
  throw new UnusableData(`${what}. Start the newer version again, ${back}. Nothing was changed.`)
}

/**
 * Makes the databases of a data folder, or brings them up to date. Only the one who has the folder's lock does that: a server of
 * an older version must not find other tables under its feet. Cut off at any moment and done again, it comes to the same.
 * @throws UnusableData where a newer version wrote them, another process serves them, or there is no room for their copies.
 */
export async function bringUpToDate(dir: string, options: UpgradeOptions): Promise<void> {
  // One that was put back from a copy has no log yet: it must be begun before anybody reads.
  if ((await requireKnownSchema(dir)).isUpToDate) return closeLogs(dir)
  const release = options.hasLock ? () => {} : await lockUnlessDone(dir)
  try {
    if (!isUpToDate(dir)) await upgrade(dir, options)
  } catch (error) {
    throw (await isFull(error, dir)) ? fullDuring(dir) : error
  } finally {
    release?.()
  }
}

async function schemasIn(dir: string): Promise<(Schema & { readonly kind: Kind })[]> {
  try {
    return databases.map((kind) => ({ kind, ...schemaIn(dir, kind) }))
  } catch (error) {
    if (!(await isFull(error, dir))) throw error
    throw new UnusableData(
      `The disk is full: the databases in ${dir} cannot be opened. Make room and start again. Nothing is lost.`,
    )
  }
}

function schemaIn(dir: string, { name, fileOf, migrations }: Kind): Schema {
  const file = fileOf(dir)
  if (!existsSync(file)) return { ...none, pending: Object.keys(migrations) }
  const raw = openToLook(file)
  try {
    return schemaOf(raw, migrations)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'SQLITE_NOTADB' && code !== 'SQLITE_CORRUPT') throw error
    throw new UnusableData(
      `${file} is damaged, or no database at all (${code}). Put ${name}.db back from a backup. Nothing was changed.`,
    )
  } finally {
    raw.close()
  }
}

const isUpToDate = (dir: string): boolean => databases.every((kind) => schemaIn(dir, kind).pending.length === 0)

/**
 * Opens and closes both databases by one that may write: what is in their logs is moved into them, unless others have them open.
 * Of a folder that was moved away nothing is made anew.
 */
export function closeLogs(dir: string): void {
  for (const { open, fileOf } of databases) if (existsSync(fileOf(dir))) open(dir).raw.close()
}

/** The release of the folder's lock; undefined where another process has done the work meanwhile. */
async function lockUnlessDone(dir: string): Promise<(() => void) | undefined> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(lookEveryMs)) {
    const release = lockFolder(dir)
    if (release) return release
    if (isUpToDate(dir)) return undefined
  }
  throw new UnusableData(
    `An older Larder serves the data folder ${dir} (or another one is just bringing it up to date): start it anew with this version first. Nothing was changed.`,
  )
}

async function upgrade(dir: string, { keepsCopies, report }: UpgradeOptions): Promise<void> {
  const outdated = databases
    .map((kind) => ({ kind, ...schemaIn(dir, kind) }))
    .filter(({ pending }) => pending.length > 0)
    .map((one) => ({ ...one, connection: one.kind.open(dir) }))
  let copies: Copy[] = []
  try {
    // Nobody else writes from here on: what is copied is what is changed.
    for (const { connection } of outdated) connection.raw.exec('BEGIN IMMEDIATE')
    const older = outdated.filter(({ done }) => done.length > 0)
    if (older.length > 0) {
      const steps = older.flatMap(({ pending }) => pending).join(', ')
      report(`an older Larder wrote this data folder: it is brought up to date (${steps})`)
      if (keepsCopies) copies = await copy(dir, older)
      if (copies.length > 0) report(copiesText(dir, copies))
    }
    for (const { connection, kind } of outdated) await migrateWithin(connection, kind.migrations)
  } catch (error) {
    for (const { connection } of outdated) connection.raw.close()
    await removeCopies(copies.filter(({ name }) => isAsBefore(dir, outdated, name)))
    throw error
  } finally {
    for (const { connection } of outdated) connection.raw.close()
  }
  await removeOldCopies(dir, copies)
}

type Outdated = Schema & { readonly kind: Kind; readonly connection: { readonly raw: ReturnType<typeof openToLook> } }

function copy(dir: string, older: readonly Outdated[]): Promise<Copy[]> {
  const before = older.map(({ kind, connection, pending }) => {
    const [migration = ''] = pending
    return { name: kind.name, file: kind.fileOf(dir), raw: connection.raw, migration }
  })
  return keepCopies(dir, before, new Date())
}

function copiesText(dir: string, copies: readonly Copy[]): string {
  const paths = copies.map(({ path }) => path).join(', ')
  return `as it was, it lies in ${paths}. To go back: ${wayBack(dir, copies)}; then start the older version`
}

/** Whether a database was not changed after all: looked at, as a commit that failed may have been written or not. */
function isAsBefore(dir: string, outdated: readonly Outdated[], name: string): boolean {
  const one = outdated.find(({ kind }) => kind.name === name)
  try {
    return one !== undefined && schemaIn(dir, one.kind).pending.length === one.pending.length
  } catch {
    return false
  }
}

function fullDuring(dir: string): UnusableData {
  return new UnusableData(
    `The disk is full: the catalogue in ${dir} could not be brought up to date. Make room and start again. Nothing is lost.`,
  )
}

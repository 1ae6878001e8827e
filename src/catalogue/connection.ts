import { statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { ActivityTables, CatalogueTables, ReadTables } from './schema.ts'

/** How long a writer waits for another process's transaction (the command line beside the server), in milliseconds. */
const busyTimeoutMs = 10_000

/** Prepared statements kept of each connection: lists in them make many texts of one question. */
const statementsKept = 300

export const catalogueFile = (dir: string): string => join(dir, 'catalogue.db')
export const activityFile = (dir: string): string => join(dir, 'activity.db')

export interface Connection<Tables> {
  readonly raw: Database.Database
  readonly db: Kysely<Tables>
}

function over<Tables>(raw: Database.Database): Connection<Tables> {
  // Kysely would have each statement prepared anew, which takes longer than most of them run. Nobody streams over one,
  // so none is asked for again while it is under way.
  const prepared = new LRUCache<string, Database.Statement>({ max: statementsKept })
  const prepare = (text: string): Database.Statement => {
    const statement = prepared.get(text) ?? raw.prepare(text)
    prepared.set(text, statement)
    return statement
  }
  const database = { prepare, close: () => void raw.close() }
  return { raw, db: new Kysely<Tables>({ dialect: new SqliteDialect({ database }) }) }
}

/** FULL: a commit returns when the write-ahead log is on the disk itself. Every 2xx rests on this line. */
export function openWriter(dir: string): Connection<CatalogueTables> {
  const raw = new Database(catalogueFile(dir), { timeout: busyTimeoutMs })
  raw.pragma('journal_mode = WAL')
  raw.pragma('synchronous = FULL')
  raw.pragma('foreign_keys = ON')
  return over(raw)
}

/** NORMAL: a power cut may take the last second of requests and usage, and waits for no disk in return. */
export function openActivityWriter(dir: string): Connection<ActivityTables> {
  const raw = new Database(activityFile(dir), { timeout: busyTimeoutMs })
  raw.pragma('journal_mode = WAL')
  raw.pragma('synchronous = NORMAL')
  return over(raw)
}

/**
 * One database to look at, which must exist: the folder is afterwards as it was. Whoever may write would, as the last to close it,
 * move a log that a killed process left into the database; whoever may not leaves an empty log behind where there was none. So
 * only where a log has content may this one not write. (Should its last writer end in that very moment, an empty log stays.)
 */
export function openToLook(file: string): Database.Database {
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false })
  return new Database(file, {
    readonly: log !== undefined && log.size > 0,
    fileMustExist: true,
    timeout: busyTimeoutMs,
  })
}

/** Reads only, of both databases: `activity.` names the second. */
export function openReader(dir: string): Connection<ReadTables> {
  const raw = new Database(catalogueFile(dir), { readonly: true, timeout: busyTimeoutMs })
  raw.prepare('ATTACH DATABASE ? AS activity').run(activityFile(dir))
  return over(raw)
}

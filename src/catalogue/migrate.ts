import type Database from 'better-sqlite3'
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Connection } from './connection.ts'
import * as firstActivity from './migrations/0001-activity.ts'
import * as firstCatalogue from './migrations/0001-catalogue.ts'
import * as accounts from './migrations/0002-accounts.ts'
import * as usage from './migrations/0002-activity.ts'
import * as storage from './migrations/0003-storage.ts'

export type Migrations = Record<string, Migration>
/** A migration knows its tables by their names in its own text, not by today's types. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely's own type for a database of no particular schema
type AnyDatabase = Kysely<any>
export type AnyConnection = Pick<Connection<never>, 'raw'> & { readonly db: AnyDatabase }

/** In the order of their names; imported rather than read from a folder, so that one executable file can carry them. */
export const catalogueMigrations: Migrations = {
  '0001-catalogue': firstCatalogue,
  '0002-accounts': accounts,
  '0003-storage': storage,
}
export const activityMigrations: Migrations = { '0001-activity': firstActivity, '0002-activity': usage }

/** A data folder that this version cannot open; the message is for the person who starts it. */
export class UnusableData extends Error {
  override name = 'UnusableData'
}

/** What a database went through, by the names of migrations. */
export interface Schema {
  readonly done: readonly string[]
  /** Known here, and not done yet. */
  readonly pending: readonly string[]
  /** Done, and not known here: a newer version did them. */
  readonly unknown: readonly string[]
}

/** Reads a database's migrations; changes nothing. */
export function schemaOf(raw: Database.Database, migrations: Migrations): Schema {
  const table = raw.prepare("SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'").get()
  const done = table ? (raw.prepare('SELECT name FROM kysely_migration ORDER BY name').pluck().all() as string[]) : []
  return {
    done,
    pending: Object.keys(migrations).filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !(name in migrations)),
  }
}

/** The steps, in the transaction that is open, which ends with them: done whole, or rolled back where one fails. */
export async function migrateWithin({ raw, db }: AnyConnection, migrations: Migrations): Promise<void> {
  // Kysely opens no transaction of its own: it believes that SQLite cannot change its schema within one.
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (!error) raw.exec('COMMIT')
  else if (raw.inTransaction) raw.exec('ROLLBACK')
  if (error) throw error
}

/** How it is said that a newer version wrote a database. */
export function newerText(file: string, unknown: readonly string[]): string {
  return `${file} was written by a newer Larder (it has ${unknown.join(', ')}, which this version does not know)`
}

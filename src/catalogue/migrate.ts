import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Connection } from './connection.ts'
import * as firstActivity from './migrations/0001-activity.ts'
import * as firstCatalogue from './migrations/0001-catalogue.ts'
import * as accounts from './migrations/0002-accounts.ts'
import * as usage from './migrations/0002-activity.ts'
import * as storage from './migrations/0003-storage.ts'

type Migrations = Record<string, Migration>
/** A migration knows its tables by their names in its own text, not by today's types. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely's own type for a database of no particular schema
type AnyDatabase = Kysely<any>
type AnyConnection = Pick<Connection<never>, 'raw'> & { readonly db: AnyDatabase }

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

/**
 * Brings a database to this version's schema, all steps in one transaction: an update that is cut off has changed nothing.
 * @throws UnusableData where the schema is newer than this version knows.
 */
export async function migrate({ raw, db }: AnyConnection, migrations: Migrations, file: string): Promise<void> {
  await refuseNewer(db, migrations, file)
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  // Kysely opens none: it believes that SQLite cannot change its schema within one.
  raw.exec('BEGIN IMMEDIATE')
  const { error } = await migrator.migrateToLatest()
  if (!error) raw.exec('COMMIT')
  else if (raw.inTransaction) raw.exec('ROLLBACK')
  if (error) throw error
}

async function refuseNewer(db: AnyDatabase, migrations: Migrations, file: string): Promise<void> {
  const table = await sql<{ name: string }>`SELECT name FROM sqlite_master WHERE name = 'kysely_migration'`.execute(db)
  if (table.rows.length === 0) return
  const done = await sql<{ name: string }>`SELECT name FROM kysely_migration`.execute(db)
  const unknown = done.rows.map((row) => row.name).filter((name) => !(name in migrations))
  if (unknown.length > 0) {
    throw new UnusableData(
      `${file} was written by a newer Larder (it has ${unknown.join(', ')}, which this version does not know). ` +
        'Start the newer version again, or restore a backup that this one made. Nothing was changed.',
    )
  }
}

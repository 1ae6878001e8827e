import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/** Through a key with a prefix, usage is that of the files below it; and how many requests are kept is counted as they come and go. */
const statements = [
  'ALTER TABLE file_usage ADD COLUMN origin_reads INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE file_usage ADD COLUMN image_ops INTEGER NOT NULL DEFAULT 0',
  `CREATE TABLE request_counts (
    account_id TEXT NOT NULL PRIMARY KEY, kept INTEGER NOT NULL CHECK (kept >= 0)
  ) STRICT, WITHOUT ROWID`,
  'INSERT INTO request_counts (account_id, kept) SELECT account_id, count(*) FROM requests GROUP BY account_id',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

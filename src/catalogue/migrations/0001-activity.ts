import type { Kysely } from 'kysely'
import { sql } from 'kysely'

const statements = [
  `CREATE TABLE requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, account_id TEXT NOT NULL, key_id TEXT, method TEXT NOT NULL,
    path TEXT NOT NULL, status INTEGER NOT NULL, request_bytes INTEGER, duration_ms REAL NOT NULL, user_agent TEXT,
    created_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX requests_of_account ON requests (account_id, seq)',
  'CREATE INDEX requests_by_time ON requests (created_at)',
  `CREATE TABLE usage (
    account_id TEXT NOT NULL, month TEXT NOT NULL, bytes_sent INTEGER NOT NULL, origin_reads INTEGER NOT NULL,
    image_ops INTEGER NOT NULL, PRIMARY KEY (account_id, month)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE file_usage (
    file_id TEXT NOT NULL, month TEXT NOT NULL, bytes_sent INTEGER NOT NULL, PRIMARY KEY (file_id, month)
  ) STRICT, WITHOUT ROWID`,
  'CREATE TABLE key_use (key_id TEXT NOT NULL PRIMARY KEY, last_used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

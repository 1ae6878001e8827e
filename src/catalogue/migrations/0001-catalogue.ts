import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * Entries know their parent and not their path, and folders carry the sums of what is below them: moving a folder of
 * 100,000 files changes a handful of rows. The root of an account is the entry with an empty segment; a deleted folder is
 * one without a segment, listed in `detached` until its rows are swept.
 */
const statements = [
  `CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY, email TEXT UNIQUE, password_hash TEXT, is_owner INTEGER NOT NULL CHECK (is_owner IN (0, 1)),
    verified_at INTEGER, disabled_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE UNIQUE INDEX one_owner ON accounts (is_owner) WHERE is_owner = 1',
  `CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, kind TEXT NOT NULL, hint TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT, path_prefix TEXT,
    created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER
  ) STRICT`,
  'CREATE INDEX keys_of_account ON keys (account_id, created_at)',
  `CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, digest TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX sessions_of_account ON sessions (account_id)',
  `CREATE TABLE links (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, purpose TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER
  ) STRICT`,
  `CREATE TABLE blobs (
    digest TEXT NOT NULL PRIMARY KEY, size INTEGER NOT NULL CHECK (size >= 0),
    state TEXT NOT NULL CHECK (state IN ('live', 'doomed')), names INTEGER NOT NULL CHECK (names >= 0), unnamed_since INTEGER,
    CHECK ((names = 0) = (unnamed_since IS NOT NULL)), CHECK (state = 'live' OR names = 0)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX unnamed_blobs ON blobs (unnamed_since) WHERE unnamed_since IS NOT NULL',
  `CREATE TABLE files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, file_id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts, digest TEXT NOT NULL REFERENCES blobs, size INTEGER NOT NULL CHECK (size >= 0),
    content_type TEXT NOT NULL, created_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX files_of_blob ON files (digest)',
  `CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL REFERENCES accounts,
    parent INTEGER REFERENCES entries, segment TEXT, name TEXT NOT NULL, file INTEGER UNIQUE REFERENCES files,
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)), description TEXT NOT NULL, tags TEXT NOT NULL CHECK (json_valid(tags)),
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    files_in INTEGER NOT NULL DEFAULT 0 CHECK (files_in >= 0), folders_in INTEGER NOT NULL DEFAULT 0 CHECK (folders_in >= 0),
    files_below INTEGER NOT NULL DEFAULT 0 CHECK (files_below >= 0),
    folders_below INTEGER NOT NULL DEFAULT 0 CHECK (folders_below >= 0),
    bytes_below INTEGER NOT NULL DEFAULT 0 CHECK (bytes_below >= 0),
    UNIQUE (parent, segment)
  ) STRICT`,
  "CREATE UNIQUE INDEX root_of_account ON entries (account_id) WHERE segment = ''",
  'CREATE INDEX newest_in_account ON entries (account_id, seq) WHERE file IS NOT NULL',
  'CREATE INDEX newest_in_folder ON entries (parent, seq) WHERE file IS NOT NULL',
  'CREATE INDEX folders_in_folder ON entries (parent, name) WHERE file IS NULL',
  'CREATE TABLE detached (seq INTEGER PRIMARY KEY REFERENCES entries) STRICT',
  `CREATE TABLE outside_changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT`,
  // What the command line asks of the server that runs beside it: only that one may remove blobs.
  `CREATE TABLE errands (
    id TEXT NOT NULL PRIMARY KEY, job TEXT NOT NULL, options TEXT NOT NULL CHECK (json_valid(options)),
    created_at INTEGER NOT NULL, finished_at INTEGER, result TEXT CHECK (json_valid(result))
  ) STRICT`,
  'CREATE INDEX open_errands ON errands (created_at) WHERE finished_at IS NULL',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

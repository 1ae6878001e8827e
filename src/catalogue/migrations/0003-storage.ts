import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { indexedWords, markOf } from '../words.ts'

/**
 * History: each account's transactions, numbered without gaps. What a path went through is found by rows that name the path and
 * each folder above it, so that a folder's history is read as fast as a file's, however much happened elsewhere.
 *
 * Words are looked up in entries' own names, each word with its account's mark before it: what others store neither shows nor
 * takes time. Words come folded and split already, as `words.ts` does it for questions too: the index only cuts them at spaces. It
 * holds no text of its own.
 *
 * An upload is open until it is complete, aborted or expired; its parts are files that were acknowledged. `bytes` is their sum.
 */
const statements = [
  'ALTER TABLE accounts ADD COLUMN last_tx INTEGER NOT NULL DEFAULT 0 CHECK (last_tx >= 0)',
  'ALTER TABLE accounts ADD COLUMN upload_bytes INTEGER NOT NULL DEFAULT 0 CHECK (upload_bytes >= 0)',
  'ALTER TABLE accounts ADD COLUMN actor TEXT',
  "ALTER TABLE accounts ADD COLUMN actor_type TEXT CHECK (actor_type IN ('human', 'agent'))",
  'ALTER TABLE accounts ADD COLUMN public_key TEXT',
  'CREATE UNIQUE INDEX account_of_actor ON accounts (actor COLLATE NOCASE)',

  'ALTER TABLE entries ADD COLUMN tx INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE entries ADD COLUMN tx_at INTEGER NOT NULL DEFAULT 0',
  'CREATE INDEX folders_by_segment ON entries (parent, segment) WHERE file IS NULL',
  'CREATE INDEX files_by_segment ON entries (parent, segment) WHERE file IS NOT NULL',
  'CREATE INDEX files_of_account_and_blob ON files (account_id, digest)',

  `CREATE TABLE history (
    account_id TEXT NOT NULL REFERENCES accounts, tx INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('put', 'mkdir', 'move', 'delete')),
    path TEXT NOT NULL, target TEXT, size INTEGER, digest TEXT, message TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account_id, tx)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE history_paths (
    id INTEGER PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, path TEXT NOT NULL, UNIQUE (account_id, path)
  ) STRICT`,
  // is_own: the event is of this very path, and not of one below it.
  `CREATE TABLE history_of_path (
    path_id INTEGER NOT NULL REFERENCES history_paths, tx INTEGER NOT NULL, is_own INTEGER NOT NULL CHECK (is_own IN (0, 1)),
    PRIMARY KEY (path_id, tx)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX history_of_own_path ON history_of_path (path_id, tx) WHERE is_own = 1',

  `CREATE VIRTUAL TABLE names USING fts5(
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
  )`,
  'CREATE VIRTUAL TABLE name_words USING fts5vocab(names, instance)',

  `CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, kind TEXT NOT NULL CHECK (kind IN ('single', 'multipart')),
    state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'aborted', 'expired')), path TEXT NOT NULL, key_id TEXT REFERENCES keys,
    content_type TEXT, content_hash TEXT, assembled TEXT CHECK (json_valid(assembled)), result TEXT CHECK (json_valid(result)),
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, finished_at INTEGER,
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0)
  ) STRICT`,
  "CREATE UNIQUE INDEX open_upload_at ON uploads (account_id, kind, path) WHERE state = 'open'",
  'CREATE INDEX finished_uploads_at ON uploads (account_id, kind, path, finished_at)',
  "CREATE INDEX open_uploads_by_end ON uploads (expires_at) WHERE state = 'open'",
  'CREATE INDEX finished_uploads ON uploads (finished_at) WHERE finished_at IS NOT NULL',
  `CREATE TABLE upload_parts (
    upload_id TEXT NOT NULL REFERENCES uploads ON DELETE CASCADE, number INTEGER NOT NULL, file TEXT NOT NULL,
    digest TEXT NOT NULL, size INTEGER NOT NULL CHECK (size >= 0), content_type TEXT, received_at INTEGER NOT NULL,
    PRIMARY KEY (upload_id, number)
  ) STRICT, WITHOUT ROWID`,

  // Tokens are kept as they are, because their owner is shown the links again. An entry's id outlives no entry.
  `CREATE TABLE shares (
    id TEXT NOT NULL PRIMARY KEY, token TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL REFERENCES accounts,
    entry_id TEXT NOT NULL, ttl INTEGER NOT NULL, password_hash TEXT, max_downloads INTEGER,
    downloads INTEGER NOT NULL DEFAULT 0 CHECK (max_downloads IS NULL OR downloads <= max_downloads),
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX shares_of_account ON shares (account_id, created_at)',
  'CREATE INDEX shares_by_end ON shares (expires_at)',
  `CREATE TABLE request_links (
    id TEXT NOT NULL PRIMARY KEY, token TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL REFERENCES accounts,
    entry_id TEXT NOT NULL, ttl INTEGER NOT NULL, max_files INTEGER, max_bytes INTEGER,
    files INTEGER NOT NULL DEFAULT 0 CHECK (max_files IS NULL OR files <= max_files),
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (max_bytes IS NULL OR bytes <= max_bytes),
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX request_links_of_account ON request_links (account_id, created_at)',
  'CREATE INDEX request_links_by_end ON request_links (expires_at)',

  `CREATE TABLE challenges (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, nonce TEXT NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX challenges_by_end ON challenges (expires_at)',
  // A link to sign in belongs to an address, not to an account, as a code does: nothing is made before it is proved.
  `CREATE TABLE magic_links (
    digest TEXT NOT NULL PRIMARY KEY, email TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX magic_links_by_end ON magic_links (expires_at)',
]

/** Entries whose words are looked up at once. */
const entriesAtOnce = 1_000

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
  for (const statement of beginnings) await sql.raw(statement).execute(db)
  await indexNames(db)
}

/**
 * The history begins with what there is: a `mkdir` for each folder, those nearest to the root first, then a `put` for each file,
 * each with the time at which it came. Every path there is has an event, and takes its entry's number as its own. What lies
 * in deleted folders is not told of. All that grows with the number of entries is kept in tables, not in memory.
 */
const beginnings = [
  'CREATE TEMP TABLE beginnings (seq INTEGER PRIMARY KEY, account_id TEXT NOT NULL, path TEXT NOT NULL, tx INTEGER NOT NULL)',
  `INSERT INTO beginnings
    WITH RECURSIVE tree(seq, account_id, is_file, path, depth) AS (
      SELECT seq, account_id, 0, '', 0 FROM entries WHERE segment = ''
      UNION ALL
      SELECT e.seq, e.account_id, e.file IS NOT NULL, t.path || e.segment || iif(e.file IS NULL, '/', ''), t.depth + 1
        FROM tree t JOIN entries e ON e.parent = t.seq
    )
    SELECT seq, account_id, path,
      row_number() OVER (PARTITION BY account_id ORDER BY is_file, iif(is_file, 0, depth), seq)
    FROM tree WHERE depth > 0`,
  `INSERT INTO history (account_id, tx, action, path, target, size, digest, message, at)
    SELECT b.account_id, b.tx, iif(e.file IS NULL, 'mkdir', 'put'), b.path, NULL, f.size, f.digest, '', e.created_at
    FROM beginnings b JOIN entries e ON e.seq = b.seq LEFT JOIN files f ON f.seq = e.file
    ORDER BY b.account_id, b.tx`,
  'INSERT INTO history_paths (id, account_id, path) SELECT seq, account_id, path FROM beginnings ORDER BY seq',
  `INSERT INTO history_of_path (path_id, tx, is_own)
    WITH RECURSIVE up(seq, tx, is_own) AS (
      SELECT seq, tx, 1 FROM beginnings
      UNION ALL SELECT e.parent, up.tx, 0 FROM up
        JOIN entries e ON e.seq = up.seq JOIN entries p ON p.seq = e.parent WHERE p.segment <> ''
    ) SELECT seq, tx, is_own FROM up ORDER BY seq, tx`,
  `UPDATE entries SET tx = b.tx, tx_at = entries.created_at FROM beginnings b WHERE b.seq = entries.seq`,
  `UPDATE accounts SET last_tx = b.tx
    FROM (SELECT account_id, max(tx) AS tx FROM beginnings GROUP BY account_id) b WHERE b.account_id = accounts.id`,
  'DROP TABLE beginnings',
]

/** Every entry's words, also those of deleted folders, whose sweep will take them out again. */
async function indexNames(db: Kysely<unknown>): Promise<void> {
  for (let last = 0; ; ) {
    const { rows } = await sql<{ seq: number; segment: string | null; name: string; root: number }>`
      SELECT e.seq, e.segment, e.name, r.seq AS root FROM entries e
      JOIN entries r ON r.account_id = e.account_id AND r.segment = ''
      WHERE e.seq > ${last} AND e.segment IS NOT '' ORDER BY e.seq LIMIT ${entriesAtOnce}`.execute(db)
    const words = rows.map((row) => [row.seq, indexedWords(markOf(row.root), row.segment ?? row.name, row.name)])
    await sql`
      INSERT INTO names (rowid, words) SELECT value ->> 0, value ->> 1
      FROM json_each(${JSON.stringify(words)})`.execute(db)
    const end = rows.at(-1)
    if (!end) return
    last = end.seq
  }
}

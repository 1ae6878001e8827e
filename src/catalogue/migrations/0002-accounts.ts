import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * People come in by more ways than one. A session is either a page's (its secret the cookie's token) or an API's (its secret
 * the refresh token of the moment; those it has used up are kept, so that one that comes back gives the thief away). A
 * link that confirms a registration carries the password that was chosen with it: it becomes the account's only when whoever
 * holds the mailbox follows it. Codes belong to an address, not to an account, so that nothing is made before it is proved.
 */
const statements = [
  'ALTER TABLE accounts ADD COLUMN plan TEXT',
  'ALTER TABLE accounts ADD COLUMN plan_since INTEGER',
  'ALTER TABLE accounts ADD COLUMN access_until INTEGER',
  'ALTER TABLE accounts ADD COLUMN public_url_base TEXT',
  'ALTER TABLE accounts ADD COLUMN max_upload_bytes INTEGER',
  "ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'page' CHECK (kind IN ('page', 'api'))",
  'CREATE INDEX sessions_by_end ON sessions (expires_at)',
  `CREATE TABLE spent_tokens (
    digest TEXT NOT NULL PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX spent_tokens_of_session ON spent_tokens (session_id, expires_at)',
  'ALTER TABLE links ADD COLUMN password_hash TEXT',
  'ALTER TABLE links ADD COLUMN redirect_to TEXT',
  'CREATE INDEX links_of_account ON links (account_id, purpose)',
  'CREATE INDEX links_by_end ON links (expires_at)',
  `CREATE TABLE codes (
    email TEXT NOT NULL PRIMARY KEY, digest TEXT NOT NULL, tries_left INTEGER NOT NULL CHECK (tries_left >= 0),
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX codes_by_end ON codes (expires_at)',
  `CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, name TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX projects_of_account ON projects (account_id, created_at)',
  'ALTER TABLE keys ADD COLUMN project_id TEXT REFERENCES projects',
  'CREATE INDEX keys_of_project ON keys (project_id, created_at)',
  // What a letter says is wiped when it has gone out, or can be of no use any more: it holds secrets.
  `CREATE TABLE mails (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, recipient TEXT NOT NULL, purpose TEXT NOT NULL,
    letter TEXT CHECK (json_valid(letter)),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up', 'withheld')),
    tries INTEGER NOT NULL, last_error TEXT, created_at INTEGER NOT NULL, next_at INTEGER NOT NULL, sent_at INTEGER
  ) STRICT`,
  "CREATE INDEX mails_to_send ON mails (next_at) WHERE state = 'waiting'",
  'CREATE INDEX mails_to_address ON mails (recipient, created_at)',
  'CREATE INDEX mails_by_time ON mails (created_at)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
  await giveProjects(db)
}

/** Every account has a project, and every key is in one. */
async function giveProjects(db: Kysely<unknown>): Promise<void> {
  const accounts = await sql<{ id: string; created_at: number }>`SELECT id, created_at FROM accounts`.execute(db)
  for (const { id, created_at } of accounts.rows) {
    const project = crypto.randomUUID()
    await sql`INSERT INTO projects (id, account_id, name, created_at, updated_at)
      VALUES (${project}, ${id}, 'Default', ${created_at}, ${created_at})`.execute(db)
    await sql`UPDATE keys SET project_id = ${project} WHERE account_id = ${id}`.execute(db)
  }
}

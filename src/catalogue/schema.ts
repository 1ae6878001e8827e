import type { ColumnType, Generated } from 'kysely'

/** 0 or 1: SQLite has no booleans. */
type Flag = number
type Assigned = Generated<number>

export interface AccountRow {
  id: string
  email: string | null
  password_hash: string | null
  is_owner: Flag
  verified_at: number | null
  disabled_at: number | null
  created_at: number
  updated_at: number
  plan: string | null
  plan_since: number | null
  access_until: number | null
  public_url_base: string | null
  max_upload_bytes: number | null
  last_tx: number
  /** Of parts that open uploads have received. */
  upload_bytes: number
  actor: string | null
  actor_type: 'human' | 'agent' | null
  public_key: string | null
}

export interface ProjectRow {
  id: string
  account_id: string
  name: string
  created_at: number
  updated_at: number
}

export interface KeyRow {
  id: string
  account_id: string
  kind: string
  hint: string
  digest: string
  name: string
  scopes: string | null
  path_prefix: string | null
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  project_id: string | null
}

export interface SessionRow {
  id: string
  account_id: string
  kind: 'page' | 'api'
  digest: string
  created_at: number
  expires_at: number
}

export interface LinkRow {
  id: string
  account_id: string
  purpose: string
  digest: string
  created_at: number
  expires_at: number
  used_at: number | null
  password_hash: string | null
  redirect_to: string | null
}

export interface CodeRow {
  email: string
  digest: string
  tries_left: number
  created_at: number
  expires_at: number
}

export interface MailRow {
  seq: Assigned
  id: string
  recipient: string
  purpose: string
  letter: string | null
  state: 'waiting' | 'sent' | 'given_up' | 'withheld'
  tries: number
  last_error: string | null
  created_at: number
  next_at: number
  sent_at: number | null
}

export interface BlobRow {
  digest: string
  size: number
  state: 'live' | 'doomed'
  names: number
  unnamed_since: number | null
}

export interface FileRow {
  seq: Assigned
  id: string
  file_id: string
  account_id: string
  digest: string
  size: number
  content_type: string
  created_at: number
}

export interface EntryRow {
  seq: Assigned
  id: string
  account_id: string
  parent: number | null
  segment: string | null
  name: string
  file: number | null
  is_public: Flag
  description: string
  tags: string
  created_at: number
  updated_at: number
  files_in: Assigned
  folders_in: Assigned
  files_below: Assigned
  folders_below: Assigned
  bytes_below: Assigned
  /** The account's transaction that put, moved or made it last, and when. */
  tx: Assigned
  tx_at: Assigned
}

export interface HistoryRow {
  account_id: string
  tx: number
  action: 'put' | 'mkdir' | 'move' | 'delete'
  path: string
  target: string | null
  size: number | null
  digest: string | null
  message: string
  at: number
}

export interface UploadRow {
  id: string
  account_id: string
  kind: 'single' | 'multipart'
  state: 'open' | 'complete' | 'aborted' | 'expired'
  path: string
  key_id: string | null
  content_type: string | null
  content_hash: string | null
  assembled: string | null
  result: string | null
  created_at: number
  expires_at: number
  finished_at: number | null
  /** Of all parts that it has. */
  bytes: number
}

export interface UploadPartRow {
  upload_id: string
  number: number
  file: string
  digest: string
  size: number
  content_type: string | null
  received_at: number
}

export interface ShareRow {
  id: string
  token: string
  account_id: string
  entry_id: string
  ttl: number
  password_hash: string | null
  max_downloads: number | null
  downloads: number
  created_at: number
  expires_at: number
}

export interface RequestLinkRow {
  id: string
  token: string
  account_id: string
  entry_id: string
  ttl: number
  max_files: number | null
  max_bytes: number | null
  files: number
  bytes: number
  created_at: number
  expires_at: number
}

export interface CatalogueTables {
  accounts: AccountRow
  projects: ProjectRow
  keys: KeyRow
  sessions: SessionRow
  spent_tokens: { digest: string; session_id: string; expires_at: number }
  links: LinkRow
  codes: CodeRow
  mails: MailRow
  blobs: BlobRow
  files: FileRow
  entries: EntryRow
  history: HistoryRow
  history_paths: { id: Assigned; account_id: string; path: string }
  history_of_path: { path_id: number; tx: number; is_own: Flag }
  /** FTS5 without content: its rows are found by `rowid`, which is the entry's `seq`. */
  names: { rowid: number; words: string }
  name_words: { term: string; doc: number; col: string; offset: number }
  uploads: UploadRow
  upload_parts: UploadPartRow
  shares: ShareRow
  request_links: RequestLinkRow
  challenges: { id: string; account_id: string; nonce: string; expires_at: number }
  magic_links: { digest: string; email: string; created_at: number; expires_at: number }
  detached: { seq: number }
  errands: {
    id: string
    job: string
    options: string
    created_at: number
    finished_at: number | null
    result: string | null
  }
  outside_changes: { seq: Assigned; kind: string; subject: string; at: number }
}

export interface ActivityTables {
  requests: {
    seq: Assigned
    id: string
    account_id: string
    key_id: string | null
    method: string
    path: string
    status: number
    request_bytes: number | null
    duration_ms: number
    user_agent: string | null
    created_at: number
  }
  usage: { account_id: string; month: string; bytes_sent: number; origin_reads: number; image_ops: number }
  file_usage: { file_id: string; month: string; bytes_sent: number; origin_reads: number; image_ops: number }
  request_counts: { account_id: string; kept: number }
  key_use: { key_id: string; last_used_at: number }
}

/** The read connection has the activity database attached under this name. */
export type ReadTables = CatalogueTables & {
  [T in keyof ActivityTables as `activity.${T}`]: {
    [C in keyof ActivityTables[T]]: ColumnType<ActivityTables[T][C], never, never>
  }
}

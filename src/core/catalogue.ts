import type { Account, FileEntry, Folder, Key, KeyKind, Scope, Session } from './model.ts'
import type { Digest, Stored } from './ports.ts'

/** A page of a list: `limit` rows after the first `offset`. */
export interface Page {
  readonly limit: number
  readonly offset: number
}

/** Which files a list is of: those directly in a folder, or all below it, newest first. */
export interface FileQuery extends Page {
  readonly folderId: string
  readonly depth: 'direct' | 'below'
}

export interface KeyHolder {
  readonly key: Key
  readonly account: Account
}

export interface SessionHolder {
  readonly session: Session
  readonly account: Account
}

/** Who asks the catalogue nothing but questions. What is missing is undefined, never a failure. */
export interface CatalogueReads {
  account(id: string): Promise<Account | undefined>
  accountByEmail(email: string): Promise<Account | undefined>
  accounts(): Promise<Account[]>
  /** The password's hash, apart from the account so that it travels nowhere by accident. */
  passwordHash(accountId: string): Promise<string | null>
  keyByDigest(digest: Digest): Promise<KeyHolder | undefined>
  key(id: string): Promise<Key | undefined>
  keys(accountId: string): Promise<(Key & { lastUsedAt: number | null })[]>
  sessionByDigest(digest: Digest): Promise<SessionHolder | undefined>
  /** The account that an unused, unexpired link of this purpose is for. */
  linkHolder(digest: Digest, purpose: LinkPurpose, now: number): Promise<Account | undefined>
  file(fileId: string): Promise<FileEntry | undefined>
  files(query: FileQuery): Promise<FileEntry[]>
  root(accountId: string): Promise<Folder>
  folder(accountId: string, id: string): Promise<Folder | undefined>
  /** The folder at a path of segments; the root for none. */
  folderAt(accountId: string, segments: readonly string[]): Promise<Folder | undefined>
  /** Folders below (or directly in) another, in the order of their names. */
  folders(query: FileQuery): Promise<Folder[]>
  /** The entry's path: segments joined by `/`, a folder's with a final one, the root's empty. */
  pathOf(entryId: string): Promise<string | undefined>
  /** Bytes sent since the calendar month (`2026-11`) began, of the account or of the files below a folder. */
  bytesSent(accountId: string, month: string, belowFolderId?: string): Promise<number>
  /** Errands that wait to be done, oldest first. */
  openErrands(): Promise<Errand[]>
  /** An errand's result; undefined while it is not done. */
  errandResult(id: string): Promise<object | undefined>
  /** Answers, or rejects where the database does not. */
  ping(): Promise<void>
}

export type LinkPurpose = 'set-up'

export interface NewAccount {
  readonly id: string
  readonly email: string | null
  readonly passwordHash: string | null
  readonly isOwner: boolean
  readonly verified: boolean
  readonly now: number
}

export interface NewKey {
  readonly id: string
  readonly accountId: string
  readonly kind: KeyKind
  readonly hint: string
  readonly digest: Digest
  readonly name: string
  readonly scopes: readonly Scope[] | null
  readonly pathPrefix: string | null
  readonly expiresAt: number | null
  readonly now: number
}

/** Where new files go: a folder known by id, or a path of segments whose missing folders are made. */
export type Destination = { readonly folderId: string } | { readonly segments: readonly string[] }

export interface NewFile extends Stored {
  readonly id: string
  readonly fileId: string
  readonly entryId: string
  readonly contentType: string
  readonly name: string
  /** Segments to try, in this order: the first that is free and short enough becomes the last part of the path. */
  readonly segments: readonly string[]
  readonly isPublic: boolean
  readonly description: string
  readonly tags: readonly string[]
}

/** Null: no limit. */
export interface Quota {
  readonly bytes: number | null
  readonly files: number | null
}

export interface Publication {
  readonly accountId: string
  readonly destination: Destination
  readonly prefix: string | null
  readonly files: readonly NewFile[]
  readonly quota: Quota
  readonly now: number
}

export interface FileChange {
  readonly accountId: string
  readonly fileId: string
  readonly prefix: string | null
  /** A new name, with the segments to try for it. */
  readonly name?: string
  readonly segments?: readonly string[]
  readonly folderId?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly isPublic?: boolean
  readonly now: number
}

export interface FolderChange {
  readonly accountId: string
  readonly folderId: string
  readonly prefix: string | null
  readonly name?: string
  readonly parentId?: string
  readonly now: number
}

/**
 * Each is one transaction: done whole and on disk when it resolves, or not at all. `prefix` is the folder path that the
 * caller's key is held to; a transaction that would read or write outside it rejects with `forbidden`.
 */
export interface CatalogueWrites {
  /** Rejects with `conflict` where the e-mail is taken. */
  createAccount(input: NewAccount): Promise<Account>
  /** The first account of a new store with its key and set-up link; undefined, and nothing done, where there is an account. */
  createOwner(input: { account: NewAccount; key: NewKey; link: NewLink }): Promise<Account | undefined>
  setPassword(input: { accountId: string; passwordHash: string; now: number }): Promise<void>
  setDisabled(input: { accountId: string; disabled: boolean; now: number }): Promise<void>
  createLink(input: NewLink): Promise<void>
  /** Uses the link up and gives its account an e-mail and a password. Rejects with `not_found` where it is used or expired. */
  completeSetUp(input: { digest: Digest; email: string; passwordHash: string; now: number }): Promise<Account>
  createKey(input: NewKey): Promise<Key>
  /** Rejects with `not_found` where the account has no such key, or it is revoked already. */
  revokeKey(input: { id: string; accountId?: string; now: number }): Promise<void>
  /**
   * Signs in, if the account is not disabled and its password still is the one that was verified (by its hash). Rejects with
   * `unauthenticated` otherwise: verifying takes its time, and the password may have changed meanwhile.
   */
  createSession(input: {
    id: string
    accountId: string
    digest: Digest
    passwordHash: string
    expiresAt: number
    now: number
  }): Promise<void>
  endSession(input: { id: string }): Promise<void>
  /**
   * Makes files reachable: all of them or none. Rejects with `not_found` (folder), `forbidden` (prefix), `quota_exceeded`,
   * `invalid` (path too long).
   */
  publishFiles(input: Publication): Promise<FileEntry[]>
  /** Rejects with `not_found` (file, folder), `conflict` (name taken there), `forbidden` (prefix). */
  changeFile(input: FileChange): Promise<FileEntry>
  deleteFile(input: { accountId: string; fileId: string; prefix: string | null; now: number }): Promise<void>
  /** Rejects with `not_found` (parent), `conflict` (name taken), `forbidden` (prefix), `invalid` (path too long). */
  createFolder(input: {
    accountId: string
    id: string
    parent: Destination
    name: string
    prefix: string | null
    now: number
  }): Promise<Folder>
  /** As `createFolder`; into itself: `invalid`. */
  changeFolder(input: FolderChange): Promise<Folder>
  /** Takes a folder and all below it out of reach at once. Rejects with `conflict` where it is not empty and `recursive` is false. */
  deleteFolder(input: {
    accountId: string
    folderId: string
    recursive: boolean
    prefix: string | null
    now: number
  }): Promise<void>
  /** Removes up to `limit` entries of deleted folders for good. Resolves to how many went and whether any are left. */
  sweepDetached(input: { limit: number; now: number }): Promise<{ swept: number; left: boolean }>
  /** Gives blobs that nothing knows a row, so that their grace begins. */
  adoptBlobs(input: { blobs: readonly Stored[]; now: number }): Promise<number>
  /** Dooms blobs without a name whose grace is over, and resolves to all that are doomed (also by a run that was cut off). */
  doomBlobs(input: { unnamedBefore: number; limit: number }): Promise<Stored[]>
  /** Forgets doomed blobs that are gone from disk. One that was named meanwhile stays. */
  forgetBlobs(input: { digests: readonly Digest[] }): Promise<void>
  /** Leaves work for the server that runs beside. */
  leaveErrand(input: Errand & { now: number }): Promise<void>
  finishErrand(input: { id: string; result: object; now: number }): Promise<void>
  /** What the last seconds brought: may be lost by a power cut, unlike all else here. */
  recordActivity(input: Activity): Promise<void>
  /** Removes up to `limit` requests older than `before` and as many of the single files' usage of past months. Resolves to whether any are left. */
  pruneActivity(input: { before: number; month: string; limit: number }): Promise<boolean>
}

/** Work that one process asks of another: by name, with options that are plain data. */
export interface Errand {
  readonly id: string
  readonly job: string
  readonly options: object
}

export interface NewLink {
  readonly id: string
  readonly accountId: string
  readonly purpose: LinkPurpose
  readonly digest: Digest
  readonly expiresAt: number
  readonly now: number
}

export interface RequestRecord {
  readonly id: string
  readonly accountId: string
  readonly keyId: string | null
  readonly method: string
  readonly path: string
  readonly status: number
  readonly requestBytes: number | null
  readonly durationMs: number
  readonly userAgent: string | null
  readonly at: number
}

export interface SentRecord {
  readonly accountId: string
  readonly fileId: string
  readonly month: string
  readonly bytes: number
  readonly reads: number
  readonly imageOps: number
}

export interface Activity {
  readonly requests: readonly RequestRecord[]
  readonly sent: readonly SentRecord[]
  readonly keysUsed: readonly { keyId: string; at: number }[]
}

/** What a check of the whole store walks over, in batches, so that a million rows need little memory. */
export interface CatalogueAudit {
  /** Every blob row, by digest. */
  blobRows(): AsyncIterable<{ digest: Digest; size: number; doomed: boolean; names: number }>
  /** Digests of those blobs that have a row, of the ones given. */
  knownBlobs(digests: readonly Digest[]): Promise<Set<Digest>>
  /** Who names a blob: account and path of each. */
  namesOf(digest: Digest): Promise<{ account: string; path: string }[]>
  /** Counters that differ from what they count. */
  wrongCounters(): Promise<{ account: string; where: string; counter: string; kept: number; counted: number }[]>
  /** SQLite's own check of the files; empty when sound. */
  integrity(): Promise<string[]>
  /** Blobs that nothing names: all, or those whose grace is over. */
  garbage(unnamedBefore?: number): Promise<{ count: number; bytes: number }>
  /** Whether a blob's row is doomed now. */
  isDoomed(digest: Digest): Promise<boolean>
}

export interface Catalogue {
  readonly read: CatalogueReads
  readonly write: CatalogueWrites
  readonly audit: CatalogueAudit
  /**
   * Drops what is remembered of rows that another process changed. Cheap (a few microseconds where nothing changed);
   * called before each request, so that the very next one feels what the command line did.
   */
  refresh(): void
  close(): Promise<void>
}

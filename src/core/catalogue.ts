import type { AccountReads, AccountWrites } from './catalogue/accounts.ts'
import type { ActivityReads, ActivityWrites } from './catalogue/activity.ts'
import type { KeyReads, KeyWrites } from './catalogue/keys.ts'
import type { MailReads, MailWrites } from './catalogue/mails.ts'
import type { PathReads, PathWrites } from './catalogue/paths.ts'
import type { ShareReads, ShareWrites } from './catalogue/shares.ts'
import type { TreeReads, TreeWrites } from './catalogue/tree.ts'
import type { UploadReads, UploadWrites } from './catalogue/uploads.ts'
import type { Digest, Stored } from './ports.ts'

export type * from './catalogue/accounts.ts'
export type * from './catalogue/activity.ts'
export type * from './catalogue/keys.ts'
export type * from './catalogue/mails.ts'
export type { Page } from './catalogue/page.ts'
export type * from './catalogue/paths.ts'
export type * from './catalogue/shares.ts'
export type * from './catalogue/tree.ts'
export type * from './catalogue/uploads.ts'

/** Who asks the catalogue nothing but questions. What is missing is undefined, never a failure. */
export interface CatalogueReads
  extends AccountReads,
    KeyReads,
    TreeReads,
    PathReads,
    UploadReads,
    ShareReads,
    ActivityReads,
    MailReads {
  /** Errands that wait to be done, oldest first. */
  openErrands(): Promise<Errand[]>
  /** An errand's result; undefined while it is not done. */
  errandResult(id: string): Promise<object | undefined>
  /** Answers, or rejects where the database does not. */
  ping(): Promise<void>
}

/** What only the server's own work asks of the catalogue. */
export interface StoreWrites {
  /** Gives blobs that nothing knows a row, so that their grace begins. */
  adoptBlobs(input: { blobs: readonly Stored[]; now: number }): Promise<number>
  /** Dooms blobs without a name whose grace is over, and resolves to all that are doomed (also by a run that was cut off). */
  doomBlobs(input: { unnamedBefore: number; limit: number }): Promise<Stored[]>
  /** Forgets doomed blobs that are gone from disk. One that was named meanwhile stays. */
  forgetBlobs(input: { digests: readonly Digest[] }): Promise<void>
  /** Leaves work for the server that runs beside. */
  leaveErrand(input: Errand & { now: number }): Promise<void>
  finishErrand(input: { id: string; result: object; now: number }): Promise<void>
}

/** Each is one transaction: done whole and on disk when it resolves, or not at all. */
export interface CatalogueWrites
  extends AccountWrites,
    KeyWrites,
    TreeWrites,
    PathWrites,
    UploadWrites,
    ShareWrites,
    ActivityWrites,
    MailWrites,
    StoreWrites {}

/** Work that one process asks of another: by name, with options that are plain data. */
export interface Errand {
  readonly id: string
  readonly job: string
  readonly options: object
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

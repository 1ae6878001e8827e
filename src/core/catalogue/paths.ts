import type { FileEntry, HistoryEvent, PathEntry } from '../model.ts'
import type { Digest } from '../ports.ts'
import type { NewFile, Quota } from './tree.ts'

/** Where a page of a folder goes on: after this entry. Folders come before files. */
export interface ListCursor {
  readonly kind: 'folder' | 'file'
  readonly segment: string
}

export interface ListQuery {
  readonly accountId: string
  /** A folder's path; empty for the root. */
  readonly folder: string
  readonly limit: number
  /** Where it goes on, in constant time; or else how many come before, which are counted. */
  readonly after?: ListCursor | undefined
  readonly offset?: number | undefined
}

export interface SearchQuery {
  readonly accountId: string
  /** The folder that is searched, with all below it; empty for the whole tree. */
  readonly folder: string
  readonly text: string
  readonly limit: number
}

export interface HistoryQuery {
  readonly accountId: string
  /** Events that touched this path: a folder's with a final slash, else a file's or a folder's. */
  readonly path?: string | undefined
  /** Events that touched what lies below this folder alone, as a key held to it may see them. */
  readonly folder?: string | undefined
  /** Those after this one, the oldest first; without it, the newest first. */
  readonly since?: number | undefined
  readonly limit: number
}

export interface PathReads {
  /** What is at a path: `docs` is a file, `docs/` a folder. */
  entryAt(accountId: string, path: string): Promise<PathEntry | undefined>
  /** An entry by its id, unless it or a folder above was deleted. */
  entry(entryId: string): Promise<PathEntry | undefined>
  /** One level of a folder: folders, then files, each by the bytes of their names. A missing folder is empty. */
  list(query: ListQuery): Promise<{ entries: PathEntry[]; more: boolean }>
  /** Files that have every word of a text in their names or in those of folders above, best first. */
  search(query: SearchQuery): Promise<PathEntry[]>
  history(query: HistoryQuery): Promise<HistoryEvent[]>
  /** A file of the account with these bytes, inside the folder (empty: anywhere). Takes as long for bytes that only others have. */
  fileOfBlob(accountId: string, digest: Digest, folder: string): Promise<PathEntry | undefined>
  /** What an account uses of its quota: files, and what its open uploads have received. */
  used(accountId: string): Promise<{ bytes: number; files: number }>
}

/** A transaction of an account, as it stands in its history. */
export interface Recorded {
  readonly tx: number
  readonly at: number
}

/** `prefix` is the folder that the caller's key is held to. Each rejects with `forbidden` outside of it. */
export interface PathChange {
  readonly accountId: string
  readonly prefix: string | null
  readonly message: string
  readonly now: number
}

export interface PutFile extends PathChange {
  /** A file's path; missing folders above are made. */
  readonly path: string
  readonly file: Omit<NewFile, 'segments' | 'name'>
  readonly quota: Quota
  /**
   * The upload it ends: it is complete in the same transaction, and its parts are forgotten. Rejects with `conflict` where it is
   * not open any more or has other parts by now.
   */
  readonly upload?: { readonly id: string; readonly parts: Digest } | undefined
}

export interface Put extends Recorded {
  readonly file: FileEntry
  readonly replaced: boolean
}

/** Each is one transaction with one event in the history, or none where nothing changed. */
export interface PathWrites {
  /**
   * Puts a file at a path, in place of the one that is there: that one's ids are gone with it, the entry's visibility, description,
   * tags and shares stay. Rejects with `conflict` (a folder is there, or a file in the way), `quota_exceeded`, `invalid`.
   */
  putFile(input: PutFile): Promise<Put>
  /** Makes a folder, and those above it; `created` is false where it is there. Rejects with `conflict` (a file is in the way). */
  makeFolderAt(input: PathChange & { path: string }): Promise<{ created: boolean }>
  /**
   * Moves a file or a folder (both paths end in a slash, or neither does). Missing folders above the target are made. Rejects
   * with `not_found`, `conflict` (target taken), `invalid` (into itself, too long).
   */
  moveEntry(input: PathChange & { from: string; to: string }): Promise<Recorded>
  /** Deletes a file, or a folder with all below. `deleted` counts files and empty folders. Rejects with `not_found`. */
  deleteEntry(input: PathChange & { path: string }): Promise<Recorded & { deleted: number }>
}

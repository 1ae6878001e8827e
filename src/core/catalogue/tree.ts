import type { FileEntry, Folder } from '../model.ts'
import type { Stored } from '../ports.ts'
import type { Page } from './page.ts'

/** Which files a list is of: those directly in a folder, or all below it, newest first. */
export interface FileQuery extends Page {
  readonly folderId: string
  readonly depth: 'direct' | 'below'
}

export interface TreeReads {
  file(fileId: string): Promise<FileEntry | undefined>
  files(query: FileQuery): Promise<FileEntry[]>
  /** All files below a folder, newest first, some hundreds at a time: a list without pages needs no memory for all of it. */
  eachFile(folderId: string): AsyncIterable<FileEntry[]>
  root(accountId: string): Promise<Folder>
  folder(accountId: string, id: string): Promise<Folder | undefined>
  /** The folder at a path of segments; the root for none. */
  folderAt(accountId: string, segments: readonly string[]): Promise<Folder | undefined>
  /** Folders below (or directly in) another, in the order of their names. */
  folders(query: FileQuery): Promise<Folder[]>
  /** The entry's path: segments joined by `/`, a folder's with a final one, the root's empty. */
  pathOf(entryId: string): Promise<string | undefined>
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
  /** The request link that the files came by: counted in the same transaction. Rejects with `quota_exceeded` past its limits. */
  readonly requestLink?: string | undefined
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
 * `prefix` is the folder path that the caller's key is held to; a transaction that would read or write outside it rejects with
 * `forbidden`.
 */
export interface TreeWrites {
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
}

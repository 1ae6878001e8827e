import type { Digest } from './ports.ts'

/** Times are milliseconds since 1970 UTC; sizes are bytes. */

export const scopes = ['files:read', 'files:write', 'user:read'] as const
export type Scope = (typeof scopes)[number]

/** Which door's kind of key it is; the kind is the key's own prefix. */
export const keyKinds = ['ak', 'atiru', 'sk'] as const
export type KeyKind = (typeof keyKinds)[number]

export interface Account {
  readonly id: string
  /** Null until the owner has followed the set-up link. */
  readonly email: string | null
  readonly isOwner: boolean
  readonly verifiedAt: number | null
  readonly disabledAt: number | null
  readonly hasPassword: boolean
  readonly createdAt: number
}

export interface Key {
  readonly id: string
  readonly accountId: string
  readonly kind: KeyKind
  /** The key's shown start, enough to know it by and too little to use it. */
  readonly hint: string
  readonly name: string
  /** Null: everything. */
  readonly scopes: readonly Scope[] | null
  /** A folder's path with a final slash, which everything done with the key stays inside of; null: the whole tree. */
  readonly pathPrefix: string | null
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

export interface Session {
  readonly id: string
  readonly accountId: string
  readonly expiresAt: number
}

/** A file at its place in the tree. */
export interface FileEntry {
  readonly entryId: string
  /** The file's UUID; `fileId` is its short handle in URLs. The content behind either never changes. */
  readonly id: string
  readonly fileId: string
  readonly accountId: string
  /** Null: the root. */
  readonly folderId: string | null
  readonly name: string
  readonly digest: Digest
  readonly size: number
  readonly contentType: string
  readonly isPublic: boolean
  readonly description: string
  readonly tags: readonly string[]
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a folder holds; kept by the transactions that change it, never counted. */
export interface Totals {
  /** Files directly in it. */
  readonly filesIn: number
  /** Folders directly in it. */
  readonly foldersIn: number
  /** Files, folders and bytes anywhere below it. */
  readonly filesBelow: number
  readonly foldersBelow: number
  readonly bytesBelow: number
}

export interface Folder extends Totals {
  readonly id: string
  readonly accountId: string
  /** The account's root is a folder without a parent and with an empty name. */
  readonly isRoot: boolean
  /** Null: in the root (or the root itself). */
  readonly parentId: string | null
  readonly name: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** Times are milliseconds since 1970 UTC; sizes are bytes. */

/** SHA-256 of a blob's bytes, as 64 lower-case hex digits. */
export type Digest = string & { readonly brand?: 'digest' }

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
  readonly updatedAt: number
  /** The name of a plan of the configuration; null: what holds for everybody. */
  readonly plan: string | null
  readonly planSince: number | null
  /** Said for this account alone: until when it may write. Null: what its plan says. */
  readonly accessUntil: number | null
  /** Where the account's public links begin instead of at this server's address, without a final slash. */
  readonly publicUrlBase: string | null
  /** The account's own limit of a file's size; null: as large as is taken here. */
  readonly maxUploadBytes: number | null
  /** The name by which it signs in with a key pair of its own; null: it has none. */
  readonly actor: string | null
  readonly actorType: ActorType | null
}

export const actorTypes = ['human', 'agent'] as const
export type ActorType = (typeof actorTypes)[number]

/** Groups an account's keys. Every key is in one, every account has at least one: the oldest is its default. */
export interface Project {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly createdAt: number
  readonly updatedAt: number
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
  /** Null: its project was deleted, and the key revoked with it. */
  readonly projectId: string | null
}

/** Signed in: at a page (by a cookie), or for the APIs (by access tokens, which refresh tokens renew). */
export type SessionKind = 'page' | 'api'

export interface Session {
  readonly id: string
  readonly accountId: string
  readonly kind: SessionKind
  readonly expiresAt: number
}

/** What a link may be followed for, once. */
export const linkPurposes = ['set-up', 'confirm', 'reset'] as const
export type LinkPurpose = (typeof linkPurposes)[number]

/** Why a letter is written: `known` tells the owner of an account that somebody registered its address again. */
export const letterPurposes = ['confirm', 'known', 'reset', 'code', 'magic'] as const
export type LetterPurpose = (typeof letterPurposes)[number]

/** A mail, before it has words. */
export interface Letter {
  readonly to: string
  readonly purpose: LetterPurpose
  /** Where its button leads: a path below the server's public address, with a secret in it. */
  readonly path?: string
  readonly code?: string
  /** When what it brings is of no use any more. */
  readonly expiresAt: number
}

/** `withheld`: nothing is sent, because nobody with that address may have it, or it had too many. Only counted. */
export type MailState = 'waiting' | 'sent' | 'given_up' | 'withheld'

/** A letter on its way, without what it says. */
export interface Mail {
  readonly id: string
  readonly to: string
  readonly purpose: LetterPurpose
  readonly state: MailState
  readonly tries: number
  readonly lastError: string | null
  readonly createdAt: number
  /** When it is tried next, while it waits. */
  readonly nextAt: number
  readonly sentAt: number | null
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
  /** When the bytes were stored; the place may be older. */
  readonly contentAt: number
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

/** What is at a path: a file or a folder, with the transaction that put, moved or made it last. */
export interface PathEntry {
  readonly entryId: string
  readonly path: string
  readonly tx: number
  readonly txAt: number
  readonly createdAt: number
  /** Null: a folder. */
  readonly file: FileEntry | null
}

export const actions = ['put', 'mkdir', 'move', 'delete'] as const
export type Action = (typeof actions)[number]

/** One transaction of an account. It keeps the digest of what was put, and keeps no blob alive. */
export interface HistoryEvent {
  readonly tx: number
  readonly action: Action
  readonly path: string
  /** Where a move went. */
  readonly target: string | null
  /** Of a file that was put, moved or deleted; null for folders. */
  readonly size: number | null
  readonly digest: Digest | null
  readonly message: string
  readonly at: number
}

/** `single`: one body, known by its path; `multipart`: numbered parts, known by its id. */
export type UploadKind = 'single' | 'multipart'
export type UploadState = 'open' | 'complete' | 'aborted' | 'expired'

/** A part that was acknowledged: it is on the disk. */
export interface UploadPart {
  readonly number: number
  /** The name of its file in the upload's folder. */
  readonly file: string
  readonly digest: Digest
  readonly size: number
  /** As it was sent. */
  readonly contentType: string | null
}

/** What an upload came to. */
export interface PutResult {
  readonly path: string
  readonly size: number
  readonly tx: number
  readonly at: number
}

/** An upload that comes by signed URLs, in one body or in parts, and is published when it is completed. */
export interface DirectUpload {
  readonly id: string
  readonly accountId: string
  readonly kind: UploadKind
  readonly state: UploadState
  readonly path: string
  /** The key it was begun with; null: a log-in. */
  readonly keyId: string | null
  /** What it was said to be; null: anything. */
  readonly contentType: string | null
  /** What all of it was said to hash to. */
  readonly contentHash: Digest | null
  /** The whole that its parts were put together to, once they were: kept until it is published, should that be cut off. */
  readonly assembled: Assembled | null
  readonly result: PutResult | null
  readonly createdAt: number
  readonly expiresAt: number
  readonly finishedAt: number | null
}

export interface Assembled {
  readonly digest: Digest
  readonly size: number
  /** Of which parts: their digests and files in order, hashed. Other parts make another whole. */
  readonly of: Digest
}

/** A link by which anybody may have a file, or look through a folder. */
export interface Share {
  readonly id: string
  readonly token: string
  readonly accountId: string
  readonly entryId: string
  readonly ttlSeconds: number
  readonly hasPassword: boolean
  readonly maxDownloads: number | null
  readonly downloads: number
  readonly createdAt: number
  readonly expiresAt: number
}

/** A link by which somebody without an account puts files into one folder, and sees nothing. */
export interface RequestLink {
  readonly id: string
  readonly token: string
  readonly accountId: string
  /** The folder's. */
  readonly entryId: string
  readonly ttlSeconds: number
  readonly maxFiles: number | null
  readonly maxBytes: number | null
  readonly files: number
  readonly bytes: number
  readonly createdAt: number
  readonly expiresAt: number
}

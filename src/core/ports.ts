import type { Readable } from 'node:stream'
import type { Digest, Letter, UploadPart } from './model.ts'

export type { Digest } from './model.ts'

export interface Stored {
  readonly digest: Digest
  readonly size: number
}

/** Bytes that have been received whole, are synced, and are reachable by nobody. */
export interface Staged extends Stored {
  /** The first bytes (at most 4,100), for telling the type of what came without one. */
  readonly head: Uint8Array
}

/** A staged blob under its digest. It cannot be removed before `release` is called, whatever any collector thinks. */
export interface Placed extends Stored {
  release(): void
}

export interface StageOptions {
  /** More bytes than this reject with `too_large`. */
  readonly limitBytes: number
  /** Told the bytes received so far, before each is written; may throw to refuse more (a quota, a rate). */
  readonly onBytes?: (receivedBytes: number) => void | Promise<void>
}

/** Bytes by their own digest: written once, never changed. */
export interface BlobStore {
  /**
   * Takes the stream in, unreachable: hashed, counted, and on disk (synced) when this resolves.
   * Rejects with what the source or `onBytes` failed with, `too_large` past the limit, `disk_full` where there is no room.
   * On any rejection nothing is left behind and the source is destroyed.
   */
  stage(source: Readable, options: StageOptions): Promise<Staged>
  /**
   * Puts staged bytes under their digest; resolves once they would survive a power cut. Equal bytes are one blob: the
   * later ones replace the earlier, so that a rotten blob is mended by an equal upload. Each staging is committed or discarded once,
   * but for an upload's parts put together, which stay for another time.
   */
  commit(staged: Staged): Promise<Placed>
  /**
   * Keeps a blob that is there from being removed until it is released. Undefined where it is not there.
   */
  hold(digest: Digest): Promise<Placed | undefined>
  /** Staged bytes that nobody will publish. Discarding twice, or what is committed already, does nothing. */
  discard(staged: Staged): Promise<void>
  /** A stream of the bytes from `start` to `end` (both inclusive). Rejects with `not_found`. */
  open(digest: Digest, range?: { start: number; end: number }): Promise<Readable>
  /** All bytes at once, for blobs known to be small. Rejects with `not_found`. */
  read(digest: Digest): Promise<Buffer>
  /** A path where a library may read the blob for itself. The file may be missing. */
  pathOf(digest: Digest): string
  /** What lies on disk under the digest, without reading it. */
  stat(digest: Digest): Promise<Stored | undefined>
  /**
   * Removes a blob unless somebody is between `commit` and `release` with it, or `confirm` says no. A commit of the same
   * digest that begins meanwhile waits until the removal is over. A missing blob is no error. Resolves to whether it is gone.
   */
  remove(digest: Digest, confirm: () => Promise<boolean>): Promise<boolean>
  /** Sets a blob's bytes aside in quarantine, for people to look at; the digest is missing afterwards. Resolves to where they are. */
  quarantine(digest: Digest): Promise<string>
  /** Every blob once, in digest order; may miss those stored after the call. */
  list(): AsyncIterable<Stored>
  /** Writes, syncs and removes a probe file. Rejects with `disk_full` or the disk's own error. */
  probe(): Promise<void>
  /** Bytes that may still be written before the headroom is touched. */
  room(): Promise<number>
  readonly parts: PartStore
  close(): Promise<void>
}

/** What parts were put together to. */
export interface Whole extends Staged {
  /** Whether the first part's file holds it, until other parts are put together in it. */
  readonly isKept: boolean
}

/** Parts of uploads, each a file in its upload's folder: synced when acknowledged, there after a restart. */
export interface PartStore {
  /**
   * Takes a part in; when this resolves, it and its name are on the disk. Rejects as `BlobStore.stage`, and leaves nothing then.
   * @returns the name of its file.
   */
  receive(uploadId: string, source: Readable, options: StageOptions): Promise<Staged & { readonly file: string }>
  /**
   * Puts parts together: the later ones are appended to the file of the first, whose own bytes stay as they are; each is read once
   * and hashed on the way. Where the first one's file may be a blob already they all go into a new file instead: a blob is never
   * written to. The whole is staged: on disk, for `commit` to publish or for `discard`. No part is given away by either: all
   * stay until `remove` or `drop`. Cut off and done again, it is the same.
   * Rejects with `disk_full`, and with `not_found` where a part's file is gone.
   */
  assemble(uploadId: string, parts: readonly UploadPart[]): Promise<Whole>
  /**
   * What the first part's file holds since parts were put together in it, staged again without reading it. Undefined where it is
   * not of that size: it was sent anew. For the caller to know that nothing else was put together in it since.
   */
  assembled(uploadId: string, first: UploadPart, whole: Stored): Promise<Staged | undefined>
  /** Removes one part's file; a missing one is no error. */
  remove(uploadId: string, file: string): Promise<void>
  /** Removes all that an upload has; nothing where there is nothing. */
  drop(uploadId: string): Promise<void>
  /** Names and sizes of the files that an upload has. */
  files(uploadId: string): Promise<ReadonlyMap<string, number>>
  /** The ids of all uploads that have a folder. */
  uploads(): Promise<string[]>
}

/** The catalogue of a backup: the store's, as of one moment. */
export interface CatalogueCopy {
  /** Blobs that files have, by digest, from behind one on; at most so many. */
  blobsAfter(digest: Digest | '', limit: number): readonly Stored[]
  /** Whether a file has the blob. */
  names(digest: Digest): boolean
}

/** How a backup comes by a catalogue. */
export interface CatalogueCopies {
  /** Copies the store's databases as they are now, checked and on the disk, beside those that the backup has. */
  take(): Promise<CatalogueCopy>
  /** Whether the store names a blob at this moment. */
  isNamedNow(digest: Digest): boolean
  /** Puts what was copied last, and whatever else belongs to it, in the place of what the backup had. */
  install(): Promise<CatalogueCopy>
}

/** What a picture is, told from its header alone. */
export interface PictureFacts {
  readonly width: number
  readonly height: number
  readonly frames: number
}

/** A variant: the bytes of a picture made from another. */
export interface Variant {
  /** SHA-256 of the variant's own bytes. */
  readonly digest: Digest
  readonly contentType: string
  readonly size: number
  /** Where the bytes start inside `path`. */
  readonly offset: number
  readonly path: string
  /** The bytes themselves, where they were at hand (just made). */
  readonly bytes?: Buffer
  /** Whether this call made it (an image operation) or found it in the cache. */
  readonly made: boolean
}

/** A picture's source as the image maker needs it. */
export interface PictureSource {
  readonly digest: Digest
  readonly size: number
  readonly contentType: string
  readonly path: string
}

/** What a URL asks for, checked, negotiated and in one canonical form. Equal recipes on equal sources give one variant. */
export interface Recipe {
  /** Canonical text: the same wish is always the same string. */
  readonly key: string
  /** Whether the answer depended on the `Accept` header. */
  readonly negotiated: boolean
}

export interface Images {
  /** Whether parameters mean anything for this type; for others they are ignored, good or bad. */
  isPicture(contentType: string): boolean
  /**
   * What the query asks for, or undefined when it names no image option (then the original bytes are meant).
   * Unknown options are ignored. Rejects with `invalid` naming the option and its bounds.
   */
  recipe(query: URLSearchParams, accept: string | undefined, source: { contentType: string }): Recipe | undefined
  /**
   * The variant, from the cache or made now. Equal requests under way share one making, for which `beforeMaking` of one of
   * them is asked; it may throw, and then nothing is made.
   * Rejects with `too_large` (of picture), `type_refused` (unreadable), `busy`.
   */
  variant(source: PictureSource, recipe: Recipe, beforeMaking?: () => Promise<void>): Promise<Variant>
  close(): Promise<void>
}

/** What an access token stands for. */
export interface AccessClaims {
  readonly accountId: string
  readonly sessionId: string
}

/** Access tokens: signed, short-lived, and good only while their session lives. */
export interface Tokens {
  /** @param expiresAt rounded down to a whole second. */
  sign(claims: AccessClaims, expiresAt: number): Promise<string>
  /** Whether the text has the shape of a token, good or bad; costs nothing. */
  isToken(text: string): boolean
  /** Rejects with `unauthenticated`: forged, expired, of another server or for another purpose. */
  verify(text: string): Promise<AccessClaims>
}

/** Signs what the server gives out and wants to know again: addresses that are good for themselves. */
export interface Signer {
  sign(text: string): Promise<{ keyId: string; signature: string }>
  /** @param expiresAt until when the text says it is good: a key that was retired before signs nothing that lasts longer than usual. */
  verify(text: string, signed: { keyId: string; signature: string }, expiresAt: number): Promise<boolean>
}

/** Tells people from programs, by the answer that somebody's browser had from a service. */
export interface BotCheck {
  /** Rejects with `busy` where the service does not answer. */
  isHuman(response: string, address: string): Promise<boolean>
}

/** Letters leave by this: to a mail server, or to a folder where there is none. */
export interface Mailer {
  /**
   * Resolves once the letter is taken: by the mail server, or on disk. Rejects with a `MailRefused` where trying again is of
   * no use, with any other error where it may be.
   * @param id the same for every try of one letter, so that one that arrives twice is known as one.
   */
  send(letter: Letter, id: string): Promise<void>
  close(): Promise<void>
}

/** What a mail server will not take, however often it is asked. */
export class MailRefused extends Error {
  override name = 'MailRefused'
}

/** The world's time, so that tests may set it. Milliseconds since 1970 UTC. */
export interface Clock {
  now(): number
}

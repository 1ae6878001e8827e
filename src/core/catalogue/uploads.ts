import type { Assembled, DirectUpload, UploadKind, UploadPart } from '../model.ts'
import type { Digest } from '../ports.ts'
import type { Quota } from './tree.ts'

export interface UploadReads {
  upload(id: string): Promise<DirectUpload | undefined>
  /** The open upload of this kind for a path; else the one that was completed last, if that was after `since`. */
  uploadAt(query: {
    accountId: string
    kind: UploadKind
    path: string
    since: number
  }): Promise<DirectUpload | undefined>
  /** In the order of their numbers. */
  parts(uploadId: string): Promise<UploadPart[]>
  /**
   * The bytes that an upload has received, and those of one part; 0 where there are none. As fast with ten thousand parts as with one.
   */
  received(query: { uploadId: string; number: number }): Promise<{ bytes: number; ofPart: number }>
  /** Open uploads that have received something. */
  uploadsWithParts(): Promise<DirectUpload[]>
  /** The ids of open uploads that are over, the first of them first. */
  overdueUploads(query: { now: number; limit: number }): Promise<string[]>
}

export interface NewUpload {
  readonly id: string
  readonly accountId: string
  readonly kind: UploadKind
  readonly path: string
  readonly keyId: string | null
  readonly contentType: string | null
  readonly contentHash: Digest | null
  readonly expiresAt: number
  /** Uploads that the account may have open at once. */
  readonly openAtMost: number
  readonly now: number
}

/** An upload is open, and then complete (by `putFile`), aborted or expired, for good. */
export interface UploadWrites {
  /**
   * Opens an upload; where one of this kind is open for the path, it is that one, said anew to be of this type and hash. Rejects with
   * `conflict` where the account has too many open.
   */
  openUpload(input: NewUpload): Promise<DirectUpload>
  /**
   * Notes a part that is on the disk; one of the same number before it is replaced, and its file's name given back. Rejects with
   * `conflict` where the upload is not open, `quota_exceeded`, `too_large` (of all parts together).
   */
  addPart(input: {
    uploadId: string
    part: UploadPart
    quota: Quota
    limitBytes: number
    now: number
  }): Promise<{ replacedFile: string | null }>
  /** Forgets a part whose file is gone. */
  dropPart(input: { uploadId: string; number: number }): Promise<void>
  /** Remembers what an open upload's parts were put together to; null once that is to hold no more. */
  noteAssembled(input: { uploadId: string; assembled: Assembled | null }): Promise<void>
  /**
   * Ends an upload that is open, as expired only where it is over by now; resolves to whether it did. Its parts are forgotten, their
   * bytes leave the quota.
   */
  endUpload(input: { id: string; state: 'aborted' | 'expired'; now: number }): Promise<boolean>
  /** Forgets uploads that ended before, a few at a time; resolves to whether there may be more. */
  pruneUploads(input: { before: number; limit: number }): Promise<boolean>
}

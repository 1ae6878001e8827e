import type { Readable } from 'node:stream'
import type { ActivityLog } from './activity.ts'
import type { CatalogueReads } from './catalogue.ts'
import { Failure, isFailure } from './failure.ts'
import type { FileEntry } from './model.ts'
import type { BlobStore, Images, Recipe, Variant } from './ports.ts'
import type { Release, Usage } from './usage.ts'

/** Files as the world sees them: public ones, and pictures made from them. */
export class Media {
  readonly #read: CatalogueReads
  readonly #blobs: BlobStore
  readonly #images: Images
  readonly #usage: Usage

  readonly #activity: ActivityLog

  constructor(parts: {
    read: CatalogueReads
    blobs: BlobStore
    images: Images
    usage: Usage
    activity: ActivityLog
  }) {
    this.#activity = parts.activity
    this.#read = parts.read
    this.#blobs = parts.blobs
    this.#images = parts.images
    this.#usage = parts.usage
  }

  /** @throws Failure `not_found`, for a private file as for one that is not there. */
  async find(fileId: string): Promise<FileEntry> {
    const file = await this.#read.file(fileId)
    if (!file?.isPublic) throw new Failure('not_found', { what: 'file', id: fileId })
    return file
  }

  /** A part of a file's bytes, both ends inclusive. @throws Failure `not_found` where the file was deleted meanwhile. */
  open(file: FileEntry, range: { start: number; end: number }): Promise<Readable> {
    return this.#blobs.open(file.digest, range).catch((error) => this.#missing(file, error))
  }

  /** All bytes of a small file. @throws Failure `not_found` where the file was deleted meanwhile. */
  read(file: FileEntry): Promise<Buffer> {
    return this.#blobs.read(file.digest).catch((error) => this.#missing(file, error))
  }

  /** A file that is there and whose bytes are not is damage, for the log to shout, and never a mere "not found". */
  async #missing(file: FileEntry, error: unknown): Promise<never> {
    if (!isFailure(error) || error.code !== 'not_found') throw error
    if (!(await this.#read.file(file.fileId))) throw new Failure('not_found', { what: 'file', id: file.fileId })
    throw new Error(`the bytes of file ${file.fileId} (blob ${file.digest}) are not on the disk`, { cause: error })
  }

  /**
   * What picture the query asks for; undefined where the original bytes are meant (no option, or not a picture).
   * @throws Failure `invalid`.
   */
  recipe(file: FileEntry, query: URLSearchParams, accept: string | undefined): Recipe | undefined {
    if (query.size === 0 || !this.#images.isPicture(file.contentType)) return undefined
    return this.#images.recipe(query, accept, file)
  }

  /** Whether anybody's reads have a limit at all. */
  hasReadLimits(): boolean {
    return this.#usage.hasLimit('originReads')
  }

  /** Takes one read of the file from what its account's plan allows for a month. @throws Failure `quota_exceeded`. */
  takeRead(file: FileEntry): Promise<Release> {
    return this.#usage.take(file.accountId, 'originReads')
  }

  /** @throws Failure `too_large`, `type_refused`, `busy`, and where it would have to be made `quota_exceeded`. */
  async variant(file: FileEntry, recipe: Recipe): Promise<Variant> {
    const { digest, size, contentType } = file
    const source = { digest, size, contentType, path: this.#blobs.pathOf(digest) }
    let giveBack: Release | undefined
    let wasAsked = false
    const take = async (): Promise<void> => {
      wasAsked = true
      giveBack = await this.#usage.take(file.accountId, 'imageOps')
    }
    try {
      const variant = await this.#images.variant(source, recipe, take)
      if (variant.made) this.#activity.sent(file, 0, 1)
      return variant
    } catch (error) {
      giveBack?.()
      // Equal bytes of another account share the making, and it was that account's plan that did not allow it.
      if (isFailure(error) && error.code === 'quota_exceeded' && !wasAsked) return this.variant(file, recipe)
      return this.#missing(file, error)
    }
  }
}

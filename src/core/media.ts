import type { CatalogueReads } from './catalogue.ts'
import { Failure } from './failure.ts'
import type { FileEntry } from './model.ts'
import type { BlobStore, Images, Recipe, Variant } from './ports.ts'

/** Files as the world sees them: public ones, and pictures made from them. */
export class Media {
  readonly #read: CatalogueReads
  readonly #blobs: BlobStore
  readonly #images: Images

  constructor(parts: { read: CatalogueReads; blobs: BlobStore; images: Images }) {
    this.#read = parts.read
    this.#blobs = parts.blobs
    this.#images = parts.images
  }

  /** @throws Failure `not_found`, for a private file as for one that is not there. */
  async find(fileId: string): Promise<FileEntry> {
    const file = await this.#read.file(fileId)
    if (!file?.isPublic) throw new Failure('not_found', { what: 'file', id: fileId })
    return file
  }

  /**
   * What picture the query asks for; undefined where the original bytes are meant (no option, or not a picture).
   * @throws Failure `invalid`.
   */
  recipe(file: FileEntry, query: URLSearchParams, accept: string | undefined): Recipe | undefined {
    if (query.size === 0 || !this.#images.isPicture(file.contentType)) return undefined
    return this.#images.recipe(query, accept, file)
  }

  /** @throws Failure `too_large`, `type_refused`, `busy`. */
  variant(file: FileEntry, recipe: Recipe): Promise<Variant> {
    const { digest, size, contentType } = file
    return this.#images.variant({ digest, size, contentType, path: this.#blobs.pathOf(digest) }, recipe)
  }
}

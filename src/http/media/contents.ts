import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import type { Core } from '../../core/core.ts'
import type { FileEntry } from '../../core/model.ts'
import type { Recipe, Variant } from '../../core/ports.ts'
import { contentPolicy, contentTypeHeader, disposition, mayBeInline } from '../content.ts'
import type { Content } from '../delivery.ts'
import type { ByteRange } from '../range.ts'

/** Bytes of small files and variants kept in memory, and the largest that counts as small. */
const keptBytes = 64 * 1024 * 1024
const smallBytes = 256 * 1024
/** An entry's own weight beside its bytes, about: keys, headers, the objects around them. */
const overheadBytes = 1_024

const readChunkBytes = 512 * 1024

/** The content behind a `file_id` never changes. */
const forEver = ['Cache-Control', 'public, max-age=31536000, immutable']

export type Presentation = 'inline' | 'attachment'

interface Kept {
  readonly bytes: Buffer
  readonly digest: string
  readonly contentType: string
  /**
   * What was said of these bytes before, for each file that has them (a file's row is one object for as long as it is
   * remembered). Here, so that it goes when the bytes go.
   */
  readonly described: Record<Presentation, WeakMap<FileEntry, Content>>
}

const undescribed = (): Kept['described'] => ({ inline: new WeakMap(), attachment: new WeakMap() })

/** Representations of public files: originals and variants, the small and hot ones from memory. */
export class Contents {
  readonly #core: Core
  /** By digest, with the recipe where it is a variant: what equal files share. */
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: keptBytes,
    sizeCalculation: ({ bytes }) => bytes.length + overheadBytes,
  })

  constructor(core: Core) {
    this.#core = core
  }

  /** A file's own bytes. */
  async original(file: FileEntry, as: Presentation): Promise<Content> {
    const { digest, size, contentType } = file
    if (size <= smallBytes) {
      const kept = this.#kept.get(digest) ?? (await this.#read(file))
      return this.#prepared(file, as, kept, () => contentOf(file, as, { ...kept, contentType, size, open: notNeeded }))
    }
    const open = (range: ByteRange) => this.#core.media.open(file, range)
    return contentOf(file, as, { digest, contentType, size, bytes: undefined, open })
  }

  /** The picture that a recipe makes of a file. @throws Failure as `Media.variant`. */
  async variant(file: FileEntry, recipe: Recipe, as: Presentation): Promise<Content> {
    // A negotiated answer says so in its headers, and so is not the one that was asked for by name.
    const key = `${file.digest} ${recipe.key}${recipe.negotiated ? ' negotiated' : ''}`
    const kept = this.#kept.get(key)
    if (kept) {
      const variant = { ...kept, size: kept.bytes.length, open: notNeeded }
      return this.#prepared(file, as, kept, () => variantContent(file, recipe, as, variant))
    }
    const variant = await this.#core.media.variant(file, recipe)
    const { bytes, digest, contentType } = variant
    if (bytes && bytes.length <= smallBytes)
      this.#kept.set(key, { bytes, digest, contentType, described: undescribed() })
    const again = () => this.#core.media.variant(file, recipe)
    const open = (range: ByteRange) => openVariant(variant, again, range)
    return variantContent(file, recipe, as, { ...variant, bytes, open })
  }

  /** A small representation, described as before or for the first time. */
  #prepared(file: FileEntry, as: Presentation, kept: Kept, describe: () => Content): Content {
    const known = kept.described[as].get(file)
    if (known) return known
    const content = describe()
    kept.described[as].set(file, content)
    return content
  }

  async #read(file: FileEntry): Promise<Kept> {
    const { digest, size, contentType } = file
    const bytes = await this.#core.media.read(file)
    // A blob that was cut short must not be remembered, nor sent as if it were whole.
    if (bytes.length !== size) throw new Error(`blob ${digest} has ${bytes.length} bytes, and should have ${size}`)
    const kept = { bytes, digest, contentType, described: undescribed() }
    this.#kept.set(digest, kept)
    return kept
  }
}

const notNeeded = (): never => {
  throw new TypeError('the bytes are at hand')
}

type Bytes = Pick<Content, 'size' | 'bytes' | 'open'> & { readonly digest: string; readonly contentType: string }

function contentOf(file: FileEntry, as: Presentation, bytes: Bytes, vary: readonly string[] = []): Content {
  const kind = as === 'inline' && mayBeInline(bytes.contentType) ? 'inline' : 'attachment'
  return {
    etag: `"${bytes.digest}"`,
    digest: bytes.digest,
    lastModifiedMs: file.contentAt,
    size: bytes.size,
    cacheHeaders: [...forEver, ...vary],
    headers: [
      'Content-Type',
      contentTypeHeader(bytes.contentType),
      'Content-Disposition',
      disposition(kind, file.name),
      'Content-Security-Policy',
      contentPolicy(bytes.contentType),
      'Cross-Origin-Resource-Policy',
      'cross-origin',
    ],
    bytes: bytes.bytes,
    open: bytes.open,
  }
}

type VariantBytes = Pick<Bytes, 'digest' | 'contentType' | 'size' | 'bytes' | 'open'>

/**
 * Opens a variant in the cache. Between being found and being opened it may have been evicted, or the cache deleted: then
 * it is made again.
 */
async function openVariant(variant: Variant, again: () => Promise<Variant>, range: ByteRange): Promise<Readable> {
  const { bytes, path, offset } = variant
  if (bytes) return Readable.from([bytes.subarray(range.start, range.end + 1)])
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (!file) return openVariant(await again(), again, range)
  const { start, end } = { start: offset + range.start, end: offset + range.end }
  return file.createReadStream({ start, end, highWaterMark: readChunkBytes })
}

function variantContent(file: FileEntry, recipe: Recipe, as: Presentation, variant: VariantBytes): Content {
  const named = { ...file, name: variantName(file.name, variant.contentType) }
  return contentOf(named, as, variant, recipe.negotiated ? ['Vary', 'Accept'] : [])
}

/** A picture made into another format is saved under that format's extension. */
function variantName(name: string, contentType: string): string {
  const extension = `.${contentType.split('/')[1] ?? 'bin'}`
  const plain = name.replace(/\.[A-Za-z0-9]{1,5}$/, '')
  const known = extension === '.jpeg' && /\.jpe?g$/i.test(name)
  return known ? name : plain + extension
}

import type { Images, PictureSource, Recipe, Variant } from '../core/ports.ts'
import { Cache, cacheKey, type Fresh, type Report } from './cache.ts'
import { isPicture } from './formats.ts'
import type { Maker } from './maker.ts'
import { Once } from './once.ts'
import { readWish } from './parse.ts'
import { requireProcessor } from './processor.ts'
import { orderOf, recipeOf } from './recipe.ts'
import { digestOf } from './record.ts'

export { imagesMarkdown } from './manual.ts'

export interface ImagesOptions {
  /** Where variants are kept; may be deleted at any time. */
  readonly cacheDir: string
  /** Where files are written before they have a name; on the same file system. */
  readonly tmpDir: string
  /** Pixels of a source, frames counted, and of a variant. */
  readonly maxPixels: number
  /** The largest width or height that may be asked for. */
  readonly maxSide: number
  readonly cacheSizeBytes: number
  /** For waiting, and then again for making. */
  readonly timeoutMs: number
  /** Told of what goes wrong behind an answer that goes well. */
  readonly report?: Report
  /** Bytes that the cache may still write without touching the disk's headroom; without bounds where absent. */
  readonly room?: () => Promise<number>
  /** Pixels of all renders under way; twice `maxPixels` by default. */
  readonly budgetPixels?: number
}

/** The library takes a tenth of a second to load, which a start need not wait for, nor the first visitor. */
const PRELOAD_AFTER_MS = 1_000

export async function openImages(options: ImagesOptions): Promise<Images> {
  return new Pictures(options)
}

class Pictures implements Images {
  readonly #options: ImagesOptions
  readonly #cache: Cache
  readonly #once = new Once<Variant>()
  readonly #preload: NodeJS.Timeout
  #maker: Promise<Maker> | undefined

  constructor(options: ImagesOptions) {
    this.#options = options
    this.#cache = new Cache({ report: () => {}, room: async () => Number.POSITIVE_INFINITY, ...options })
    this.#preload = setTimeout(() => this.#loaded().catch(() => {}), PRELOAD_AFTER_MS).unref()
  }

  isPicture(contentType: string): boolean {
    return isPicture(contentType)
  }

  recipe(query: URLSearchParams, accept: string | undefined, source: { contentType: string }): Recipe | undefined {
    if (!isPicture(source.contentType)) return undefined
    const wish = readWish(query, this.#options)
    return wish && recipeOf(wish, accept)
  }

  /** A variant just made has its bytes and an empty path: it is written to the cache after the answer, if at all. */
  async variant(source: PictureSource, recipe: Recipe, beforeMaking?: () => Promise<void>): Promise<Variant> {
    const key = cacheKey(source.digest, recipe)
    const { value, first } = await this.#once.run(key, async (after) => {
      const found = await this.#cache.find(key)
      if (found) return found
      await beforeMaking?.()
      const fresh = await this.#make(source, recipe)
      after(this.#cache.put(key, fresh))
      return fresh
    })
    return first ? value : { ...value, made: false }
  }

  async close(): Promise<void> {
    clearTimeout(this.#preload)
    await this.#once.idle()
    await this.#cache.close()
  }

  async #make(source: PictureSource, recipe: Recipe): Promise<Fresh> {
    const maker = await this.#loaded()
    const { bytes, contentType } = await maker.make(source, orderOf(recipe, this.#options))
    return { bytes, contentType, digest: digestOf(bytes), size: bytes.length, offset: 0, path: '', made: true }
  }

  #loaded(): Promise<Maker> {
    this.#maker ??= this.#load()
    return this.#maker
  }

  async #load(): Promise<Maker> {
    requireProcessor()
    const { Maker } = await import('./maker.ts')
    const { maxPixels, timeoutMs, budgetPixels = 2 * maxPixels } = this.#options
    return new Maker({ maxPixels, timeoutMs, budgetPixels })
  }
}

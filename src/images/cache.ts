import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Digest, Recipe, Variant } from '../core/ports.ts'
import { codeOf } from './failures.ts'
import { digestOf, type Facts, HEADER_BYTES, readHeader, writeHeader } from './record.ts'
import { leastUsedFirst, Shelf } from './shelf.ts'

export type Report = (error: unknown) => void

export interface CacheOptions {
  readonly cacheDir: string
  readonly tmpDir: string
  readonly cacheSizeBytes: number
  readonly report: Report
  /** Bytes that may still be written without touching the disk's headroom. */
  readonly room: () => Promise<number>
}

/** A variant together with its bytes. */
export type Fresh = Variant & { readonly bytes: Buffer }

/** Goes up when the same recipe gives other bytes than before (other defaults, another order of the steps). */
const RECIPES_VERSION = 1

/** A found variant up to this size is read, and checked, whole. */
const SMALL_BYTES = 256 * 1024

/** Uses are noted on disk this often, for the order in which variants go; more often would be a write for every read. */
const USE_NOTED_EVERY_MS = 60 * 60 * 1_000

/** Bytes that may wait for a slow disk; variants beyond it are served and not kept. */
const UNWRITTEN_BYTES_MAX = 64 * 1024 * 1024

export function cacheKey(source: Digest, recipe: Recipe): string {
  return createHash('sha256').update(`${RECIPES_VERSION}\n${source}\n${recipe.key}`).digest('hex')
}

/** Variants on disk. A cache and no more: it may lose anything at any time, and no fault of its disk is a fault of an answer. */
export class Cache {
  readonly #options: CacheOptions
  readonly #shelf = new Shelf()
  readonly #closing = new AbortController()
  #scanned: Promise<void> | undefined
  #unwrittenBytes = 0
  #failing = false

  constructor(options: CacheOptions) {
    this.#options = options
  }

  async find(key: string): Promise<Variant | undefined> {
    try {
      const file = await open(this.#pathOf(key), 'r')
      const variant = await this.#read(key, file).finally(() => file.close())
      if (variant === undefined) await this.#remove([key])
      return variant
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#warn('a picture in the cache cannot be read', error)
      this.#shelf.drop(key)
      return undefined
    }
  }

  /** Resolves when the variant is on disk, or will not be. */
  async put(key: string, variant: Fresh): Promise<void> {
    const size = variant.size + HEADER_BYTES
    if (size > this.#options.cacheSizeBytes || this.#unwrittenBytes + size > UNWRITTEN_BYTES_MAX) return
    // Pictures can be made again; the headroom is for what cannot.
    if ((await this.#options.room().catch(() => 0)) < size) return
    this.#unwrittenBytes += size
    try {
      await this.#write(key, variant)
      this.#shelf.use(key, size)
      await this.#makeRoom()
      this.#failing = false
    } catch (error) {
      this.#warn('pictures made cannot be kept in the cache', error)
    } finally {
      this.#unwrittenBytes -= size
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#scanned
  }

  #pathOf(key: string): string {
    return join(this.#options.cacheDir, key.slice(0, 2), key)
  }

  async #read(key: string, file: FileHandle): Promise<Variant | undefined> {
    const { size: fileBytes, mtimeMs } = await file.stat()
    const small = fileBytes <= SMALL_BYTES + HEADER_BYTES
    const start = Buffer.allocUnsafeSlow(small ? fileBytes : HEADER_BYTES)
    const { bytesRead } = await file.read(start, 0, start.length, 0)
    const facts = bytesRead === start.length ? readHeader(start, fileBytes) : undefined
    if (facts === undefined) return undefined
    const bytes = small ? start.subarray(HEADER_BYTES) : undefined
    if (bytes !== undefined && digestOf(bytes) !== facts.digest) return undefined
    this.#shelf.use(key, fileBytes)
    if (Date.now() - mtimeMs > USE_NOTED_EVERY_MS) await noteUse(file)
    return { ...facts, offset: HEADER_BYTES, path: this.#pathOf(key), ...(bytes && { bytes }), made: false }
  }

  async #write(key: string, variant: Fresh): Promise<void> {
    const temporary = join(this.#options.tmpDir, `variant-${randomUUID()}`)
    try {
      await writeSynced(temporary, variant, variant.bytes)
      await moveInto(temporary, this.#pathOf(key))
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      throw error
    }
  }

  /** What lies on disk from earlier runs is counted when the first variant is added, in the background of its answer. */
  async #makeRoom(): Promise<void> {
    this.#scanned ??= leastUsedFirst(this.#options.cacheDir, this.#closing.signal).then((found) =>
      this.#shelf.putBefore(found),
    )
    await this.#scanned
    await this.#remove(this.#shelf.shrinkTo(this.#options.cacheSizeBytes))
  }

  async #remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#shelf.drop(key)
      await rm(this.#pathOf(key), { force: true })
    }
  }

  /** Once for each time that it begins to fail: a full disk would say so at every picture. */
  #warn(what: string, cause: unknown): void {
    if (!this.#failing) this.#options.report(new Error(what, { cause }))
    this.#failing = true
  }
}

/** As a blob is written: whole and synced before it has its name, so that no power cut leaves half of one. */
async function writeSynced(path: string, facts: Facts, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(writeHeader(facts))
    await file.writeFile(bytes)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** The shard's folder is made when it turns out to be missing: at first, and whenever somebody has deleted the cache. */
async function moveInto(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    await rename(temporary, path)
  }
}

async function noteUse(file: FileHandle): Promise<void> {
  const now = new Date()
  await file.utimes(now, now).catch(() => {})
}

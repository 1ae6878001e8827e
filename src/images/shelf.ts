import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What the cache holds: a size under each key, least used first. */
export class Shelf {
  #sizes = new Map<string, number>()
  #bytes = 0

  /** Notes a use, of something new or known. */
  use(key: string, size: number): void {
    this.drop(key)
    this.#sizes.set(key, size)
    this.#bytes += size
  }

  drop(key: string): void {
    this.#bytes -= this.#sizes.get(key) ?? 0
    this.#sizes.delete(key)
  }

  /** Puts what was found on disk, least used first, before what has been used meanwhile. */
  putBefore(found: Iterable<readonly [key: string, size: number]>): void {
    const used = this.#sizes
    this.#sizes = new Map()
    this.#bytes = 0
    for (const [key, size] of found) if (!used.has(key)) this.use(key, size)
    for (const [key, size] of used) this.use(key, size)
  }

  /** Takes the least used off until the rest is no larger than `bytes`; returns what was taken off. */
  shrinkTo(bytes: number): string[] {
    const taken: string[] = []
    for (const key of this.#sizes.keys()) {
      if (this.#bytes <= bytes) break
      this.drop(key)
      taken.push(key)
    }
    return taken
  }
}

interface Found {
  readonly key: string
  readonly size: number
  readonly usedMs: number
}

const shard = /^[0-9a-f]{2}$/
const entry = /^[0-9a-f]{64}$/

/** Everything in a cache folder with its size, in order of use. What goes meanwhile, or cannot be looked at, is left out. */
export async function leastUsedFirst(
  cacheDir: string,
  signal: AbortSignal,
): Promise<Array<readonly [key: string, size: number]>> {
  const found: Found[] = []
  for (const folder of await namesIn(cacheDir, shard)) {
    for (const key of await namesIn(join(cacheDir, folder), entry)) {
      if (signal.aborted) return []
      const facts = await stat(join(cacheDir, folder, key)).catch(() => undefined)
      if (facts) found.push({ key, size: facts.size, usedMs: facts.mtimeMs })
    }
  }
  return found.sort((a, b) => a.usedMs - b.usedMs).map(({ key, size }) => [key, size])
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => pattern.test(name))
}

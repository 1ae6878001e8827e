import type { Digest } from '../core/ports.ts'

/**
 * Keeps a removal and a publication of the same bytes apart. Only the process that has the data folder's lock removes
 * blobs, so this can live in its memory: who holds a digest keeps it from being removed, and who removes one keeps others
 * from taking hold until it is over.
 */
export class Holds {
  readonly #held = new Map<Digest, number>()
  readonly #leaving = new Map<Digest, Promise<unknown>>()

  /** Waits until no removal of the digest is under way, then holds it. Returns the release, which counts once. */
  async hold(digest: Digest): Promise<() => void> {
    while (this.#leaving.has(digest)) await this.#leaving.get(digest)
    this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1)
    let released = false
    return () => {
      if (released) return
      released = true
      const left = (this.#held.get(digest) ?? 1) - 1
      if (left > 0) this.#held.set(digest, left)
      else this.#held.delete(digest)
    }
  }

  /** Runs a removal, unless the digest is held or leaving already; then it resolves to false without running it. */
  async remove(digest: Digest, removal: () => Promise<boolean>): Promise<boolean> {
    if (this.#held.has(digest) || this.#leaving.has(digest)) return false
    const running = removal()
    // Those who wait care that it is over, not how it went.
    this.#leaving.set(
      digest,
      running.catch(() => {}),
    )
    try {
      return await running
    } finally {
      this.#leaving.delete(digest)
    }
  }
}

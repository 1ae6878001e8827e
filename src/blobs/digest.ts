import { createHash } from 'node:crypto'
import type { Worker } from 'node:worker_threads'
import { startThread } from '../assets.ts'
import type { Digest } from '../core/ports.ts'

/** Up to here hashing is cheaper than a message to another thread (16 KiB take about 13 microseconds). */
export const inlineLimitBytes = 256 * 1024

/** Told how far a file has been written, gives the digest of all of it at the end. */
export interface FileDigest {
  advance(upTo: number): void
  finish(size: number): Promise<Digest>
  /** Resolves when the file is not read any more. */
  drop(): Promise<void>
}

export type HasherMessage =
  | { readonly kind: 'advance'; readonly id: number; readonly fd: number; readonly upTo: number }
  | { readonly kind: 'finish' | 'drop'; readonly id: number; readonly fd: number; readonly upTo: number }
  | { readonly kind: 'close' }

export type HasherAnswer = { readonly id: number; readonly digest?: Digest; readonly error?: string }

/**
 * Hashes files on a thread of its own, reading them behind the writer: the bytes are still in the system's memory, no
 * chunk travels between threads, and the digest is of what the file holds rather than of what was meant to be written.
 */
export class Hasher {
  readonly #waiting = new Map<number, { resolve(digest: Digest): void; reject(error: Error): void }>()
  #worker: Worker | undefined
  #lastId = 0

  file(fd: number): FileDigest {
    const id = ++this.#lastId
    const answer = (kind: 'finish' | 'drop', upTo: number): Promise<Digest> =>
      new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        this.#post({ kind, id, fd, upTo })
      })
    return {
      advance: (upTo) => this.#post({ kind: 'advance', id, fd, upTo }),
      finish: (size) => answer('finish', size),
      drop: async () => void (await answer('drop', 0)),
    }
  }

  async close(): Promise<void> {
    this.#worker?.postMessage({ kind: 'close' })
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  #post(message: HasherMessage): void {
    this.#worker ??= this.#start()
    this.#worker.postMessage(message)
  }

  /** The thread starts with the first large upload, and keeps nobody from leaving. */
  #start(): Worker {
    const worker = startThread('hasher')
    worker.unref()
    worker.on('message', ({ id, digest, error }: HasherAnswer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error !== undefined) waiting?.reject(new Error(error))
      else waiting?.resolve(digest ?? '')
    })
    worker.on('error', (error) => {
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
      this.#worker = undefined
    })
    return worker
  }
}

/** The digest of bytes at hand. */
export function digestOf(bytes: Uint8Array): Digest {
  return createHash('sha256').update(bytes).digest('hex')
}

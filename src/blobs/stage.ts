import type { Readable } from 'node:stream'
import { Failure } from '../core/failure.ts'
import type { Digest, Staged, StageOptions } from '../core/ports.ts'
import { digestOf, type FileDigest, type Hasher, inlineLimitBytes } from './digest.ts'
import type { Disk } from './disk.ts'

/** Bytes gathered before a write, and at most twice this much held for each upload: 100 at once stay near 50 MB. */
const batchBytes = 256 * 1024
/** A large file is written back while it still arrives, so that the sync at its end has little left to do. */
const syncEveryBytes = 16 * 1024 * 1024
/** As much of the start as file-type asks for to tell a type. */
export const headBytes = 4_100

export interface StagedFile extends Staged {
  readonly path: string
  /** The file is an upload's part and stays one, committed or not: what was acknowledged is never given away. */
  readonly isKept?: true
}

/** What a file has on the disk already, where more is added to it. */
interface Begun {
  readonly size: number
  readonly head: Uint8Array
}

/**
 * One file on its way to the disk. Writes go on while the next bytes arrive, one at a time and in order; the digest is
 * taken on the hasher's thread, from the file, for all but small ones.
 */
export class FileOnItsWay {
  readonly #disk: Disk
  readonly #hasher: Hasher
  readonly #fd: number
  #batch: Uint8Array[] = []
  #batched = 0
  #written: number
  #synced: number
  #writing: Promise<void> = Promise.resolve()
  #early: Promise<void> = Promise.resolve()
  #digest: FileDigest | undefined
  received: number
  head: Uint8Array

  constructor(disk: Disk, hasher: Hasher, fd: number, begun: Begun = { size: 0, head: new Uint8Array() }) {
    this.#disk = disk
    this.#hasher = hasher
    this.#fd = fd
    this.#written = begun.size
    this.#synced = begun.size
    this.received = begun.size
    this.head = begun.head
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk)
    this.#batched += chunk.length
    this.received += chunk.length
    if (this.head.length < headBytes) this.#keepHead(chunk)
    if (this.#batched >= batchBytes) await this.#flush()
  }

  /** Resolves to the digest once every byte is written and synced. */
  async finish(): Promise<Digest> {
    // All of it is still in one batch: hashed here, and one write does it.
    const digest = this.#written === 0 ? digestOf(Buffer.concat(this.#batch)) : undefined
    await this.#flush()
    await this.#writing
    const [, told] = await Promise.all([this.#sync(), digest ?? this.#digestFile().finish(this.#written)])
    return told
  }

  /** Resolves when nothing reads or writes the file any more. */
  async abandon(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#early, this.#digest?.drop()])
  }

  #keepHead(chunk: Uint8Array): void {
    this.head = Buffer.concat([this.head, chunk.subarray(0, headBytes - this.head.length)])
  }

  /** Waits for the write before this one, so that never more than two batches are held. */
  async #flush(): Promise<void> {
    await this.#writing
    if (this.#batched === 0) return
    const [batch, size, position] = [this.#batch, this.#batched, this.#written]
    this.#batch = []
    this.#batched = 0
    this.#written += size
    this.#writing = this.#disk.write(this.#fd, batch, position).then(() => {
      if (position + size > inlineLimitBytes) this.#digestFile().advance(position + size)
    })
    this.#writing.catch(() => {})
    if (this.#written - this.#synced >= syncEveryBytes) this.#syncEarly()
  }

  #digestFile(): FileDigest {
    this.#digest ??= this.#hasher.file(this.#fd)
    return this.#digest
  }

  #syncEarly(): void {
    this.#synced = this.#written
    // The system reports a failed write-back to one sync only, so an early one's error must not get lost.
    this.#early = Promise.all([this.#early, this.#writing]).then(() => this.#disk.syncFile(this.#fd))
    this.#early.catch(() => {})
  }

  async #sync(): Promise<void> {
    await this.#early
    await this.#disk.syncFile(this.#fd)
  }
}

/**
 * Takes a stream into a new file at `path`: hashed, counted and synced when it resolves. On any rejection the file is
 * gone and the source destroyed.
 */
export async function stageInto(
  path: string,
  source: Readable,
  options: StageOptions,
  { disk, hasher }: { disk: Disk; hasher: Hasher },
): Promise<StagedFile> {
  const fd = await disk.create(path).catch((error) => {
    source.destroy()
    throw error
  })
  let isOpen = true
  const file = new FileOnItsWay(disk, hasher, fd)
  try {
    await receive(source, file, options)
    const digest = await file.finish()
    isOpen = false
    await disk.close(fd)
    return { path, digest, size: file.received, head: file.head }
  } catch (error) {
    source.destroy()
    await file.abandon()
    // A descriptor whose close failed is gone all the same, and may by now be another's.
    if (isOpen) await disk.close(fd).catch(() => {})
    await disk.unlink(path)
    throw error
  }
}

async function receive(source: Readable, file: FileOnItsWay, options: StageOptions): Promise<void> {
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    const received = file.received + chunk.length
    if (received > options.limitBytes) {
      throw new Failure('too_large', { of: 'file', limit: options.limitBytes, unit: 'bytes' })
    }
    await options.onBytes?.(received)
    await file.add(chunk)
  }
}

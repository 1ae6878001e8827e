import { createReadStream } from 'node:fs'
import { open, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { nanoid } from 'nanoid'
import { Failure } from '../core/failure.ts'
import type { BlobStore, Digest, Placed, Staged, StageOptions, Stored } from '../core/ports.ts'
import { Hasher } from './digest.ts'
import { type Disk, lacksLinks, disk as realDisk } from './disk.ts'
import { fromDisk, isMissing, missingBlob } from './failures.ts'
import { Folders } from './folders.ts'
import { Holds } from './holds.ts'
import type { DataFolder } from './layout.ts'
import { LocalParts } from './parts.ts'
import { type StagedFile, stageInto } from './stage.ts'

/** Big enough that a fast disk and a fast network are not kept waiting by the number of calls. */
const readChunkBytes = 512 * 1024
const digestForm = /^[0-9a-f]{64}$/

export interface LocalBlobOptions {
  readonly folder: DataFolder
  /** Headroom: bytes of the disk that uploads leave alone. */
  readonly reserveBytes: number
  readonly disk?: Disk
}

/** Blobs as files: `blobs/sha256/ab/cd/<digest>`, checkable with `sha256sum`. */
export class LocalBlobs implements BlobStore {
  readonly #folder: DataFolder
  readonly #reserveBytes: number
  readonly #disk: Disk
  readonly #folders: Folders
  readonly #holds = new Holds()
  readonly #hasher = new Hasher()
  /** Paths of what is staged and neither committed nor discarded. */
  readonly #staged = new Set<string>()
  readonly parts: LocalParts

  constructor(options: LocalBlobOptions) {
    this.#folder = options.folder
    this.#reserveBytes = options.reserveBytes
    this.#disk = options.disk ?? realDisk
    this.#folders = new Folders(this.#disk, options.folder.blobs)
    this.parts = new LocalParts({
      root: options.folder.uploads,
      disk: this.#disk,
      hasher: this.#hasher,
      stage: (source, options) => this.stage(source, options),
      requireRoom: (bytes) => this.#requireRoom(bytes),
    })
  }

  async stage(source: Readable, options: StageOptions): Promise<Staged> {
    const path = join(this.#folder.tmp, nanoid())
    try {
      const staged = await stageInto(path, source, options, { disk: this.#disk, hasher: this.#hasher })
      this.#staged.add(path)
      return staged
    } catch (error) {
      throw fromDisk(error)
    }
  }

  async commit(staged: Staged): Promise<Placed> {
    const { path, digest, size, isKept } = staged as StagedFile
    if (!this.#staged.delete(path) && !isKept) throw new TypeError('committed or discarded already')
    const release = await this.#holds.hold(digest)
    const leaving = isKept ? join(this.#folder.tmp, nanoid()) : path
    try {
      const target = this.pathOf(digest)
      await this.#folders.make(dirname(target))
      if (isKept) await this.#nameToo(staged as StagedFile, leaving)
      await this.#disk.rename(leaving, target)
      // Where the blob was this very file already, the system renames nothing and leaves both names.
      if (isKept) await this.#disk.unlink(leaving)
      await this.#folders.settle(dirname(target))
      return { digest, size, release }
    } catch (error) {
      release()
      await this.#disk.unlink(leaving)
      throw fromDisk(error)
    }
  }

  /** Gives a file that stays where it is a name to leave by; where files have but one, a synced copy of it. */
  async #nameToo({ path, digest, size }: StagedFile, name: string): Promise<void> {
    try {
      await this.#disk.link(path, name)
    } catch (error) {
      if (!lacksLinks(error)) throw error
      await this.#requireRoom(size)
      const source = createReadStream(path, { highWaterMark: readChunkBytes })
      const copy = await stageInto(name, source, { limitBytes: size }, { disk: this.#disk, hasher: this.#hasher })
      if (copy.digest !== digest) throw new Error(`a copy of ${path} came out different`)
    }
  }

  async hold(digest: Digest): Promise<Placed | undefined> {
    const release = await this.#holds.hold(digest)
    try {
      const stored = await this.stat(digest)
      if (stored) {
        // It may be there by a rename that was cut off before the sync that belongs to it.
        await this.#folders.settle(dirname(this.pathOf(digest)))
        return { ...stored, release }
      }
    } catch (error) {
      release()
      throw fromDisk(error)
    }
    release()
    return undefined
  }

  async discard(staged: Staged): Promise<void> {
    const { path } = staged as StagedFile
    if (this.#staged.delete(path)) await this.#disk.unlink(path)
  }

  async open(digest: Digest, range?: { start: number; end: number }): Promise<Readable> {
    const handle = await open(this.pathOf(digest), 'r').catch((error) => {
      throw isMissing(error) ? missingBlob(digest) : error
    })
    return handle.createReadStream({ ...range, highWaterMark: readChunkBytes })
  }

  async read(digest: Digest): Promise<Buffer> {
    return readFile(this.pathOf(digest)).catch((error) => {
      throw isMissing(error) ? missingBlob(digest) : error
    })
  }

  pathOf(digest: Digest): string {
    return join(this.#folder.blobs, digest.slice(0, 2), digest.slice(2, 4), digest)
  }

  async stat(digest: Digest): Promise<Stored | undefined> {
    const found = await stat(this.pathOf(digest)).catch((error) => {
      if (isMissing(error)) return undefined
      throw error
    })
    return found && { digest, size: found.size }
  }

  remove(digest: Digest, confirm: () => Promise<boolean>): Promise<boolean> {
    return this.#holds.remove(digest, async () => {
      if (!(await confirm())) return false
      await this.#disk.unlink(this.pathOf(digest))
      return true
    })
  }

  async quarantine(digest: Digest): Promise<string> {
    const aside = join(this.#folder.quarantine, `${digest}-${Date.now()}`)
    await this.#disk.rename(this.pathOf(digest), aside)
    await this.#folders.sync(this.#folder.quarantine)
    await this.#folders.sync(dirname(this.pathOf(digest)))
    return aside
  }

  async *list(): AsyncIterable<Stored> {
    for (const first of await sortedNames(this.#folder.blobs)) {
      for (const second of await sortedNames(join(this.#folder.blobs, first))) {
        for (const name of await sortedNames(join(this.#folder.blobs, first, second))) {
          if (!digestForm.test(name)) continue
          const stored = await this.stat(name)
          if (stored) yield stored
        }
      }
    }
  }

  async probe(): Promise<void> {
    const path = join(this.#folder.tmp, `probe-${nanoid()}`)
    const fd = await this.#disk.create(path).catch((error) => {
      throw fromDisk(error)
    })
    try {
      await this.#disk.write(fd, [Buffer.from('probe')], 0)
      await this.#disk.syncFile(fd)
    } catch (error) {
      throw fromDisk(error)
    } finally {
      await this.#disk.close(fd)
      await this.#disk.unlink(path)
    }
  }

  async room(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder.blobs)
    return bavail * bsize - this.#reserveBytes
  }

  /** @throws Failure `disk_full`. */
  async #requireRoom(bytes: number): Promise<void> {
    if (bytes > 0 && bytes > (await this.room()))
      throw new Failure('disk_full', { why: 'the disk has no room to put the parts together (data.reserve)' })
  }

  async close(): Promise<void> {
    await this.#hasher.close()
  }
}

async function sortedNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error) => {
    // A blob's folder may be a stranger's file, or gone since it was listed.
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return []
    throw error
  })
  return names.sort()
}

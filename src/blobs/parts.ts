import * as fs from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { nanoid } from 'nanoid'
import { Failure } from '../core/failure.ts'
import type { UploadPart } from '../core/model.ts'
import type { Digest, PartStore, Staged, StageOptions, Stored, Whole } from '../core/ports.ts'
import type { Hasher } from './digest.ts'
import type { Disk } from './disk.ts'
import { fromDisk, isMissing } from './failures.ts'
import { Folders } from './folders.ts'
import { contentOf, missingPart, namesIn, pathOf, readAt, requireWhole, sizeOf } from './part-files.ts'
import { FileOnItsWay, headBytes, type StagedFile, stageInto } from './stage.ts'

const open = promisify(fs.open)
const close = promisify(fs.close)
const fstat = promisify(fs.fstat)
const ftruncate = promisify(fs.ftruncate)

const idForm = /^[0-9a-f-]{36}$/

interface Needs {
  /** Exists, and is on the disk with all above it. */
  readonly root: string
  readonly disk: Disk
  readonly hasher: Hasher
  /** As `BlobStore.stage`: a file apart from all parts. */
  readonly stage: (source: Readable, options: StageOptions) => Promise<Staged>
  /** Rejects with `disk_full`. */
  readonly requireRoom: (bytes: number) => Promise<void>
}

/** Parts as files: `uploads/<upload's id>/<name>`. */
export class LocalParts implements PartStore {
  readonly #root: string
  readonly #disk: Disk
  readonly #hasher: Hasher
  readonly #stage: Needs['stage']
  readonly #requireRoom: Needs['requireRoom']
  readonly #folders: Folders
  /** Folders whose names are on the disk, or on their way there, by this process's own doing. */
  readonly #made = new Map<string, Promise<void>>()

  constructor({ root, disk, hasher, stage, requireRoom }: Needs) {
    this.#root = root
    this.#disk = disk
    this.#hasher = hasher
    this.#stage = stage
    this.#requireRoom = requireRoom
    this.#folders = new Folders(disk, root)
  }

  async receive(
    uploadId: string,
    source: Readable,
    options: StageOptions,
  ): Promise<Staged & { readonly file: string }> {
    const folder = this.#folderOf(uploadId)
    const file = nanoid()
    const path = join(folder, file)
    try {
      await this.#make(folder)
      const staged = await stageInto(path, source, options, { disk: this.#disk, hasher: this.#hasher })
      await this.#folders.sync(folder)
      return { ...staged, file }
    } catch (error) {
      source.destroy()
      await this.#disk.unlink(path)
      // Dropped while it came.
      throw isMissing(error) ? new Failure('not_found', { what: 'upload', id: uploadId }) : fromDisk(error)
    }
  }

  async assemble(uploadId: string, parts: readonly UploadPart[]): Promise<Whole> {
    const folder = this.#folderOf(uploadId)
    const [first, ...rest] = parts
    if (!first) throw new TypeError('nothing is made of no parts')
    try {
      // All of them before anything is written: what is missing is told at once.
      for (const part of rest) await requireWhole(folder, part)
      return (await this.#appended(folder, first, rest)) ?? (await this.#copied(folder, parts))
    } catch (error) {
      throw fromDisk(error)
    }
  }

  async assembled(uploadId: string, first: UploadPart, { digest, size }: Stored): Promise<Staged | undefined> {
    const path = pathOf(this.#folderOf(uploadId), first.file)
    if ((await sizeOf(path)) !== size) return undefined
    const fd = await open(path, 'r')
    try {
      const head = await readAt(fd, 0, Math.min(size, headBytes))
      const staged: StagedFile = { path, digest, size, head, isKept: true }
      return staged
    } finally {
      await close(fd)
    }
  }

  async remove(uploadId: string, file: string): Promise<void> {
    await this.#disk.unlink(pathOf(this.#folderOf(uploadId), file))
  }

  async drop(uploadId: string): Promise<void> {
    const folder = this.#folderOf(uploadId)
    this.#made.delete(folder)
    // A part that comes in at this moment may put its file there in between.
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }

  async files(uploadId: string): Promise<ReadonlyMap<string, number>> {
    const folder = this.#folderOf(uploadId)
    const found = new Map<string, number>()
    for (const name of await namesIn(folder)) {
      const size = await sizeOf(join(folder, name))
      if (size !== undefined) found.set(name, size)
    }
    return found
  }

  async uploads(): Promise<string[]> {
    return (await namesIn(this.#root)).filter((name) => idForm.test(name))
  }

  /** @throws TypeError for what is no upload's id, and must lead nowhere. */
  #folderOf(uploadId: string): string {
    if (!idForm.test(uploadId)) throw new TypeError('no id of an upload')
    return join(this.#root, uploadId)
  }

  /** Makes an upload's folder; its name is on the disk when this resolves. */
  #make(folder: string): Promise<void> {
    const known = this.#made.get(folder)
    if (known) return known
    const made = this.#disk.makeFolder(folder).then(() => this.#folders.sync(this.#root))
    this.#made.set(folder, made)
    made.catch(() => this.#made.delete(folder))
    return made
  }

  /**
   * The first part's file with the bytes of the others behind its own: whatever a try before this one left there is cut off.
   * Undefined where that would change a file that has another name, too: it may be a blob by that.
   */
  async #appended(
    folder: string,
    first: UploadPart,
    rest: readonly UploadPart[],
  ): Promise<(StagedFile & Whole) | undefined> {
    const path = pathOf(folder, first.file)
    const fd = await open(path, 'r+').catch((error) => {
      throw isMissing(error) ? missingPart(first) : error
    })
    let isOpen = true
    try {
      const { size, nlink } = await fstat(fd)
      if (size < first.size) throw missingPart(first)
      if (nlink > 1 && (size > first.size || rest.length > 0)) return undefined
      if (size > first.size) await ftruncate(fd, first.size)
      await this.#requireRoom(bytesOf(rest))
      const head = await readAt(fd, 0, Math.min(first.size, headBytes))
      const file = new FileOnItsWay(this.#disk, this.#hasher, fd, { size: first.size, head })
      const digest = rest.length === 0 ? first.digest : await addAll(file, folder, rest)
      if (rest.length === 0 && size > first.size) await this.#disk.syncFile(fd)
      isOpen = false
      await this.#disk.close(fd)
      return { path, digest, size: file.received, head: file.head, isKept: true }
    } finally {
      if (isOpen) await this.#disk.close(fd).catch(() => {})
    }
  }

  /** All of them in a file of its own. */
  async #copied(folder: string, parts: readonly UploadPart[]): Promise<Whole> {
    await this.#requireRoom(bytesOf(parts))
    const limitBytes = Number.MAX_SAFE_INTEGER
    return { ...(await this.#stage(Readable.from(contentOf(folder, parts)), { limitBytes })), isKept: false }
  }
}

function bytesOf(parts: readonly UploadPart[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}

/** Resolves to the digest of all that the file holds then, once it is on the disk. */
async function addAll(file: FileOnItsWay, folder: string, parts: readonly UploadPart[]): Promise<Digest> {
  try {
    for await (const chunk of contentOf(folder, parts)) await file.add(chunk)
    return await file.finish()
  } catch (error) {
    await file.abandon()
    throw error
  }
}

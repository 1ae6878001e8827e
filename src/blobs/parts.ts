import * as fs from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { nanoid } from 'nanoid'
import { Failure } from '../core/failure.ts'
import type { UploadPart } from '../core/model.ts'
import type { Digest, PartStore, Staged, StageOptions } from '../core/ports.ts'
import type { Hasher } from './digest.ts'
import type { Disk } from './disk.ts'
import { fromDisk, isMissing } from './failures.ts'
import { Folders } from './folders.ts'
import { FileOnItsWay, headBytes, type StagedFile, stageInto } from './stage.ts'

const open = promisify(fs.open)
const read = promisify(fs.read)
const fstat = promisify(fs.fstat)
const ftruncate = promisify(fs.ftruncate)

/** Big enough that the number of calls does not matter, small enough that memory does not. */
const chunkBytes = 1024 * 1024
const idForm = /^[0-9a-f-]{36}$/
const nameForm = /^[\w-]+$/

interface Parts {
  /** Exists, and is on the disk with all above it. */
  readonly root: string
  readonly disk: Disk
  readonly hasher: Hasher
  readonly room: () => Promise<number>
}

/** Parts as files: `uploads/<upload's id>/<name>`. */
export class LocalParts implements PartStore {
  readonly #root: string
  readonly #disk: Disk
  readonly #hasher: Hasher
  readonly #room: () => Promise<number>
  readonly #folders: Folders
  /** Folders whose names are on the disk, or on their way there, by this process's own doing. */
  readonly #made = new Map<string, Promise<void>>()

  constructor({ root, disk, hasher, room }: Parts) {
    this.#root = root
    this.#disk = disk
    this.#hasher = hasher
    this.#room = room
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

  async assemble(uploadId: string, parts: readonly UploadPart[]): Promise<Staged> {
    const folder = this.#folderOf(uploadId)
    const [first, ...rest] = parts
    if (!first) throw new TypeError('nothing is made of no parts')
    try {
      // All of them before anything is moved: what is missing is told at once.
      for (const part of rest) await requireWhole(folder, part)
      return await this.#appended(folder, first, rest)
    } catch (error) {
      throw fromDisk(error)
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

  /** The first part's file with the bytes of the others behind its own: whatever a try before this one left there is cut off. */
  async #appended(folder: string, first: UploadPart, rest: readonly UploadPart[]): Promise<StagedFile> {
    const path = pathOf(folder, first.file)
    const fd = await open(path, 'r+').catch((error) => {
      throw isMissing(error) ? missingPart(first) : error
    })
    let isOpen = true
    try {
      const wasCut = await cutTo(fd, first)
      await this.#requireRoom(rest.reduce((sum, { size }) => sum + size, 0))
      const head = await readAt(fd, 0, Math.min(first.size, headBytes))
      const file = new FileOnItsWay(this.#disk, this.#hasher, fd, { size: first.size, head })
      const digest = rest.length === 0 ? first.digest : await addAll(file, folder, rest)
      if (rest.length === 0 && wasCut) await this.#disk.syncFile(fd)
      isOpen = false
      await this.#disk.close(fd)
      return { path, digest, size: file.received, head: file.head, isPart: true }
    } catch (error) {
      if (isOpen) await this.#disk.close(fd).catch(() => {})
      throw error
    }
  }

  async #requireRoom(bytes: number): Promise<void> {
    if (bytes > 0 && bytes > (await this.#room()))
      throw new Failure('disk_full', { why: 'the disk has no room to put the parts together (data.reserve)' })
  }
}

/** Resolves to the digest of all that the file holds then, once it is on the disk. */
async function addAll(file: FileOnItsWay, folder: string, parts: readonly UploadPart[]): Promise<Digest> {
  try {
    for (const part of parts) await add(file, folder, part)
    return await file.finish()
  } catch (error) {
    await file.abandon()
    throw error
  }
}

/** A part has its own bytes alone: what a completion that was cut off has put behind them is none of it. */
async function add(file: FileOnItsWay, folder: string, part: UploadPart): Promise<void> {
  const fd = await open(pathOf(folder, part.file), 'r').catch((error) => {
    throw isMissing(error) ? missingPart(part) : error
  })
  try {
    for (let at = 0; at < part.size; ) {
      const chunk = await readAt(fd, at, Math.min(chunkBytes, part.size - at))
      if (chunk.length === 0) throw missingPart(part)
      await file.add(chunk)
      at += chunk.length
    }
  } finally {
    await new Promise((resolve) => fs.close(fd, resolve))
  }
}

async function readAt(fd: number, position: number, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  const { bytesRead, buffer } = await read(fd, Buffer.allocUnsafeSlow(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** Resolves to whether anything had to be cut off. */
async function cutTo(fd: number, part: UploadPart): Promise<boolean> {
  const { size } = await fstat(fd)
  if (size < part.size) throw missingPart(part)
  if (size > part.size) await ftruncate(fd, part.size)
  return size > part.size
}

async function requireWhole(folder: string, part: UploadPart): Promise<void> {
  const size = await sizeOf(pathOf(folder, part.file))
  if (size === undefined || size < part.size) throw missingPart(part)
}

function pathOf(folder: string, file: string): string {
  if (!nameForm.test(file)) throw new TypeError("no name of a part's file")
  return join(folder, file)
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch((error) => {
    if (isMissing(error)) return undefined
    throw error
  })
  return found?.size
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (isMissing(error)) return []
    throw error
  })
}

/** @param part whose file's name the failure says. */
function missingPart(part: UploadPart): Failure<'not_found'> {
  return new Failure('not_found', { what: 'blob', id: part.file })
}

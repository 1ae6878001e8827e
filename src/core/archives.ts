import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { ActivityLog } from './activity.ts'
import { Names } from './archive-names.ts'
import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { CatalogueReads, ListCursor } from './catalogue.ts'
import { Failure, isFailure } from './failure.ts'
import type { Media } from './media.ts'
import type { FileEntry, PathEntry } from './model.ts'
import { folderPath, lastSegment } from './paths.ts'
import type { Usage } from './usage.ts'

/** Entries of a folder that are listed at once. */
const entriesAtOnce = 200
/** For how long a list is taken as it was: what is deleted or replaced after that is seen. */
const listIsGoodForMs = 250
/** A file of this size is read in one go, however small the stream of it would be; and of these, some at once. */
const readAtOnceBytes = 64 * 1024
const filesAtOnce = 8

/** What goes into an archive. Names are relative to its folder, safe on every system, and each once, in whatever case. */
export type Packed =
  /** An empty folder; its name ends with a slash. */
  | { readonly kind: 'folder'; readonly name: string; readonly modifiedAt: number }
  | {
      readonly kind: 'file'
      readonly name: string
      readonly modifiedAt: number
      readonly size: number
      /** All bytes, or what breaks where not all of them are there: whoever takes it reads it to its end or destroys it. */
      readonly content: Buffer | Readable
    }

/** Where an archive begins: a folder by its entry, which may move while it is packed; null: the account's root. */
export interface ArchiveStart {
  readonly accountId: string
  readonly folder: PathEntry | null
}

interface Parts {
  readonly read: CatalogueReads
  readonly media: Media
  readonly usage: Usage
  readonly activity: ActivityLog
}

/** Folders with all below them as one thing to download, entry by entry, so that no folder is too large. */
export class Archives {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * A folder of the caller's: with or without a final slash, nothing for all that it may reach. The name is empty for the root.
   * @throws Failure `not_found`, `forbidden`, `invalid`, `quota_exceeded` where its plan allows for no download any more.
   */
  async ofCaller(caller: Caller, sent: string): Promise<{ name: string; start: ArchiveStart }> {
    const path = sent === '' ? (prefixOf(caller) ?? '') : folderPath(sent, 'path', 'path')
    requireMay(caller, 'files:read', path)
    const accountId = caller.account.id
    const folder = path === '' ? null : await this.#parts.read.entryAt(accountId, path)
    if (folder === undefined) throw new Failure('not_found', { what: 'folder', id: path })
    await this.requireReadsLeft(accountId)
    return { name: lastSegment(path), start: { accountId, folder } }
  }

  /** @throws Failure `quota_exceeded` where the account's plan allows for no download any more. */
  async requireReadsLeft(accountId: string): Promise<void> {
    const giveBack = await this.#parts.usage.take(accountId, 'originReads')
    giveBack()
  }

  /**
   * All below a folder, one after the other: what is deleted meanwhile is left out, what is replaced comes as it is by then,
   * give or take a quarter of a second. Breaks off where bytes are missing. Each file counts as one read.
   */
  async *pack({ accountId, folder }: ArchiveStart): AsyncGenerator<Packed> {
    yield* this.#below(accountId, folder, '')
  }

  async *#below(accountId: string, folder: PathEntry | null, prefix: string): AsyncGenerator<Packed> {
    const names = new Names()
    const place = { folder, path: folder?.path ?? '' }
    let after: ListCursor | undefined
    let isEmpty = true
    for (;;) {
      const page = await this.#page(accountId, place, after)
      const goodUntil = performance.now() + listIsGoodForMs
      let left = page.entries.length
      for (const { entry, opened } of this.#opening(page.entries)) {
        isEmpty = false
        const name = prefix + names.take(lastSegment(entry.path))
        if (!opened) yield* this.#below(accountId, entry, `${name}/`)
        const found = await opened
        if (found) yield await this.#file(name, found)
        after = { kind: entry.file ? 'file' : 'folder', segment: lastSegment(entry.path) }
        left--
        if (performance.now() > goodUntil) break
      }
      if (left === 0 && !page.more) break
    }
    if (isEmpty && folder && prefix !== '') yield { kind: 'folder', name: prefix, modifiedAt: folder.createdAt }
  }

  /** Entries in their order, files with what is read of them: small ones in a row at the same time. */
  *#opening(entries: readonly PathEntry[]): Generator<{ entry: PathEntry; opened?: Promise<Opened | undefined> }> {
    for (const batch of batches(entries)) {
      const opening = batch.map((entry) => (entry.file ? { entry, opened: this.#open(entry.file) } : { entry }))
      // Whichever of them fails is told of when it is its turn.
      for (const { opened } of opening) opened?.catch(() => {})
      yield* opening
    }
  }

  /**
   * A page of a folder wherever it is by now: one that is moved while it is packed must not look as if it ended there, nor
   * another that takes its place as if it were this one. @param place where it was last, which is noted anew.
   */
  async #page(accountId: string, place: { folder: PathEntry | null; path: string }, after: ListCursor | undefined) {
    const { read } = this.#parts
    for (;;) {
      // What is found without waiting for anything would otherwise come in one go, and nobody else's turn with it.
      await setImmediate()
      const { entries, more } = await read.list({ accountId, folder: place.path, limit: entriesAtOnce, after })
      const path = place.folder ? (await read.entry(place.folder.entryId))?.path : ''
      if (path === undefined) return { entries: [], more: false }
      if (path === place.path) return { entries, more }
      place.path = path
    }
  }

  async #file(name: string, { file, content }: Opened): Promise<Packed> {
    const { media, activity } = this.#parts
    const { size, contentAt: modifiedAt } = file
    if (Buffer.isBuffer(content)) {
      if (size > 0) await media.takeRead(file)
      if (size > 0) activity.sent(file, size, 0)
      return { kind: 'file', name, modifiedAt, size, content }
    }
    const giveBack = await media.takeRead(file).catch((error) => {
      content.destroy()
      throw error
    })
    const passed = { bytes: 0 }
    const source = Readable.from(whole(file, content, passed), { objectMode: false })
    // Also where nobody ever began to read: the file must not stay open.
    source.once('close', () => {
      content.destroy()
      if (passed.bytes > 0) activity.sent(file, passed.bytes, 0)
      else giveBack()
    })
    return { kind: 'file', name, modifiedAt, size, content: source }
  }

  /** What is read of a file, or of the one in its place by now. Undefined where it was deleted meanwhile. */
  async #open(file: FileEntry): Promise<Opened | undefined> {
    try {
      return { file, content: await this.#contentOf(file) }
    } catch (error) {
      if (!isFailure(error) || error.code !== 'not_found') throw error
      const other = (await this.#parts.read.entry(file.entryId))?.file
      return other ? this.#open(other) : undefined
    }
  }

  async #contentOf(file: FileEntry): Promise<Buffer | Readable> {
    const { media } = this.#parts
    if (file.size === 0) return Buffer.alloc(0)
    if (file.size > readAtOnceBytes) return media.open(file, { start: 0, end: file.size - 1 })
    const bytes = await media.read(file)
    if (bytes.length !== file.size) throw damaged(file, bytes.length)
    return bytes
  }
}

interface Opened {
  readonly file: FileEntry
  readonly content: Buffer | Readable
}

/** Small files in a row together, all else by itself. */
function* batches(entries: readonly PathEntry[]): Generator<PathEntry[]> {
  const isSmall = ({ file }: PathEntry): boolean => file !== null && file.size <= readAtOnceBytes
  let batch: PathEntry[] = []
  for (const entry of entries) {
    if (batch.length === filesAtOnce || (batch.length > 0 && !isSmall(entry))) {
      yield batch
      batch = []
    }
    if (isSmall(entry)) batch.push(entry)
    else yield [entry]
  }
  if (batch.length > 0) yield batch
}

/** All bytes of a file, counted; breaks where some are missing. */
async function* whole(file: FileEntry, source: Readable, passed: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    passed.bytes += chunk.length
    yield chunk
  }
  if (passed.bytes !== file.size) throw damaged(file, passed.bytes)
}

const damaged = (file: FileEntry, bytes: number): Error =>
  new Error(`only ${bytes} of ${file.size} bytes of file ${file.fileId} are there`)

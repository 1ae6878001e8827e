import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { ActivityLog } from './activity.ts'
import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { CatalogueReads, ListCursor } from './catalogue.ts'
import { Failure, isFailure } from './failure.ts'
import type { Media } from './media.ts'
import type { FileEntry, PathEntry } from './model.ts'
import { splitExtension } from './names.ts'
import { folderPath, lastSegment, segmentLimitBytes } from './paths.ts'
import { byteLength, cutToBytes } from './text.ts'
import type { Usage } from './usage.ts'

/** Entries of a folder that are read at once. */
const entriesAtOnce = 200
/** A stream takes a buffer of this size, however small its file is. */
const readAtOnceBytes = 64 * 1024

/** What goes into an archive. Names are relative to its folder, safe on every system, and each once, in whatever case. */
export type Packed =
  /** An empty folder; its name ends with a slash. */
  | { readonly kind: 'folder'; readonly name: string; readonly modifiedAt: number }
  /** The source breaks where not all of the bytes are there. Whoever takes it reads it to its end or destroys it. */
  | {
      readonly kind: 'file'
      readonly name: string
      readonly modifiedAt: number
      readonly size: number
      readonly source: Readable
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
   * All below a folder, one after the other: what is deleted meanwhile is left out, what is replaced comes as it is by then.
   * Breaks off where bytes are missing. Each file counts as one read.
   */
  async *pack({ accountId, folder }: ArchiveStart): AsyncGenerator<Packed> {
    yield* this.#below(accountId, folder, '')
  }

  async *#below(accountId: string, folder: PathEntry | null, prefix: string): AsyncGenerator<Packed> {
    const names = new Names()
    let after: ListCursor | undefined
    let isEmpty = true
    for (;;) {
      const page = await this.#page(accountId, folder, after)
      for (const entry of page.entries) {
        isEmpty = false
        const name = prefix + names.take(lastSegment(entry.path))
        if (!entry.file) yield* this.#below(accountId, entry, `${name}/`)
        else yield* this.#file(entry.file, name)
      }
      const last = page.entries.at(-1)
      if (!page.more || !last) break
      after = { kind: last.file ? 'file' : 'folder', segment: lastSegment(last.path) }
    }
    if (isEmpty && folder && prefix !== '') yield { kind: 'folder', name: prefix, modifiedAt: folder.createdAt }
  }

  /** A page of a folder wherever it is by now: one that is moved while it is packed must not look as if it ended there. */
  async #page(accountId: string, folder: PathEntry | null, after: ListCursor | undefined) {
    const { read } = this.#parts
    for (;;) {
      const path = folder ? (await read.entry(folder.entryId))?.path : ''
      if (path === undefined) return { entries: [], more: false }
      // What is found without waiting for anything would otherwise come in one go, and nobody else's turn with it.
      await setImmediate()
      const page = await read.list({ accountId, folder: path, limit: entriesAtOnce, after })
      if (!folder || (await read.entry(folder.entryId))?.path === path) return page
    }
  }

  async *#file(listed: FileEntry, name: string): AsyncGenerator<Packed> {
    const { read } = this.#parts
    // Listed a while ago: it may be another by now, or gone.
    const file = (await read.file(listed.fileId)) ?? (await read.entry(listed.entryId))?.file
    const source = file && (await this.#open(file))
    if (source) yield { kind: 'file', name, modifiedAt: file.contentAt, size: file.size, source }
  }

  /** Undefined where the file was deleted meanwhile. */
  async #open(file: FileEntry): Promise<Readable | undefined> {
    if (file.size === 0) return Readable.from([], { objectMode: false })
    const { media, activity } = this.#parts
    const giveBack = await media.takeRead(file)
    const opening = file.size <= readAtOnceBytes ? media.read(file) : media.open(file, { start: 0, end: file.size - 1 })
    const opened = await opening.catch((error) => {
      giveBack()
      if (isFailure(error) && error.code === 'not_found') return undefined
      throw error
    })
    if (!opened) return undefined
    const passed = { bytes: 0 }
    const source = Readable.from(whole(file, Buffer.isBuffer(opened) ? [opened] : opened, passed), {
      objectMode: false,
    })
    // Also where nobody ever began to read: the file must not stay open.
    return source.once('close', () => {
      if (!Buffer.isBuffer(opened)) opened.destroy()
      if (passed.bytes > 0) activity.sent(file, passed.bytes, 0)
      else giveBack()
    })
  }
}

/** All bytes of a file, counted; breaks where some are missing. */
async function* whole(
  file: FileEntry,
  source: Readable | readonly Buffer[],
  passed: { bytes: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    passed.bytes += chunk.length
    yield chunk
  }
  if (passed.bytes === file.size) return
  throw new Error(`only ${passed.bytes} of ${file.size} bytes of file ${file.fileId} are there`)
}

/** What some system takes for a path, for a device, for nothing at all, or shows in another order than it stands. */
const unsafe = /[\p{Cc}<>:"/\\|?*\u202a-\u202e\u2066-\u2069]/gu
const device = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i

/** A name that every system can store. */
export function safeName(segment: string): string {
  const name = segment
    .toWellFormed()
    .replace(unsafe, '_')
    .replace(/[. ]+$/, '_')
  return device.test(name) ? `_${name}` : name
}

/** Names of one folder: each is another, also where small and capital letters are the same. */
export class Names {
  /** By the form in which names are compared: how many had it. */
  readonly #taken = new Map<string, number>()

  /** The segment as a name that is safe and was not given before. */
  take(segment: string): string {
    const name = safeName(segment)
    const key = folded(name)
    let count = (this.#taken.get(key) ?? 0) + 1
    this.#taken.set(key, count)
    if (count === 1) return name
    let other = numbered(name, count)
    while (this.#taken.has(folded(other))) other = numbered(name, ++count)
    this.#taken.set(key, count)
    this.#taken.set(folded(other), 1)
    return other
  }
}

const folded = (name: string): string => name.normalize('NFC').toLowerCase()

/** `photo (2).jpg`. */
function numbered(name: string, count: number): string {
  const { stem, extension } = splitExtension(name)
  const suffix = ` (${count})${byteLength(extension) <= 32 ? extension : ''}`
  const kept = byteLength(extension) <= 32 ? stem : name
  return cutToBytes(kept, segmentLimitBytes - byteLength(suffix)) + suffix
}

import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { Catalogue, ListCursor, Recorded } from './catalogue.ts'
import { Failure, invalid } from './failure.ts'
import { requireActive } from './keys.ts'
import type { FileEntry, HistoryEvent, PathEntry } from './model.ts'
import { displayName } from './names.ts'
import {
  folderPath,
  foldersAbove,
  isBelow,
  isFolderPath,
  isWithin,
  lastSegment,
  parseFolderPath,
  parsePath,
} from './paths.ts'
import type { Plans } from './plans.ts'
import type { Clock } from './ports.ts'
import type { Grant, SignedGet, SignedUrls } from './signed-urls.ts'
import { byteLength } from './text.ts'

/** What may be said of a change, in bytes. */
const messageLimitBytes = 1_024

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly plans: Plans
  readonly signedUrls: SignedUrls
  /** Told when a deleted folder leaves rows to be swept. */
  readonly onDeleted: () => void
}

/** The tree by its paths. Each path is brought into its one form here, and that form is what is allowed and what is used. */
export class Tree {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws Failure `not_found`, `forbidden`, `invalid`. */
  async file(caller: Caller, sentPath: string): Promise<PathEntry & { readonly file: FileEntry }> {
    const path = parsePath(sentPath, 'path', 'path')
    requireMay(caller, 'files:read', path)
    const entry = await this.#parts.catalogue.read.entryAt(caller.account.id, path)
    if (!entry?.file)
      throw new Failure('not_found', { what: 'file', id: path, ...(await this.#folderHint(caller, path)) })
    return { ...entry, file: entry.file }
  }

  async #folderHint(caller: Caller, path: string): Promise<{ hint?: string }> {
    const folder = isFolderPath(path) ? path : `${path}/`
    const isThere = await this.#parts.catalogue.read.entryAt(caller.account.id, folder)
    return isThere ? { hint: `"${folder}" is a folder, which is listed as a prefix` } : {}
  }

  /** The address, below the server's own, by which a file may be had for a while without anything else. */
  signedUrl(caller: Caller, { path, file }: { path: string; file: FileEntry }): Promise<string> {
    return this.#parts.signedUrls.forGet({ fileId: file.fileId, grant: grantOf(caller) }, lastSegment(path))
  }

  /** What a signed address opens. @throws Failure `not_found` where the file is gone, `forbidden` where the leave is. */
  async bySignedUrl({ fileId, grant }: SignedGet): Promise<{ file: FileEntry; name: string }> {
    const { read } = this.#parts.catalogue
    const file = await read.file(fileId)
    if (!file) throw new Failure('not_found', { what: 'file', id: fileId })
    await this.#requireGrant(grant, file)
    return { file, name: displayName(file.name, file.fileId) }
  }

  /** One level of a folder. @throws Failure `forbidden`, `invalid`. */
  async list(
    caller: Caller,
    query: { prefix?: string | undefined; limit: number; offset?: number | undefined; after?: ListCursor | undefined },
  ): Promise<{ prefix: string; entries: PathEntry[]; more: boolean }> {
    const prefix = this.#folderOf(caller, query.prefix)
    const { limit, offset, after } = query
    const wish = { accountId: caller.account.id, folder: prefix, limit, offset, after }
    return { prefix, ...(await this.#parts.catalogue.read.list(wish)) }
  }

  /** Files with all words of a text, best first. @throws Failure `invalid` without any text. */
  search(caller: Caller, text: string, limit: number): Promise<PathEntry[]> {
    if (text.trim() === '') throw invalid('q', 'say what to look for', 'missing', 'query')
    const folder = this.#folderOf(caller, undefined)
    return this.#parts.catalogue.read.search({ accountId: caller.account.id, folder, text, limit })
  }

  /** Files and bytes of all that the caller may reach. */
  async stats(caller: Caller): Promise<{ files: number; bytes: number }> {
    const folder = this.#folderOf(caller, undefined)
    const { read } = this.#parts.catalogue
    const { id } = caller.account
    const found = folder === '' ? await read.root(id) : await read.folderAt(id, folder.slice(0, -1).split('/'))
    return { files: found?.filesBelow ?? 0, bytes: found?.bytesBelow ?? 0 }
  }

  /** What happened, as far as the caller may see. @throws Failure `forbidden`, `invalid`. */
  async history(
    caller: Caller,
    query: { path?: string | undefined; since?: number | undefined; limit: number },
  ): Promise<HistoryEvent[]> {
    const path = query.path ? parsePath(query.path, 'path', 'query') : undefined
    requireMay(caller, 'files:read', path)
    const folder = prefixOf(caller) ?? undefined
    const wish = { accountId: caller.account.id, path, folder, since: query.since, limit: query.limit }
    return this.#parts.catalogue.read.history(wish)
  }

  /** @throws Failure `conflict`, `forbidden`, `invalid`. */
  async makeFolder(caller: Caller, sentPath: string): Promise<{ path: string; created: boolean }> {
    const path = parseFolderPath(sentPath)
    this.#parts.plans.requireMayWrite(caller, path)
    const { created } = await this.#parts.catalogue.write.makeFolderAt({ ...this.#change(caller), path })
    return { path, created }
  }

  /** @throws Failure `not_found`, `conflict`, `forbidden`, `invalid`. */
  async move(
    caller: Caller,
    sent: { from: string; to: string; message?: string | undefined },
  ): Promise<Recorded & { from: string; to: string }> {
    const from = parsePath(sent.from, 'from')
    const to = parsePath(sent.to, 'to')
    if (isFolderPath(from) !== isFolderPath(to))
      throw invalid('to', 'both paths end with "/" (folders), or neither does (files)')
    for (const path of [from, to]) this.#parts.plans.requireMayWrite(caller, path)
    const done = await this.#parts.catalogue.write.moveEntry({ ...this.#change(caller, sent.message), from, to })
    return { ...done, from, to }
  }

  /** Deletes a file, or a folder with all below. @throws Failure `not_found`, `forbidden`, `invalid`. */
  async remove(caller: Caller, sentPath: string): Promise<Recorded & { deleted: number }> {
    const path = parsePath(sentPath, 'path', 'path')
    this.#parts.plans.requireMayWrite(caller, path)
    const done = await this.#parts.catalogue.write.deleteEntry({ ...this.#change(caller), path })
    if (isFolderPath(path)) this.#parts.onDeleted()
    return done
  }

  /**
   * Where a caller may put a file: its path, and the bytes of the one that is there. Asked before a body is read; the transaction
   * asks again. @throws Failure `conflict` where a folder is there or a file is in the way, `forbidden`, `invalid`.
   */
  async placeFor(
    caller: Caller,
    sentPath: string,
    place: 'path' | 'body',
  ): Promise<{ path: string; replacedBytes: number }> {
    const path = parsePath(sentPath, 'path', place)
    if (isFolderPath(path)) throw invalid('path', 'a file\'s path does not end with "/"', 'value', place)
    this.#parts.plans.requireMayWrite(caller, path)
    const { read } = this.#parts.catalogue
    if (await read.entryAt(caller.account.id, `${path}/`))
      throw new Failure('conflict', { what: 'folder', id: path, why: `"${path}/" is a folder` })
    await this.#requireNoFileAbove(caller.account.id, path)
    const there = await read.entryAt(caller.account.id, path)
    return { path, replacedBytes: there?.file?.size ?? 0 }
  }

  async #requireNoFileAbove(accountId: string, path: string): Promise<void> {
    const { read } = this.#parts.catalogue
    const above = foldersAbove(path)
    const parent = above.at(-1)
    if (parent === undefined || (await read.entryAt(accountId, parent))) return
    for (const folder of above) {
      const file = folder.slice(0, -1)
      if (await read.entryAt(accountId, file))
        throw new Failure('conflict', { what: 'file', id: file, why: `"${file}" is a file` })
    }
  }

  #change(caller: Caller, message = '') {
    return {
      accountId: caller.account.id,
      prefix: prefixOf(caller),
      message: messageFrom(message),
      now: this.#parts.clock.now(),
    }
  }

  /** The folder that is asked for, or all that the caller may reach. @throws Failure `forbidden`, `invalid`. */
  #folderOf(caller: Caller, sent: string | undefined): string {
    const own = prefixOf(caller) ?? ''
    const folder = sent === undefined || sent === '' ? own : folderPath(sent, 'prefix', 'query')
    requireMay(caller, 'files:read', folder)
    return folder
  }

  async #requireGrant(grant: Grant, file: FileEntry): Promise<void> {
    const { read } = this.#parts.catalogue
    const account = await read.account(file.accountId)
    if (!account) throw new Failure('forbidden', { needs: 'signed_url' })
    requireActive(account)
    if (!(await this.#holds(grant, file))) throw new Failure('forbidden', { needs: 'signed_url' })
  }

  async #holds({ by, id }: Grant, file: FileEntry): Promise<boolean> {
    const { catalogue, clock } = this.#parts
    const now = clock.now()
    if (by === 'account') return id === file.accountId
    if (by === 'share') {
      const share = await catalogue.read.share(id)
      const isGood = share !== undefined && share.accountId === file.accountId && share.expiresAt > now
      return isGood && (await this.#isUnder(share.entryId, file))
    }
    const key = await catalogue.read.key(id)
    if (!key || key.accountId !== file.accountId || key.revokedAt !== null) return false
    if (key.expiresAt !== null && key.expiresAt <= now) return false
    return key.pathPrefix === null || isWithin(await this.#pathOf(file), key.pathPrefix)
  }

  /** Whether a file is what is shared, or lies in it: it may have been moved since its address was given. */
  async #isUnder(entryId: string, file: FileEntry): Promise<boolean> {
    if (file.entryId === entryId) return true
    const shared = await this.#parts.catalogue.read.pathOf(entryId)
    return shared !== undefined && isFolderPath(shared) && isBelow(await this.#pathOf(file), shared)
  }

  async #pathOf(file: FileEntry): Promise<string> {
    return (await this.#parts.catalogue.read.pathOf(file.entryId)) ?? ''
  }
}

function grantOf(caller: Caller): Grant {
  return caller.by === 'key' ? { by: 'key', id: caller.key.id } : { by: 'account', id: caller.account.id }
}

/** @throws Failure `invalid` for too long a text. */
export function messageFrom(sent: string): string {
  const message = sent.toWellFormed()
  if (byteLength(message) > messageLimitBytes)
    throw invalid('message', `a message has at most ${messageLimitBytes} bytes`)
  return message
}

import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { Catalogue, Page } from './catalogue.ts'
import { Failure, invalid } from './failure.ts'
import { descriptionFrom, tagsFrom } from './labels.ts'
import type { FileEntry, Folder, Scope, Totals } from './model.ts'
import { displayName, segmentsFor, segmentsOf } from './names.ts'
import type { Clock } from './ports.ts'

/** The word that stands for the root (of the tree, or of a key's prefix) where a folder's id is asked for. */
export const rootId = 'root'

export interface FileUpdate {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly folderId?: string | undefined
  readonly isPublic?: boolean | undefined
}

export interface FilePage {
  readonly files: FileEntry[]
  readonly total: number
}

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
}

/** The files of an account, by their handles. What is another's is missing. */
export class Files {
  readonly #catalogue: Catalogue
  readonly #clock: Clock

  constructor({ catalogue, clock }: Parts) {
    this.#catalogue = catalogue
    this.#clock = clock
  }

  /** Newest first: of a folder, or of all that the caller may reach. @throws Failure `not_found` (folder), `forbidden`. */
  async list(caller: Caller, folderId: string | undefined, page: Page): Promise<FilePage> {
    requireMay(caller, 'files:read')
    const folder = await findFolder(this.#catalogue, caller, folderId ?? rootId, 'files:read')
    if (!folder) return { files: [], total: 0 }
    const depth = folderId === undefined ? 'below' : 'direct'
    const files = await this.#catalogue.read.files({ folderId: folder.id, depth, ...page })
    return { files, total: depth === 'below' ? folder.filesBelow : folder.filesIn }
  }

  find(caller: Caller, fileId: string): Promise<FileEntry> {
    return this.#find(caller, fileId, 'files:read')
  }

  /** @throws Failure `not_found`, `conflict` (name taken), `invalid`, `forbidden`. */
  async update(caller: Caller, fileId: string, update: FileUpdate): Promise<FileEntry> {
    const file = await this.#find(caller, fileId, 'files:write')
    const { description, tags, folderId, isPublic } = update
    // The name it has already is no rename: its place may be another's, where two files came with one name.
    const name = update.name === file.name ? undefined : update.name
    return this.#catalogue.write.changeFile({
      ...this.#target(caller, fileId),
      ...(name !== undefined && renamed(name, fileId)),
      ...(description !== undefined && { description: descriptionFrom(description) }),
      ...(tags !== undefined && { tags: tagsFrom(tags) }),
      ...(folderId !== undefined && {
        folderId: (await requireFolder(this.#catalogue, caller, folderId, 'files:write')).id,
      }),
      ...(isPublic !== undefined && { isPublic }),
    })
  }

  async remove(caller: Caller, fileId: string): Promise<void> {
    await this.#find(caller, fileId, 'files:write')
    await this.#catalogue.write.deleteFile(this.#target(caller, fileId))
  }

  /** What the caller may reach, in numbers. */
  async totals(caller: Caller): Promise<Totals> {
    requireMay(caller, 'user:read')
    const none = { filesIn: 0, foldersIn: 0, filesBelow: 0, foldersBelow: 0, bytesBelow: 0 }
    return (await findFolder(this.#catalogue, caller, rootId, 'user:read')) ?? none
  }

  /** Bytes sent since the calendar month began (UTC), of what the caller may reach. */
  async bytesSent(caller: Caller): Promise<number> {
    requireMay(caller, 'user:read')
    const month = monthOf(this.#clock.now())
    if (prefixOf(caller) === null) return this.#catalogue.read.bytesSent(caller.account.id, month)
    const folder = await findFolder(this.#catalogue, caller, rootId, 'user:read')
    return folder ? this.#catalogue.read.bytesSent(caller.account.id, month, folder.id) : 0
  }

  #target(caller: Caller, fileId: string) {
    return { accountId: caller.account.id, fileId, prefix: prefixOf(caller), now: this.#clock.now() }
  }

  async #find(caller: Caller, fileId: string, scope: Scope): Promise<FileEntry> {
    requireMay(caller, scope)
    const file = await this.#catalogue.read.file(fileId)
    if (!file || file.accountId !== caller.account.id) throw new Failure('not_found', { what: 'file', id: fileId })
    if (prefixOf(caller) !== null) requireMay(caller, scope, (await this.#catalogue.read.pathOf(file.entryId)) ?? '')
    return file
  }
}

let lastMonth = { day: Number.NaN, text: '' }

/** A calendar month in UTC: `2026-11`. Asked for with every file that is sent, so the day's answer is kept. */
export function monthOf(time: number): string {
  const day = Math.floor(time / 86_400_000)
  if (lastMonth.day !== day) lastMonth = { day, text: new Date(time).toISOString().slice(0, 7) }
  return lastMonth.text
}

function renamed(sent: string, fileId: string): { name: string; segments: string[] } {
  const name = displayName(sent, '')
  if (name === '') throw invalid('name', 'a name has at least one character that can be shown, and is not "." or ".."')
  return { name, segments: segmentsFor(name, fileId) }
}

/**
 * A folder that the caller may reach by its id; `root` is the top of what it may reach, undefined where that folder is
 * not made yet (a prefix nothing was stored under). @throws Failure `not_found`, `forbidden`.
 */
export async function findFolder(
  catalogue: Catalogue,
  caller: Caller,
  id: string,
  scope: Scope,
): Promise<Folder | undefined> {
  const prefix = prefixOf(caller)
  if (id === rootId) return catalogue.read.folderAt(caller.account.id, segmentsOf(prefix ?? ''))
  const folder = await catalogue.read.folder(caller.account.id, id)
  if (!folder || folder.isRoot) throw new Failure('not_found', { what: 'folder', id })
  if (prefix !== null) requireMay(caller, scope, (await catalogue.read.pathOf(folder.id)) ?? '')
  return folder
}

export async function requireFolder(catalogue: Catalogue, caller: Caller, id: string, scope: Scope): Promise<Folder> {
  const folder = await findFolder(catalogue, caller, id, scope)
  if (!folder) throw new Failure('not_found', { what: 'folder', id })
  return folder
}

import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { Catalogue, CatalogueReads, Page } from './catalogue.ts'
import { type AnyFailure, Failure, invalid, isFailure } from './failure.ts'
import { descriptionFrom, tagsFrom } from './labels.ts'
import type { FileEntry, Folder, Scope } from './model.ts'
import { displayName, segmentsFor } from './names.ts'
import { segmentsOf } from './paths.ts'
import type { Plans } from './plans.ts'
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
  readonly plans: Plans
}

/** The files of an account, by their handles. What is another's is missing. */
export class Files {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #plans: Plans

  constructor({ catalogue, clock, plans }: Parts) {
    this.#catalogue = catalogue
    this.#clock = clock
    this.#plans = plans
  }

  /** Newest first: of a folder, or of all that the caller may reach. @throws Failure `not_found` (folder), `forbidden`. */
  async list(caller: Caller, folderId: string | undefined, page: Page): Promise<FilePage> {
    requireMay(caller, 'files:read')
    const folder = await findFolder(this.#catalogue.read, caller, folderId ?? rootId, 'files:read')
    if (!folder) return { files: [], total: 0 }
    const depth = folderId === undefined ? 'below' : 'direct'
    const files = await this.#catalogue.read.files({ folderId: folder.id, depth, ...page })
    return { files, total: depth === 'below' ? folder.filesBelow : folder.filesIn }
  }

  /** All that the caller may reach, newest first, some hundreds at a time. */
  async *each(caller: Caller): AsyncGenerator<FileEntry[]> {
    requireMay(caller, 'files:read')
    const folder = await findFolder(this.#catalogue.read, caller, rootId, 'files:read')
    if (folder) yield* this.#catalogue.read.eachFile(folder.id)
  }

  /** The paths of some of the caller's files, by their handles. */
  async paths(files: readonly FileEntry[]): Promise<ReadonlyMap<string, string>> {
    const pathOf = async ({ fileId, entryId }: FileEntry) =>
      [fileId, (await this.#catalogue.read.pathOf(entryId)) ?? ''] as const
    return new Map(await Promise.all(files.map(pathOf)))
  }

  find(caller: Caller, fileId: string): Promise<FileEntry> {
    return this.#find(caller, fileId, 'files:read')
  }

  /** @throws Failure `not_found`, `conflict` (name taken), `invalid`, `forbidden`. */
  async update(caller: Caller, fileId: string, update: FileUpdate): Promise<FileEntry> {
    this.#plans.requireMayWrite(caller)
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
        folderId: (await requireFolder(this.#catalogue.read, caller, folderId, 'files:write')).id,
      }),
      ...(isPublic !== undefined && { isPublic }),
    })
  }

  async remove(caller: Caller, fileId: string): Promise<void> {
    this.#plans.requireMayWrite(caller)
    await this.#find(caller, fileId, 'files:write')
    await this.#catalogue.write.deleteFile(this.#target(caller, fileId))
  }

  /**
   * Deletes files, each for itself. Resolves to those that could not be deleted, with the reason of each.
   * @throws Failure `forbidden` where the caller may delete none at all.
   */
  async removeMany(caller: Caller, fileIds: readonly string[]): Promise<Map<string, AnyFailure>> {
    this.#plans.requireMayWrite(caller)
    const refused = new Map<string, AnyFailure>()
    const remove = async (fileId: string): Promise<void> => {
      await this.remove(caller, fileId).catch((error) => {
        if (!isFailure(error)) throw error
        refused.set(fileId, error)
      })
    }
    await Promise.all([...new Set(fileIds)].map(remove))
    return refused
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
  read: CatalogueReads,
  caller: Caller,
  id: string,
  scope: Scope,
): Promise<Folder | undefined> {
  const prefix = prefixOf(caller)
  if (id === rootId) return read.folderAt(caller.account.id, segmentsOf(prefix ?? ''))
  const folder = await read.folder(caller.account.id, id)
  if (!folder || folder.isRoot) throw new Failure('not_found', { what: 'folder', id })
  if (prefix !== null) requireMay(caller, scope, (await read.pathOf(folder.id)) ?? '')
  return folder
}

export async function requireFolder(read: CatalogueReads, caller: Caller, id: string, scope: Scope): Promise<Folder> {
  const folder = await findFolder(read, caller, id, scope)
  if (!folder) throw new Failure('not_found', { what: 'folder', id })
  return folder
}

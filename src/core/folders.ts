import { randomUUID } from 'node:crypto'
import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { Catalogue, Destination, Page } from './catalogue.ts'
import { findFolder, requireFolder, rootId } from './files.ts'
import type { Folder } from './model.ts'
import { folderName } from './names.ts'
import { segmentsOf } from './paths.ts'
import type { Plans } from './plans.ts'
import type { Clock } from './ports.ts'

export interface FolderPage {
  readonly folders: Folder[]
  readonly total: number
}

/** The folders of an account, by their ids. */
export class Folders {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #plans: Plans
  readonly #deleted: () => void

  /** @param parts.onDeleted told when a deleted folder leaves rows to be swept. */
  constructor(parts: { catalogue: Catalogue; clock: Clock; plans: Plans; onDeleted: () => void }) {
    this.#catalogue = parts.catalogue
    this.#clock = parts.clock
    this.#plans = parts.plans
    this.#deleted = parts.onDeleted
  }

  /** By name: those directly in a folder, or all that the caller may reach. */
  async list(caller: Caller, parentId: string | undefined, page: Page): Promise<FolderPage> {
    requireMay(caller, 'files:read')
    const folder = await findFolder(this.#catalogue.read, caller, parentId ?? rootId, 'files:read')
    if (!folder) return { folders: [], total: 0 }
    const depth = parentId === undefined ? 'below' : 'direct'
    const folders = await this.#catalogue.read.folders({ folderId: folder.id, depth, ...page })
    return { folders, total: depth === 'below' ? folder.foldersBelow : folder.foldersIn }
  }

  /** @throws Failure `invalid`, `not_found` (parent), `conflict`, `forbidden`. */
  async create(caller: Caller, name: string, parentId: string | undefined): Promise<Folder> {
    this.#plans.requireMayWrite(caller)
    return this.#catalogue.write.createFolder({
      accountId: caller.account.id,
      id: randomUUID(),
      parent: await this.destination(caller, parentId),
      name: folderName(name),
      prefix: prefixOf(caller),
      now: this.#clock.now(),
    })
  }

  /** Renames or moves. @throws Failure `invalid`, `not_found`, `conflict`, `forbidden`. */
  async update(
    caller: Caller,
    id: string,
    update: { name?: string | undefined; parentId?: string | undefined },
  ): Promise<Folder> {
    this.#plans.requireMayWrite(caller)
    const { name, parentId } = update
    await requireFolder(this.#catalogue.read, caller, id, 'files:write')
    return this.#catalogue.write.changeFolder({
      accountId: caller.account.id,
      folderId: id,
      prefix: prefixOf(caller),
      ...(name !== undefined && { name: folderName(name) }),
      ...(parentId !== undefined && {
        parentId: (await requireFolder(this.#catalogue.read, caller, parentId, 'files:write')).id,
      }),
      now: this.#clock.now(),
    })
  }

  /** Takes a folder, and with `recursive` all below it, out of reach at once. @throws Failure `not_found`, `conflict`, `forbidden`. */
  async remove(caller: Caller, id: string, recursive: boolean): Promise<void> {
    this.#plans.requireMayWrite(caller)
    await requireFolder(this.#catalogue.read, caller, id, 'files:write')
    const now = this.#clock.now()
    await this.#catalogue.write.deleteFolder({
      accountId: caller.account.id,
      folderId: id,
      recursive,
      prefix: prefixOf(caller),
      now,
    })
    this.#deleted()
  }

  /** Where something without a place of its own goes: a folder by its id, or the top of what the caller may reach. */
  async destination(caller: Caller, folderId: string | undefined): Promise<Destination> {
    if (folderId === undefined || folderId === rootId) return { segments: segmentsOf(prefixOf(caller) ?? '') }
    return { folderId: (await requireFolder(this.#catalogue.read, caller, folderId, 'files:write')).id }
  }
}

import { randomUUID } from 'node:crypto'
import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { Catalogue } from './catalogue.ts'
import { Failure } from './failure.ts'
import type { FileEntry, RequestLink } from './model.ts'
import { isWithin, parseFolderPath } from './paths.ts'
import type { Plans } from './plans.ts'
import type { Clock } from './ports.ts'
import { linkLife, newLinkToken } from './shares.ts'
import type { Upload } from './uploads.ts'

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly plans: Plans
}

/** What somebody asks others for, and how much of it. */
export interface RequestWish {
  /** Of the folder that is to be filled. */
  readonly path: string
  readonly ttlSeconds?: number | undefined
  readonly maxFiles?: number | undefined
  readonly maxBytes?: number | undefined
}

export interface ListedRequestLink {
  readonly link: RequestLink
  readonly path: string
}

/** A link that holds, and whom it makes of whoever comes by it. */
export interface OpenRequest {
  readonly link: RequestLink
  readonly caller: Caller
}

/** How much may be sent by a link, and until when: all that its visitor is told. Null: no limit of the link's own. */
export interface Allowance {
  readonly files: number | null
  readonly bytes: number | null
  /** Of one file. */
  readonly fileBytes: number
  readonly expiresAt: number
}

/** Links by which somebody without an account puts files into one folder, wherever that is moved, and sees nothing. */
export class RequestLinks {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws Failure `forbidden`, `invalid`, `not_found`. */
  async create(caller: Caller, wish: RequestWish): Promise<ListedRequestLink> {
    const { catalogue, clock } = this.#parts
    const ttlSeconds = linkLife(wish.ttlSeconds)
    const path = parseFolderPath(wish.path)
    requireMay(caller, 'files:write', path)
    const folder = await catalogue.read.entryAt(caller.account.id, path)
    if (!folder) throw new Failure('not_found', { what: 'folder', id: path })
    const now = clock.now()
    const link = await catalogue.write.createRequestLink({
      id: randomUUID(),
      token: newLinkToken(),
      accountId: caller.account.id,
      entryId: folder.entryId,
      ttlSeconds,
      maxFiles: wish.maxFiles ?? null,
      maxBytes: wish.maxBytes ?? null,
      createdAt: now,
      expiresAt: now + ttlSeconds * 1_000,
    })
    return { link, path }
  }

  /** Those that lead somewhere still, inside of what the caller may reach; newest first. @throws Failure `forbidden`. */
  async list(caller: Caller): Promise<ListedRequestLink[]> {
    // Whoever knows the link may write.
    requireMay(caller, 'files:write')
    const { catalogue, clock } = this.#parts
    const listed: ListedRequestLink[] = []
    for (const link of await catalogue.read.requestLinks(caller.account.id, clock.now())) {
      const folder = await catalogue.read.entry(link.entryId)
      if (folder && isWithin(folder.path, prefixOf(caller))) listed.push({ link, path: folder.path })
    }
    return listed
  }

  /** Ends a link at once. @throws Failure `not_found` for one that is not the caller's, or leads outside its prefix; `forbidden`. */
  async revoke(caller: Caller, token: string): Promise<void> {
    requireMay(caller, 'files:write')
    const { read, write } = this.#parts.catalogue
    const link = await read.requestLinkByToken(token)
    const isMine = link?.accountId === caller.account.id && (await this.#mayReach(caller, link.entryId))
    const isGone = isMine && (await write.deleteRequestLink({ id: link.id, accountId: link.accountId }))
    if (!isGone) throw new Failure('not_found', { what: 'link', id: '' })
  }

  /**
   * @throws Failure `unauthenticated` where the link is not known or over, or its account disabled; `not_found` where its folder
   * was deleted.
   */
  async open(token: string): Promise<OpenRequest> {
    const { catalogue, clock } = this.#parts
    const link = await catalogue.read.requestLinkByToken(token)
    const account = link && (await catalogue.read.account(link.accountId))
    if (!account || link.expiresAt <= clock.now() || account.disabledAt !== null)
      throw new Failure('unauthenticated', { reason: 'share' })
    const folder = await catalogue.read.entry(link.entryId)
    if (!folder) throw new Failure('not_found', { what: 'link', id: '' })
    return { link, caller: { account, by: 'request', request: link, folder: folder.path } }
  }

  /** What may be sent still. */
  allowance({ link, caller }: OpenRequest): Allowance {
    const { expiresAt } = link
    return { ...leftOf(link), fileBytes: this.#parts.plans.maxUploadOf(caller.account), expiresAt }
  }

  /** Publishes what came by a link, in its folder and for nobody else's eyes. @throws Failure as `Upload.publish`. */
  publish(upload: Upload): Promise<FileEntry[]> {
    return upload.publish(undefined, { description: '', tags: [], isPublic: false })
  }

  async #mayReach(caller: Caller, entryId: string): Promise<boolean> {
    const prefix = prefixOf(caller)
    if (prefix === null) return true
    const entry = await this.#parts.catalogue.read.entry(entryId)
    return entry !== undefined && isWithin(entry.path, prefix)
  }
}

/** What a link allows for still. Null: no limit. */
export function leftOf({ maxFiles, files, maxBytes, bytes }: RequestLink): {
  files: number | null
  bytes: number | null
} {
  const left = (limit: number | null, used: number) => (limit === null ? null : Math.max(0, limit - used))
  return { files: left(maxFiles, files), bytes: left(maxBytes, bytes) }
}

/**
 * Whether a link has room for so many bytes, and for a file at all: asked while they come, by what was known when they began;
 * the transaction asks again. @throws Failure `quota_exceeded`.
 */
export function requireLeft(link: RequestLink, bytes: number): void {
  const left = leftOf(link)
  if (left.files === 0)
    throw new Failure('quota_exceeded', { of: 'files', limit: link.maxFiles ?? 0, used: link.files })
  if (left.bytes !== null && bytes > left.bytes)
    throw new Failure('quota_exceeded', { of: 'bytes', limit: link.maxBytes ?? 0, used: link.bytes })
}

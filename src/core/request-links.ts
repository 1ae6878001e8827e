import { type Caller, requireMay } from './caller.ts'
import type { Catalogue, LinkAt } from './catalogue.ts'
import { Failure } from './failure.ts'
import { Links, linkLife, newLink } from './links.ts'
import type { FileEntry, RequestLink } from './model.ts'
import { parseFolderPath } from './paths.ts'
import type { Plans } from './plans.ts'
import type { Clock } from './ports.ts'
import type { Upload } from './upload.ts'

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
  /** For those who made them. */
  readonly links: Links<RequestLink>
  readonly #parts: Parts

  constructor(parts: Parts) {
    const { read, write } = parts.catalogue
    this.#parts = parts
    this.links = new Links({
      ...parts,
      what: 'link',
      // Whoever knows the link may write.
      need: 'files:write',
      list: (query) => read.requestLinks(query),
      find: (token) => read.requestLinkByToken(token),
      remove: (link) => write.deleteRequestLink(link),
    })
  }

  /** @throws Failure `forbidden`, `invalid`, `not_found`, `quota_exceeded` where there are too many. */
  async create(caller: Caller, wish: RequestWish): Promise<LinkAt<RequestLink>> {
    const { catalogue, clock } = this.#parts
    const ttlSeconds = linkLife(wish.ttlSeconds)
    const path = parseFolderPath(wish.path)
    requireMay(caller, 'files:write', path)
    const folder = await catalogue.read.entryAt(caller.account.id, path)
    if (!folder) throw new Failure('not_found', { what: 'folder', id: path })
    const link = await catalogue.write.createRequestLink({
      ...newLink(caller, folder, ttlSeconds, clock.now()),
      maxFiles: wish.maxFiles ?? null,
      maxBytes: wish.maxBytes ?? null,
    })
    return { link, path }
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
}

/** What a link allows for still. Null: no limit. */
function leftOf({ maxFiles, files, maxBytes, bytes }: RequestLink): {
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

import { LRUCache } from 'lru-cache'
import { type Caller, requireMay } from './caller.ts'
import type { Catalogue, LinkAt, ListCursor } from './catalogue.ts'
import { Failure, invalid } from './failure.ts'
import { Links, linkLife, newLink } from './links.ts'
import type { Account, FileEntry, PathEntry, Share } from './model.ts'
import { hashPassword, requirePassword, verifyPassword } from './passwords.ts'
import { isBelow, isFolderPath, lastSegment, parsePath } from './paths.ts'
import type { Clock, Signer } from './ports.ts'
import { secretDigest } from './secrets.ts'
import type { SignedUrls } from './signed-urls.ts'

/** For how long a browser that gave a link's password needs not give it again. */
const passLifeMs = 3_600_000
/** For how long a program's password is known again, and of how many such. */
const rightForMs = 60_000
const rightKept = 1_000
/** What a page of a shared folder lists. */
const entriesOnPage = 500

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly signedUrls: SignedUrls
  readonly signer: Signer
}

/** What somebody wants to share, and on what terms. */
export interface ShareWish {
  readonly path: string
  readonly ttlSeconds?: number | undefined
  /** Whether a folder is meant, with all below it: nobody should share one by a slash too many. */
  readonly folder?: boolean | undefined
  readonly password?: string | undefined
  readonly maxDownloads?: number | undefined
}

/** A link that holds: it is known, not over, and its account active. What it leads to is not looked at yet. */
export interface OpenShare {
  readonly share: Share
  readonly account: Account
}

/**
 * Links by which anybody may have what is at one entry of the tree, whatever its path and its content are by then; they end
 * with the entry. A link leads to nothing outside of what it was made for.
 */
export class Shares {
  /** For those who made them. */
  readonly links: Links<Share>
  readonly #parts: Parts
  /** By link and address: the digest of the password that was right. */
  readonly #right = new LRUCache<string, string>({ max: rightKept, ttl: rightForMs })

  constructor(parts: Parts) {
    const { read, write } = parts.catalogue
    this.#parts = parts
    this.links = new Links({
      ...parts,
      what: 'share',
      need: 'files:read',
      list: (query) => read.shares(query),
      find: (token) => read.shareByToken(token),
      remove: (link) => write.deleteShare(link),
    })
  }

  /** @throws Failure `forbidden`, `invalid`, `not_found`, `quota_exceeded` where there are too many. */
  async create(caller: Caller, wish: ShareWish): Promise<LinkAt<Share>> {
    const { catalogue, clock } = this.#parts
    const ttlSeconds = linkLife(wish.ttlSeconds)
    const path = parsePath(wish.path)
    requireMay(caller, 'files:write', path)
    if (isFolderPath(path) && wish.folder !== true)
      throw invalid('path', 'this is a folder: say "folder": true to share it with all that is in it')
    if (!isFolderPath(path) && wish.folder === true) throw invalid('path', 'a folder\'s path ends with "/"')
    if (wish.password !== undefined) requirePassword(wish.password)
    const entry = await catalogue.read.entryAt(caller.account.id, path)
    if (!entry) throw new Failure('not_found', { what: isFolderPath(path) ? 'folder' : 'file', id: path })
    const passwordHash = wish.password === undefined ? null : await hashPassword(wish.password)
    const link = await catalogue.write.createShare({
      ...newLink(caller, entry, ttlSeconds, clock.now()),
      passwordHash,
      maxDownloads: wish.maxDownloads ?? null,
    })
    return { link, path }
  }

  /** @throws Failure `unauthenticated` where the link is not known or over, or its account disabled. */
  async open(token: string): Promise<OpenShare> {
    const { catalogue, clock } = this.#parts
    const share = await catalogue.read.shareByToken(token)
    if (!share || share.expiresAt <= clock.now()) throw over()
    const account = await catalogue.read.account(share.accountId)
    if (!account || account.disabledAt !== null) throw over()
    return { share, account }
  }

  /**
   * Whether this address gave this very password a moment ago, and no other since: a client that loads in parts sends it with each
   * of them. Others learn nothing by it, nor does whoever guesses.
   */
  wasRight({ share }: OpenShare, password: string, address: string): boolean {
    return this.#right.get(`${share.id} ${address}`) === secretDigest(password)
  }

  /** @param address who tries. @throws Failure `unauthenticated` for a wrong one. Costs the work of a password's hash. */
  async requirePassword({ share }: OpenShare, password: string, address: string): Promise<void> {
    const hash = await this.#parts.catalogue.read.sharePassword(share.id)
    const isRight = await verifyPassword(password, hash)
    const who = `${share.id} ${address}`
    if (isRight) this.#right.set(who, secretDigest(password))
    else this.#right.delete(who)
    if (!isRight) throw new Failure('unauthenticated', { reason: 'share_password' })
  }

  /** A text by which whoever gave this link's password is known for a while, and when that is over. */
  async pass({ share }: OpenShare): Promise<{ text: string; expiresAt: number }> {
    const { clock, signer } = this.#parts
    const expiresAt = Math.floor(Math.min(clock.now() + passLifeMs, share.expiresAt) / 1_000) * 1_000
    const { keyId, signature } = await signer.sign(passText(share, expiresAt))
    return { text: [expiresAt, keyId, signature].join('.'), expiresAt }
  }

  /** Whether a text is a pass of this link, and not over. */
  async isPass({ share }: OpenShare, text: string): Promise<boolean> {
    const [, expires, keyId, signature] = /^(\d{13,16})\.([\w-]+)\.([\w-]+)$/.exec(text) ?? []
    if (expires === undefined || keyId === undefined || signature === undefined) return false
    const { clock, signer } = this.#parts
    const expiresAt = Number(expires)
    if (expiresAt <= clock.now()) return false
    return signer.verify(passText(share, expiresAt), { keyId, signature }, expiresAt)
  }

  /** What the link leads to now. @throws Failure `not_found` after a deletion. */
  async entry({ share }: OpenShare): Promise<PathEntry> {
    const entry = await this.#parts.catalogue.read.entry(share.entryId)
    if (!entry) throw new Failure('not_found', { what: 'share', id: '' })
    return entry
  }

  /**
   * What is at a path within a shared folder. @param sent below the folder, as it was sent; a folder's ends with a slash.
   * @throws Failure `not_found`, `invalid`.
   */
  async entryBelow({ share }: OpenShare, folder: PathEntry, sent: string): Promise<PathEntry> {
    const path = parsePath(folder.path + sent, 'path', 'path')
    const isInside = isFolderPath(folder.path) && isBelow(path, folder.path)
    const entry = isInside ? await this.#parts.catalogue.read.entryAt(share.accountId, path) : undefined
    if (!entry) throw new Failure('not_found', { what: isFolderPath(path) ? 'folder' : 'file', id: sent })
    return entry
  }

  /** One level of a folder that the link leads to, or a page of it. */
  level({ share }: OpenShare, folder: PathEntry, after?: ListCursor): Promise<{ entries: PathEntry[]; more: boolean }> {
    const wish = { accountId: share.accountId, folder: folder.path, limit: entriesOnPage, after }
    return this.#parts.catalogue.read.list(wish)
  }

  /** Whether the link has a limit of downloads. */
  isLimited({ share }: OpenShare): boolean {
    return share.maxDownloads !== null
  }

  /** @throws Failure `unauthenticated` where all downloads were had, by what was known when the link was opened. */
  requireDownloadsLeft({ share }: OpenShare): void {
    if (share.maxDownloads !== null && share.downloads >= share.maxDownloads) throw over()
  }

  /** Counts one download. @throws Failure `unauthenticated` where none is left. */
  async countDownload({ share }: OpenShare): Promise<void> {
    const { catalogue, clock } = this.#parts
    if (!(await catalogue.write.countDownload({ id: share.id, now: clock.now() }))) throw over()
  }

  /** The address of a file that the link leads to, below the server's own: good no longer than the link. */
  address({ share }: OpenShare, path: string, file: FileEntry): Promise<string> {
    const grant = { by: 'share', id: share.id } as const
    return this.#parts.signedUrls.forGet({ fileId: file.fileId, grant }, lastSegment(path), share.expiresAt)
  }
}

const over = () => new Failure('unauthenticated', { reason: 'share' })

/** One text for one meaning; as JSON no part of it can be taken for another, nor the whole for what else is signed. */
function passText({ id }: Share, expiresAt: number): string {
  return JSON.stringify(['larder-pass-1', id, expiresAt])
}

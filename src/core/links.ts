import { randomUUID } from 'node:crypto'
import { nanoid } from 'nanoid'
import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { Catalogue, LinkCursor, LinkPage, LinksQuery } from './catalogue.ts'
import { Failure, invalid } from './failure.ts'
import type { PathEntry, Scope } from './model.ts'
import { isWithin } from './paths.ts'
import type { Clock } from './ports.ts'
import { grouped } from './text.ts'

/** Links to entries of the tree: what shares and links for sending files have in common. */

export const linkLifeSeconds = { least: 60, standard: 3_600, most: 604_800 } as const
/** Links of each kind that an account may have at a time. */
const linksAtMost = 1_000
/** Tokens of links: 126 bits in URL-safe characters. */
const tokenCharacters = 21

interface Link {
  readonly id: string
  readonly accountId: string
  readonly entryId: string
}

interface Parts<L> {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly what: 'share' | 'link'
  /** What one must be allowed to see the links. */
  readonly need: Scope
  readonly list: (query: LinksQuery) => Promise<LinkPage<L>>
  readonly find: (token: string) => Promise<L | undefined>
  readonly remove: (link: { id: string; accountId: string }) => Promise<boolean>
}

/** Links of one kind, for those who made them. */
export class Links<L extends Link> {
  readonly #parts: Parts<L>

  constructor(parts: Parts<L>) {
    this.#parts = parts
  }

  /** Those that lead somewhere still, inside of what the caller may reach; newest first. @throws Failure `forbidden`. */
  async list(caller: Caller, page: { limit: number; after?: LinkCursor | undefined }): Promise<LinkPage<L>> {
    const { clock, need, list } = this.#parts
    requireMay(caller, need)
    return list({ accountId: caller.account.id, prefix: prefixOf(caller), now: clock.now(), ...page })
  }

  /** Ends a link at once. @throws Failure `not_found` for one that is not the caller's, or leads outside its prefix; `forbidden`. */
  async revoke(caller: Caller, token: string): Promise<void> {
    requireMay(caller, 'files:write')
    const { find, remove, what } = this.#parts
    const link = await find(token)
    const isMine = link?.accountId === caller.account.id && (await this.#mayReach(caller, link.entryId))
    const isGone = isMine && (await remove({ id: link.id, accountId: link.accountId }))
    if (!isGone) throw new Failure('not_found', { what, id: '' })
  }

  async #mayReach(caller: Caller, entryId: string): Promise<boolean> {
    const prefix = prefixOf(caller)
    if (prefix === null) return true
    const entry = await this.#parts.catalogue.read.entry(entryId)
    return entry !== undefined && isWithin(entry.path, prefix)
  }
}

/** How long a link lives, in seconds. @throws Failure `invalid` outside of a minute to a week. */
export function linkLife(seconds: number | undefined): number {
  const { least, standard, most } = linkLifeSeconds
  const life = seconds ?? standard
  if (!Number.isInteger(life) || life < least || life > most)
    throw invalid('ttl', `ttl is a whole number of seconds from ${least} to ${grouped(most)}`)
  return life
}

/** A new link of the caller's to an entry, and how many there may be with it. */
export function newLink(caller: Caller, { entryId }: PathEntry, ttlSeconds: number, now: number) {
  return {
    id: randomUUID(),
    token: nanoid(tokenCharacters),
    accountId: caller.account.id,
    entryId,
    ttlSeconds,
    createdAt: now,
    expiresAt: now + ttlSeconds * 1_000,
    most: linksAtMost,
  }
}

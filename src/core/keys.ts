import { randomUUID } from 'node:crypto'
import { type Caller, requireMay } from './caller.ts'
import type { Catalogue, KeyBounds, KeyHolder, KeyQuery, ListedKey, NewKey } from './catalogue.ts'
import { Failure, invalid } from './failure.ts'
import { type Account, type Key, type KeyKind, type Scope, scopes } from './model.ts'
import { folderPath } from './paths.ts'
import type { Clock } from './ports.ts'
import { isKeyText, keyHint, newKey, secretDigest } from './secrets.ts'
import { byteLength, cutToBytes } from './text.ts'

const nameLimitBytes = 255

export interface KeyWish {
  readonly kind: KeyKind
  readonly name?: string | undefined
  /** None, or an empty list: everything. */
  readonly scopes?: readonly string[] | undefined
  readonly pathPrefix?: string | undefined
  readonly expiresAt?: number | null | undefined
  /** The account's first project where absent. */
  readonly projectId?: string | undefined
}

/** A key as it is shown once, and what is kept of it. */
export interface MadeKey {
  readonly text: string
  readonly row: NewKey
}

/**
 * A new key for an account, not stored yet.
 * @throws Failure `invalid` for an unknown scope, a prefix that is no path, a time in the past.
 */
export function makeKey(accountId: string, wish: KeyWish, now: number): MadeKey {
  if (wish.expiresAt != null && wish.expiresAt <= now) throw invalid('expires', 'a key expires in the future')
  const text = newKey(wish.kind)
  const prefix = folderPath(wish.pathPrefix ?? '', 'path_prefix')
  const row: NewKey = {
    id: randomUUID(),
    accountId,
    kind: wish.kind,
    hint: keyHint(text),
    digest: secretDigest(text),
    name: keyName(wish.name ?? ''),
    scopes: scopesFrom(wish.scopes ?? []),
    pathPrefix: prefix === '' ? null : prefix,
    expiresAt: wish.expiresAt ?? null,
    ...(wish.projectId !== undefined && { projectId: wish.projectId }),
    now,
  }
  return { text, row }
}

function keyName(name: string): string {
  if (byteLength(name) > nameLimitBytes || /\p{Cc}/u.test(name)) {
    throw invalid('name', `a key's name has at most ${nameLimitBytes} bytes and no control characters`)
  }
  return name.trim()
}

function scopesFrom(sent: readonly string[]): Scope[] | null {
  const unknown = sent.findIndex((scope) => !(scopes as readonly string[]).includes(scope))
  if (unknown >= 0) {
    const shown = JSON.stringify(cutToBytes(sent[unknown] ?? '', 64))
    throw invalid(['scopes', unknown], `${shown} is no scope; there are ${scopes.join(', ')}`)
  }
  return sent.length === 0 ? null : [...new Set(sent as Scope[])]
}

/** Whether a key's holder may come in now. @throws Failure `unauthenticated` or `forbidden` with the reason. */
function requireValid({ key, account }: KeyHolder, now: number): void {
  if (key.revokedAt !== null) throw new Failure('unauthenticated', { reason: 'revoked' })
  if (key.expiresAt !== null && key.expiresAt <= now) throw new Failure('unauthenticated', { reason: 'expired' })
  requireActive(account)
}

/** @throws Failure `forbidden` for a disabled account. */
export function requireActive(account: Account): void {
  if (account.disabledAt !== null) throw new Failure('forbidden', { needs: 'active_account' })
}

/** The keys of an account, as far as its caller may know of them. */
export class Keys {
  readonly #catalogue: Catalogue
  readonly #clock: Clock

  constructor(parts: { catalogue: Catalogue; clock: Clock }) {
    this.#catalogue = parts.catalogue
    this.#clock = parts.clock
  }

  /** The caller that a key's text stands for. @throws Failure `unauthenticated` with the reason, or `forbidden`. */
  async authenticate(text: string): Promise<Caller> {
    if (!isKeyText(text)) throw new Failure('unauthenticated', { reason: 'unreadable' })
    const holder = await this.#catalogue.read.keyByDigest(secretDigest(text))
    if (!holder) throw new Failure('unauthenticated', { reason: 'unknown' })
    requireValid(holder, this.#clock.now())
    return { account: holder.account, by: 'key', key: holder.key }
  }

  /**
   * Makes a key of the caller's account; its text is shown this once. One made with a key is no wider and no longer-lived:
   * where nothing is said, it has that key's folder and end.
   * @throws Failure `invalid`, `forbidden`, `not_found` (project).
   */
  async create(caller: Caller, wish: KeyWish): Promise<{ text: string; key: Key }> {
    requireMay(caller, 'keys:manage')
    const bounds = boundsOf(caller)
    const { text, row } = makeKey(caller.account.id, { ...wish, ...inherited(wish, bounds) }, this.#clock.now())
    if (!isWithin(row, bounds)) throw new Failure('forbidden', { needs: 'bounds' })
    return { text, key: await this.#catalogue.write.createKey(row) }
  }

  /** Newest first; of keys that the caller itself could have made. */
  list(
    caller: Caller,
    query: Omit<KeyQuery, 'accountId' | 'within'> = {},
  ): Promise<{ keys: ListedKey[]; total: number }> {
    requireMay(caller, 'keys:manage')
    return this.#catalogue.read.keys({ ...query, accountId: caller.account.id, within: boundsOf(caller) })
  }

  /**
   * Revokes a key, for good. @param options.again whether one that is revoked already is right, too.
   * @throws Failure `not_found` for a key of somebody else's, or one that the caller may not know of.
   */
  async revoke(caller: Caller, id: string, options: { projectId?: string; again?: boolean } = {}): Promise<Key> {
    requireMay(caller, 'keys:manage')
    const whose = { id, accountId: caller.account.id, within: boundsOf(caller) }
    return this.#catalogue.write.revokeKey({ ...options, ...whose, now: this.#clock.now() })
  }
}

function boundsOf(caller: Caller): KeyBounds {
  return caller.by === 'key' ? caller.key : { pathPrefix: null, expiresAt: null }
}

function inherited({ pathPrefix, expiresAt }: KeyWish, bounds: KeyBounds): Pick<KeyWish, 'pathPrefix' | 'expiresAt'> {
  return { pathPrefix: pathPrefix || (bounds.pathPrefix ?? undefined), expiresAt: expiresAt ?? bounds.expiresAt }
}

function isWithin(key: KeyBounds, { pathPrefix, expiresAt }: KeyBounds): boolean {
  const isInside = pathPrefix === null || (key.pathPrefix?.startsWith(pathPrefix) ?? false)
  return isInside && (expiresAt === null || (key.expiresAt !== null && key.expiresAt <= expiresAt))
}

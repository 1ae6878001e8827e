import { randomUUID } from 'node:crypto'
import type { Caller } from './caller.ts'
import type { Catalogue, KeyHolder, NewKey } from './catalogue.ts'
import { Failure, invalid } from './failure.ts'
import { type Account, type Key, type KeyKind, type Scope, scopes } from './model.ts'
import { byteLength, folderPath, reservedAtRoot } from './names.ts'
import type { Clock } from './ports.ts'
import { isKeyText, keyHint, newKey, secretDigest } from './secrets.ts'

const nameLimitBytes = 255

export interface KeyWish {
  readonly kind: KeyKind
  readonly name?: string | undefined
  /** None, or an empty list: everything. */
  readonly scopes?: readonly string[] | undefined
  readonly pathPrefix?: string | undefined
  readonly expiresAt?: number | null | undefined
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
  const [top = ''] = prefix.split('/')
  if (reservedAtRoot.has(top)) throw invalid('path_prefix', `"${top}" is no folder: the name is taken at the root`)
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
  const unknown = sent.find((scope) => !(scopes as readonly string[]).includes(scope))
  if (unknown !== undefined) throw invalid('scopes', `"${unknown}" is no scope; there are ${scopes.join(', ')}`)
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

export class Keys {
  readonly #catalogue: Catalogue
  readonly #clock: Clock

  constructor(parts: { catalogue: Catalogue; clock: Clock }) {
    this.#catalogue = parts.catalogue
    this.#clock = parts.clock
  }

  /** The caller that a key's text stands for. @throws Failure `unauthenticated` with the reason, or `forbidden`. */
  async authenticate(text: string): Promise<Caller> {
    if (!isKeyText(text)) throw new Failure('unauthenticated', { reason: 'malformed' })
    const holder = await this.#catalogue.read.keyByDigest(secretDigest(text))
    if (!holder) throw new Failure('unauthenticated', { reason: 'wrong' })
    requireValid(holder, this.#clock.now())
    return { account: holder.account, by: 'key', key: holder.key }
  }

  /** Makes a key of the caller's account; its text is shown this once. Only a log-in makes keys. */
  async create(caller: Caller, wish: KeyWish): Promise<{ text: string; key: Key }> {
    requireLogin(caller)
    const { text, row } = makeKey(caller.account.id, wish, this.#clock.now())
    return { text, key: await this.#catalogue.write.createKey(row) }
  }

  /** The account's keys that are not revoked, newest first. */
  async list(caller: Caller): Promise<(Key & { lastUsedAt: number | null })[]> {
    requireLogin(caller)
    return this.#catalogue.read.keys(caller.account.id)
  }

  /** @throws Failure `not_found` for a key of somebody else's, or a revoked one. */
  async revoke(caller: Caller, id: string): Promise<void> {
    requireLogin(caller)
    await this.#catalogue.write.revokeKey({ id, accountId: caller.account.id, now: this.#clock.now() })
  }
}

function requireLogin(caller: Caller): void {
  if (caller.by !== 'session') throw new Failure('forbidden', { needs: 'login' })
}

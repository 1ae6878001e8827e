import { randomUUID } from 'node:crypto'
import type { Catalogue, NewLink } from './catalogue.ts'
import { Failure } from './failure.ts'
import { makeKey } from './keys.ts'
import type { Account } from './model.ts'
import { emailAddress } from './names.ts'
import { hashPassword, requirePassword } from './passwords.ts'
import type { Clock } from './ports.ts'
import { newToken, secretDigest } from './secrets.ts'

const day = 86_400_000
const setUpLinkLifeMs = 7 * day

/** What the very first start of a store shows, once. */
export interface FirstSecrets {
  readonly setUpToken: string
  readonly key: string
}

/** The very first start of a store. */
export interface FirstStart {
  /** None were made where nobody would have seen them: a key that nobody has is one that nobody misses when it is found. */
  readonly secrets: FirstSecrets | undefined
}

/** Accounts, as whoever runs the server sees them. */
export class Accounts {
  readonly #catalogue: Catalogue
  readonly #clock: Clock

  constructor(parts: { catalogue: Catalogue; clock: Clock }) {
    this.#catalogue = parts.catalogue
    this.#clock = parts.clock
  }

  /** Makes the owner's account, where the store has none yet; with a set-up link and a key, where they are shown to somebody. */
  async firstStart({ showsSecrets }: { readonly showsSecrets: boolean }): Promise<FirstStart | undefined> {
    // A look is cheap, and spares every later start the wait for a write.
    if ((await this.list()).some((account) => account.isOwner)) return undefined
    const now = this.#clock.now()
    const id = randomUUID()
    const account = { id, email: null, passwordHash: null, isOwner: true, verified: false, now }
    if (!showsSecrets) return (await this.#catalogue.write.createOwner({ account })) && { secrets: undefined }
    const setUpToken = newToken()
    const key = makeKey(id, { kind: 'ak', name: 'first start' }, now)
    const link = setUpLink(id, setUpToken, now)
    const owner = await this.#catalogue.write.createOwner({ account, secrets: { key: key.row, link } })
    return owner && { secrets: { setUpToken, key: key.text } }
  }

  /** A new account that may sign in at once. @throws Failure `invalid`, or `conflict` where the e-mail is taken. */
  async add(email: string, password: string): Promise<Account> {
    const address = emailAddress(email)
    requirePassword(password)
    const passwordHash = await hashPassword(password)
    const now = this.#clock.now()
    const account = { id: randomUUID(), email: address, passwordHash, isOwner: false, verified: true, now }
    return this.#catalogue.write.createAccount(account)
  }

  list(): Promise<Account[]> {
    return this.#catalogue.read.accounts()
  }

  /** An account by its e-mail address, or by its actor's name (which has no `@`). @throws Failure `not_found`, `invalid`. */
  async named(name: string): Promise<Account> {
    const { read } = this.#catalogue
    const account = name.includes('@')
      ? await read.accountByEmail(emailAddress(name))
      : (await read.accountByActor(name))?.account
    if (!account) throw new Failure('not_found', { what: 'account', id: name })
    return account
  }

  /** @throws Failure `not_found` in a store that was never started. */
  async owner(): Promise<Account> {
    const owner = (await this.list()).find((account) => account.isOwner)
    if (!owner) throw new Failure('not_found', { what: 'account', id: 'owner' })
    return owner
  }

  /** Sets a password and ends the account's sessions. */
  async setPassword(account: Account, password: string): Promise<void> {
    requirePassword(password)
    const passwordHash = await hashPassword(password)
    await this.#catalogue.write.setPassword({ accountId: account.id, passwordHash, now: this.#clock.now() })
  }

  /** A disabled account's keys and sessions open nothing; its files stay where they are. */
  setDisabled(account: Account, disabled: boolean): Promise<void> {
    return this.#catalogue.write.setDisabled({ accountId: account.id, disabled, now: this.#clock.now() })
  }

  /** Puts an account on a plan, or on none (null), until a time where one is said. */
  setPlan(account: Account, plan: string | null, accessUntil: number | null): Promise<Account> {
    return this.#catalogue.write.setPlan({ accountId: account.id, plan, accessUntil, now: this.#clock.now() })
  }

  /** A new one-use link, by which its holder gives the account an e-mail and a password. Resolves to the link's token. */
  async createSetUpLink(account: Account): Promise<string> {
    const token = newToken()
    await this.#catalogue.write.createLink(setUpLink(account.id, token, this.#clock.now()))
    return token
  }
}

function setUpLink(accountId: string, token: string, now: number): NewLink {
  const expiresAt = now + setUpLinkLifeMs
  return { id: randomUUID(), accountId, purpose: 'set-up', digest: secretDigest(token), expiresAt, now }
}

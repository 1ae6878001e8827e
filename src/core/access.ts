import { randomUUID } from 'node:crypto'
import { type Caller, requireMay } from './caller.ts'
import type { Catalogue, NewSession } from './catalogue.ts'
import { Failure, isFailure } from './failure.ts'
import { type Keys, requireActive } from './keys.ts'
import type { Account, Session, SessionKind } from './model.ts'
import { normalEmail } from './names.ts'
import { hashPassword, isOutdated, requirePassword, verifyPassword } from './passwords.ts'
import type { Clock, Tokens } from './ports.ts'
import { newToken, secretDigest } from './secrets.ts'

export const sessionLifeMs = 30 * 86_400_000
export const accessTokenLifeMs = 3_600_000

/** A session with its secret: the cookie's token, or the first refresh token. */
export interface SignedIn {
  readonly token: string
  readonly caller: Caller
}

/** What the APIs' clients are given. */
export interface Issued {
  readonly account: Account
  readonly accessToken: string
  /** Of the access token. */
  readonly expiresAt: number
  readonly refreshToken: string
}

/** An access token that is good for as long as its session: nothing renews it. */
export interface SessionToken {
  readonly account: Account
  readonly accessToken: string
  readonly expiresAt: number
}

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly tokens: Tokens
  readonly keys: Keys
}

/** Coming in and going out: log-ins, sessions, and the tokens that stand for them. */
export class Access {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #tokens: Tokens
  readonly #keys: Keys

  constructor({ catalogue, clock, tokens, keys }: Parts) {
    this.#catalogue = catalogue
    this.#clock = clock
    this.#tokens = tokens
    this.#keys = keys
  }

  /** Whoever an API's credential stands for: a key or an access token. @throws Failure `unauthenticated`, `forbidden`. */
  async authenticate(credential: string): Promise<Caller> {
    if (!this.#tokens.isToken(credential)) return this.#keys.authenticate(credential)
    const { accountId, sessionId } = await this.#tokens.verify(credential)
    const holder = await this.#catalogue.read.session(sessionId)
    if (holder?.account.id !== accountId) throw new Failure('unauthenticated', { reason: 'ended' })
    return this.#callerOf(holder)
  }

  /** Whoever a page's cookie stands for. @throws Failure `unauthenticated`, `forbidden`. */
  async byCookie(token: string): Promise<Caller> {
    const holder = await this.#catalogue.read.sessionByDigest(secretDigest(token))
    if (!holder) throw new Failure('unauthenticated', { reason: 'unknown' })
    return this.#callerOf(holder)
  }

  /**
   * A log-in by e-mail and password, for a page. An unknown e-mail costs the same work as a known one.
   * @throws Failure `unauthenticated`, whichever of the two was wrong; `forbidden` for an account that is disabled or whose
   * e-mail is not verified, but only to who knows its password.
   */
  async logIn(email: string, password: string): Promise<SignedIn> {
    const { account, token, session } = await this.#enter(email, password, 'page')
    return { token, caller: { account, by: 'session', session } }
  }

  /** The same for an API. @throws Failure as `logIn`. */
  async logInForTokens(email: string, password: string): Promise<Issued> {
    const { account, token, session } = await this.#enter(email, password, 'api')
    return this.issue(account, session.id, token)
  }

  /** Signs a page's visitor in whose password was verified just now, by its hash. @throws Failure `unauthenticated`. */
  async signIn(account: Account, passwordHash: string): Promise<SignedIn> {
    const { token, session } = await this.#begin(account, passwordHash, 'page')
    return { token, caller: { account, by: 'session', session } }
  }

  /**
   * The next access and refresh token for a refresh token, which is good no longer. One that comes twice ends its session.
   * @param accountId whose it must be, where that is said.
   * @throws Failure `unauthenticated`.
   */
  async refresh(refreshToken: string, accountId?: string): Promise<Issued> {
    const now = this.#clock.now()
    const next = newToken()
    const rotation = await this.#catalogue.write.rotate({
      digest: secretDigest(refreshToken),
      next: secretDigest(next),
      expiresAt: now + sessionLifeMs,
      ...(accountId !== undefined && { accountId }),
      now,
    })
    if (rotation.outcome !== 'rotated')
      throw new Failure('unauthenticated', { reason: rotation.outcome === 'reused' ? 'ended' : 'unknown' })
    return this.issue(rotation.account, rotation.session.id, next)
  }

  /**
   * Another password, by whoever knows the one there is. The account's other sessions end; the caller's stays.
   * @throws Failure `unauthenticated` for a wrong one, `invalid`, `forbidden` for a key.
   */
  async changePassword(caller: Caller, oldPassword: string, newPassword: string): Promise<void> {
    requireMay(caller, 'login')
    requirePassword(newPassword, 'new_password')
    const { id } = caller.account
    const from = await this.#catalogue.read.passwordHash(id)
    if (!(await verifyPassword(oldPassword, from)) || from === null)
      throw new Failure('unauthenticated', { reason: 'password' })
    const to = await hashPassword(newPassword)
    const keep = caller.by === 'session' ? caller.session.id : ''
    await this.#catalogue.write.changePassword({ accountId: id, from, to, keep, now: this.#clock.now() })
  }

  /** Ends the session of a refresh token; nothing where there is none. */
  revoke(refreshToken: string): Promise<void> {
    return this.#catalogue.write.endSessionOf({ digest: secretDigest(refreshToken) })
  }

  /** Ends the caller's session, and with it its access tokens, at once. A key has none. */
  async logOut(caller: Caller): Promise<void> {
    if (caller.by === 'session') await this.#catalogue.write.endSession({ id: caller.session.id })
  }

  /**
   * Ends the session of an access token, at once. One that is over already has none left to end, and that is well.
   * @throws Failure `unauthenticated` for what is not known here, `forbidden` for a key: it has no session.
   */
  async logOutBy(credential: string): Promise<void> {
    try {
      const caller = await this.authenticate(credential)
      requireMay(caller, 'login')
      await this.logOut(caller)
    } catch (error) {
      if (!this.#tokens.isToken(credential) || !isOver(error)) throw error
    }
  }

  /** Signs in an account that was verified just now by other means than a password. @throws Failure `forbidden` (disabled). */
  async enter(account: Account): Promise<SessionToken> {
    const { session } = this.newSession('api')
    await this.#catalogue.write.beginSession({ ...session, accountId: account.id, now: this.#clock.now() })
    const expiresAt = Math.floor(session.expiresAt / 1_000) * 1_000
    const accessToken = await this.#tokens.sign({ accountId: account.id, sessionId: session.id }, expiresAt)
    return { account, accessToken, expiresAt }
  }

  /** A session yet to be stored, and its secret. */
  newSession(kind: SessionKind): { token: string; session: NewSession } {
    const token = newToken()
    const expiresAt = this.#clock.now() + sessionLifeMs
    return { token, session: { id: randomUUID(), kind, digest: secretDigest(token), expiresAt } }
  }

  async issue(account: Account, sessionId: string, refreshToken: string): Promise<Issued> {
    const expiresAt = this.#clock.now() + accessTokenLifeMs
    const accessToken = await this.#tokens.sign({ accountId: account.id, sessionId }, expiresAt)
    return { account, accessToken, expiresAt, refreshToken }
  }

  #callerOf({ account, session }: { account: Account; session: Session }): Caller {
    if (session.expiresAt <= this.#clock.now()) throw new Failure('unauthenticated', { reason: 'expired' })
    requireActive(account)
    return { account, by: 'session', session }
  }

  async #begin(account: Account, passwordHash: string, kind: SessionKind) {
    const { token, session } = this.newSession(kind)
    const now = this.#clock.now()
    await this.#catalogue.write.createSession({ ...session, accountId: account.id, passwordHash, now })
    return { token, session: { id: session.id, accountId: account.id, kind, expiresAt: session.expiresAt } }
  }

  /** The hash may be another by the time the session is made: the same password hashed anew by a log-in beside this one. */
  async #enter(email: string, password: string, kind: SessionKind) {
    for (let isSecondTry = false; ; isSecondTry = true) {
      const { account, hash } = await this.#verified(email, password)
      try {
        const begun = await this.#begin(account, hash, kind)
        if (isOutdated(hash)) await this.#rehash(account, password, hash)
        return { account, ...begun }
      } catch (error) {
        if (isSecondTry || !isFailure(error) || error.code !== 'unauthenticated') throw error
      }
    }
  }

  async #verified(email: string, password: string): Promise<{ account: Account; hash: string }> {
    const { read } = this.#catalogue
    const account = await read.accountByEmail(normalEmail(email) ?? '')
    const hash = account && (await read.passwordHash(account.id))
    if (account && hash && (await verifyPassword(password, hash))) {
      requireActive(account)
      return { account, hash }
    }
    if (!hash) await verifyPassword(password, undefined)
    // Whoever registered the address and did not confirm it hears so, be it somebody else's or nobody's.
    const unconfirmed = account && (await read.unconfirmedHash(account.id, this.#clock.now()))
    const isRegistered = await verifyPassword(password, unconfirmed)
    throw isRegistered
      ? new Failure('forbidden', { needs: 'verified_email' })
      : new Failure('unauthenticated', { reason: 'password' })
  }

  async #rehash(account: Account, password: string, from: string): Promise<void> {
    const to = await hashPassword(password)
    await this.#catalogue.write.rehashPassword({ accountId: account.id, from, to })
  }
}

/** Whether it is of a log-in that was good once. */
function isOver(error: unknown): boolean {
  if (!isFailure(error) || error.code !== 'unauthenticated') return false
  return error.detail.reason === 'ended' || error.detail.reason === 'expired'
}

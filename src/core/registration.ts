import { randomUUID } from 'node:crypto'
import type { Access, Issued, SignedIn } from './access.ts'
import type { Caller } from './caller.ts'
import { requireMay } from './caller.ts'
import type { Catalogue, NewAccount, NewMail } from './catalogue.ts'
import { Failure } from './failure.ts'
import type { Letter, LinkPurpose } from './model.ts'
import { emailAddress } from './names.ts'
import { hashPassword, requirePassword, verifyPassword } from './passwords.ts'
import type { BotCheck, Clock } from './ports.ts'
import { codeDigest, newCode, newToken, secretDigest } from './secrets.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const confirmLinkLifeMs = 24 * hourMs
const resetLinkLifeMs = hourMs
const codeLifeMs = 10 * minuteMs
const codeTries = 5
const codeEveryMs = minuteMs
const magicLinkLifeMs = 15 * minuteMs

export interface RegistrationRules {
  readonly isOpen: boolean
  /** The plan that those who register are put on; null: none. */
  readonly plan: string | null
  /** Origins that a confirmation may lead on to. */
  readonly allowedRedirects: readonly string[]
  /** Letters to one address in an hour; null: no limit. */
  readonly lettersHourly: number | null
}

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly access: Access
  readonly botCheck: BotCheck | undefined
  readonly rules: RegistrationRules
}

/** What somebody shows to be no program: what a browser had from a check, and the address it comes from. */
export interface Humanity {
  readonly response: string | undefined
  readonly address: string
}

/** How people get an account, and get back into it: by registering, by a code, by a link. */
export class Registration {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get isOpen(): boolean {
    return this.#parts.rules.isOpen
  }

  /**
   * Registers an e-mail with a password, which holds once the letter's link is followed. Who has an account already gets a
   * letter that says so, and the answer is the same.
   * @throws Failure `forbidden` where registration is closed, `invalid`.
   */
  async register(email: string, password: string, redirectTo?: string): Promise<{ id: string; email: string }> {
    const { catalogue, clock, rules } = this.#parts
    if (!rules.isOpen) throw new Failure('forbidden', { needs: 'open_registration' })
    const address = emailAddress(email)
    requirePassword(password)
    const passwordHash = await this.#registeredHash(address, password)
    const now = clock.now()
    const { token, link } = newLink('confirm', now, confirmLinkLifeMs)
    const account = newAccount(address, false, rules.plan, now)
    const { expiresAt } = link
    await catalogue.write.register({
      account,
      link: { ...link, accountId: account.id, passwordHash, ...this.#redirect(redirectTo) },
      confirm: this.#mail({ to: address, purpose: 'confirm', path: `/auth/confirm?token=${token}`, expiresAt }),
      known: this.#mail({ to: address, purpose: 'known', path: '/app/sign-in', expiresAt }),
    })
    return { id: account.id, email: address }
  }

  /**
   * Follows a registration's link. Resolves to where it leads on, if that is allowed, and to a link to choose a password by
   * where the address was registered more than once. @throws Failure `not_found`, `forbidden`.
   */
  async confirm(token: string): Promise<{ redirectTo?: string; choosePath?: string }> {
    const { catalogue, clock } = this.#parts
    const now = clock.now()
    const choice = newLink('reset', now, resetLinkLifeMs)
    const outcome = await catalogue.write.confirm({ digest: secretDigest(token), choose: choice.link, now })
    if (!outcome.hasPassword) return { choosePath: resetPath(choice.token) }
    return this.#redirect(outcome.redirectTo ?? undefined)
  }

  /** Sends a link to choose a new password by, if somebody has an account there. @throws Failure `invalid`. */
  async forgot(email: string): Promise<void> {
    const { catalogue, clock } = this.#parts
    const to = emailAddress(email)
    const { token, link } = newLink('reset', clock.now(), resetLinkLifeMs)
    const path = resetPath(token)
    const mail = this.#mail({ to, purpose: 'reset', path, expiresAt: link.expiresAt })
    await catalogue.write.sendLink({ email: to, link, mail })
  }

  /** Whoever holds a link: it may choose the account's password, once. @throws Failure `not_found`. */
  async byLink(token: string, purpose: LinkPurpose): Promise<Caller> {
    const holder = await this.#parts.catalogue.read.linkHolder(secretDigest(token), purpose, this.#parts.clock.now())
    if (!holder) throw new Failure('not_found', { what: 'link', id: '' })
    return { account: holder.account, by: 'link', purpose }
  }

  /** Uses a set-up link up and signs its account in. @throws Failure `not_found`, `invalid`, `conflict`. */
  async completeSetUp(token: string, email: string, password: string): Promise<SignedIn> {
    const { catalogue, clock, access } = this.#parts
    const address = emailAddress(email)
    const passwordHash = await this.#chosen(token, 'set-up', password)
    const wish = { digest: secretDigest(token), email: address, passwordHash, now: clock.now() }
    return access.signIn(await catalogue.write.completeSetUp(wish), passwordHash)
  }

  /** Uses a reset's link up: the password is another, and all sessions have ended. @throws Failure `not_found`, `invalid`. */
  async completeReset(token: string, password: string): Promise<void> {
    const { catalogue, clock } = this.#parts
    const passwordHash = await this.#chosen(token, 'reset', password)
    await catalogue.write.completeReset({ digest: secretDigest(token), passwordHash, now: clock.now() })
  }

  /** Sends a code to sign in by; nothing, where one was sent a minute ago. @throws Failure `invalid`. */
  async sendCode(email: string): Promise<void> {
    const { catalogue, clock, rules } = this.#parts
    const to = emailAddress(email)
    const now = clock.now()
    const code = newCode()
    await catalogue.write.sendCode({
      email: to,
      digest: codeDigest(to, code),
      tries: codeTries,
      notSince: now - codeEveryMs,
      mayRegister: rules.isOpen,
      mail: this.#mail({ to, purpose: 'code', code, expiresAt: now + codeLifeMs }),
      now,
    })
  }

  /** Signs in by a code; where registration is open, an address without an account gets one. @throws Failure `unauthenticated`. */
  async redeemCode(email: string, code: string): Promise<Issued> {
    const { catalogue, clock, access, rules } = this.#parts
    const address = emailAddress(email)
    const now = clock.now()
    const { token, session } = access.newSession('api')
    const account = await catalogue.write.redeemCode({
      email: address,
      digest: codeDigest(address, code.trim()),
      newAccount: rules.isOpen ? newAccount(address, true, rules.plan, now) : undefined,
      session,
      now,
    })
    if (!account) throw new Failure('unauthenticated', { reason: 'code' })
    return access.issue(account, session.id, token)
  }

  /**
   * Sends a link to sign in by. Where there is nobody to send it to, the same is done, and nothing sent.
   * @param humanity asked for where a check is configured; undefined for who is known already, and is not asked.
   * @throws Failure `invalid`, `forbidden` for who may be a program, `busy` where that cannot be found out.
   */
  async sendMagicLink(email: string, humanity: Humanity | undefined): Promise<void> {
    const { catalogue, clock, rules } = this.#parts
    const to = emailAddress(email)
    if (humanity) await this.#requireHuman(humanity)
    const now = clock.now()
    const token = newToken()
    await catalogue.write.sendMagicLink({
      email: to,
      digest: secretDigest(token),
      mayRegister: rules.isOpen,
      mail: this.#mail({
        to,
        purpose: 'magic',
        path: `/storage/auth/magic/${token}`,
        expiresAt: now + magicLinkLifeMs,
      }),
      now,
    })
  }

  /**
   * Signs a page's visitor in by a link, once; where registration is open, an address without an account gets one.
   * @throws Failure `not_found` for a link that is used or over, `forbidden` for a disabled account.
   */
  async redeemMagicLink(token: string): Promise<SignedIn> {
    const { catalogue, clock, access, rules } = this.#parts
    const now = clock.now()
    const { token: cookie, session } = access.newSession('page')
    const account = await catalogue.write.redeemMagicLink({
      digest: secretDigest(token),
      newAccount: rules.isOpen ? { ...blankAccount(true, rules.plan, now), actorType: 'human' } : undefined,
      session,
      now,
    })
    if (!account) throw new Failure('not_found', { what: 'link', id: '' })
    const { id, kind, expiresAt } = session
    return {
      token: cookie,
      caller: { account, by: 'session', session: { id, accountId: account.id, kind, expiresAt } },
    }
  }

  async #requireHuman({ response, address }: Humanity): Promise<void> {
    const { botCheck } = this.#parts
    if (!botCheck) return
    if (!response || !(await botCheck.isHuman(response, address)))
      throw new Failure('forbidden', { needs: 'bot_check' })
  }

  /** Whoever registers again with the same password is the same; that costs a look that others are given, too. */
  async #registeredHash(email: string, password: string): Promise<string> {
    const { catalogue, clock } = this.#parts
    const account = await catalogue.read.accountByEmail(email)
    const before = account && (await catalogue.read.unconfirmedHash(account.id, clock.now()))
    const isSame = await verifyPassword(password, before)
    const fresh = await hashPassword(password)
    return isSame && before ? before : fresh
  }

  /** Where a confirmation may lead on: nowhere but to origins that are allowed, as it was when it was asked for and is now. */
  #redirect(sent: string | undefined): { redirectTo?: string } {
    const url = sent === undefined ? null : URL.parse(sent)
    const isPlain = url && /^https?:$/.test(url.protocol) && url.username + url.password === ''
    return isPlain && this.#parts.rules.allowedRedirects.includes(url.origin) ? { redirectTo: url.href } : {}
  }

  /** The hash of a password chosen by a link that is good still: nobody else makes us work it out. */
  async #chosen(token: string, purpose: LinkPurpose, password: string): Promise<string> {
    requirePassword(password)
    requireMay(await this.byLink(token, purpose), 'password:choose')
    return hashPassword(password)
  }

  #mail(letter: Letter): NewMail {
    const { clock, rules } = this.#parts
    return { id: randomUUID(), letter, hourly: rules.lettersHourly, now: clock.now() }
  }
}

const resetPath = (token: string): string => `/app/reset?token=${token}`

function newLink(purpose: LinkPurpose, now: number, lifeMs: number) {
  const token = newToken()
  const link = { id: randomUUID(), purpose, digest: secretDigest(token), expiresAt: now + lifeMs, now }
  return { token, link }
}

function newAccount(email: string, verified: boolean, plan: string | null, now: number): NewAccount {
  return { ...blankAccount(verified, plan, now), email }
}

function blankAccount(verified: boolean, plan: string | null, now: number): Omit<NewAccount, 'email'> {
  return { id: randomUUID(), passwordHash: null, isOwner: false, verified, plan, now }
}

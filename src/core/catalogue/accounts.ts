import type { Account, ActorType, LinkPurpose, Session, SessionKind } from '../model.ts'
import type { Digest } from '../ports.ts'
import type { NewKey } from './keys.ts'
import type { NewMail } from './mails.ts'

export interface SessionHolder {
  readonly session: Session
  readonly account: Account
}

/** A link that can be used still, and whose it is. */
export interface LinkHolder {
  readonly account: Account
  readonly purpose: LinkPurpose
}

export interface AccountReads {
  account(id: string): Promise<Account | undefined>
  accountByEmail(email: string): Promise<Account | undefined>
  accounts(): Promise<Account[]>
  /** The password's hash, apart from the account so that it travels nowhere by accident. */
  passwordHash(accountId: string): Promise<string | null>
  /** The hash that was chosen with the latest registration of its e-mail, and never confirmed. */
  unconfirmedHash(accountId: string, now: number): Promise<string | null>
  /** A page's session by its cookie's token. */
  sessionByDigest(digest: Digest): Promise<SessionHolder | undefined>
  /** An API's session by its id. */
  session(id: string): Promise<SessionHolder | undefined>
  /** Whether a session of either kind has not been ended. */
  hasSession(id: string): Promise<boolean>
  /** An account by the name of its actor, in whatever case, and the key that it signs with. */
  accountByActor(actor: string): Promise<{ account: Account; publicKey: string | null } | undefined>
  /** Whom an unused, unexpired link of this purpose is for. */
  linkHolder(digest: Digest, purpose: LinkPurpose, now: number): Promise<LinkHolder | undefined>
}

export interface NewAccount {
  readonly id: string
  readonly email: string | null
  readonly passwordHash: string | null
  readonly isOwner: boolean
  readonly verified: boolean
  /** None where absent. */
  readonly plan?: string | null
  readonly actor?: string | null
  readonly actorType?: ActorType | null
  /** Ed25519, 32 bytes as base64url. */
  readonly publicKey?: string | null
  readonly now: number
}

export interface NewLink {
  readonly id: string
  readonly accountId: string
  readonly purpose: LinkPurpose
  readonly digest: Digest
  readonly expiresAt: number
  /** Of a registration: the password that becomes the account's with the link, and where its browser goes then. */
  readonly passwordHash?: string
  readonly redirectTo?: string
  readonly now: number
}

export interface NewSession {
  readonly id: string
  readonly kind: SessionKind
  /** Of the cookie's token, or of the first refresh token. */
  readonly digest: Digest
  readonly expiresAt: number
}

export interface AccountSettings {
  readonly publicUrlBase?: string | null
  readonly maxUploadBytes?: number | null
}

/** What became of a refresh token. A reused one has ended its session; a foreign one (of another account) has changed nothing. */
export type Rotation =
  | { readonly outcome: 'rotated'; readonly account: Account; readonly session: Session }
  | { readonly outcome: 'reused' | 'foreign' | 'unknown' }

/** Each is one transaction, done whole and on disk when it resolves, or not at all. */
export interface AccountWrites {
  /** Rejects with `conflict` where the e-mail is taken. */
  createAccount(input: NewAccount): Promise<Account>
  /** The first account of a new store, perhaps with a key and a set-up link; undefined, and nothing done, where there is an account. */
  createOwner(input: {
    account: NewAccount
    secrets?: { readonly key: NewKey; readonly link: NewLink }
  }): Promise<Account | undefined>
  /**
   * A registration: an account that is not verified, unless there is one with this e-mail, and the letter with the link that
   * makes the password its own. Where the account is verified already, `known` is the letter. One transaction in every case.
   */
  register(input: { account: NewAccount; link: NewLink; confirm: NewMail; known: NewMail }): Promise<void>
  /**
   * Follows a registration's link: its password is the account's, and all other ways of the time before end. Followed again
   * it only leads on. Where the address was registered more than once, nobody can tell whose password it is: then the account
   * has none, and `choose` is the link to choose one by. Rejects with `not_found`, `forbidden` (a disabled account).
   */
  confirm(input: {
    digest: Digest
    choose: Omit<NewLink, 'accountId'>
    now: number
  }): Promise<{ redirectTo: string | null; hasPassword: boolean }>
  /** A letter with a link of this purpose, if an active account has the e-mail. Does the same work where none has. */
  sendLink(input: { email: string; link: Omit<NewLink, 'accountId'>; mail: NewMail }): Promise<void>
  setPassword(input: { accountId: string; passwordHash: string; now: number }): Promise<void>
  /**
   * Another password in place of the one that was verified; all sessions end but `keep`. Rejects with `unauthenticated` where
   * it has been changed meanwhile.
   */
  changePassword(input: { accountId: string; from: string; to: string; keep: string; now: number }): Promise<void>
  /** The same password hashed anew; nothing where it has been changed meanwhile. */
  rehashPassword(input: { accountId: string; from: string; to: string }): Promise<void>
  setDisabled(input: { accountId: string; disabled: boolean; now: number }): Promise<void>
  setPlan(input: { accountId: string; plan: string | null; accessUntil: number | null; now: number }): Promise<Account>
  setSettings(input: { accountId: string; settings: AccountSettings; now: number }): Promise<Account>
  createLink(input: NewLink): Promise<void>
  /** Uses the link up and gives its account an e-mail and a password. Rejects with `not_found` where it is used or expired. */
  completeSetUp(input: { digest: Digest; email: string; passwordHash: string; now: number }): Promise<Account>
  /** Uses the link up and gives its account another password; all its sessions end. Rejects with `not_found`. */
  completeReset(input: { digest: Digest; passwordHash: string; now: number }): Promise<Account>
  /**
   * Signs in, if the account is not disabled and its password still is the one that was verified (by its hash). Rejects with
   * `unauthenticated` otherwise: verifying takes its time, and the password may have changed meanwhile.
   */
  createSession(input: NewSession & { accountId: string; passwordHash: string; now: number }): Promise<void>
  /** A new code for an e-mail, unless it had one since `notSince`; `mayRegister` tells whether an unknown e-mail gets its letter. */
  sendCode(input: {
    email: string
    digest: Digest
    tries: number
    notSince: number
    mayRegister: boolean
    mail: NewMail
    now: number
  }): Promise<void>
  /**
   * Uses a code up and signs in its account, which is made where there is none and `newAccount` is given. A password that was
   * never verified goes, with its sessions and links. A wrong code costs one of its tries: `false`. Rejects with `forbidden`
   * for a disabled account.
   */
  redeemCode(input: {
    email: string
    digest: Digest
    newAccount: NewAccount | undefined
    session: NewSession
    now: number
  }): Promise<Account | false>
  /** An account that signs in by a key pair. Rejects with `conflict` where the actor's name is taken. */
  registerActor(input: NewAccount): Promise<Account>
  createChallenge(input: { id: string; accountId: string; nonce: string; expiresAt: number }): Promise<void>
  /** Uses a challenge up, whatever comes of it. Undefined where there is none (any more). */
  takeChallenge(input: { id: string; now: number }): Promise<{ accountId: string; nonce: string } | undefined>
  /** Signs an active account in whose signature was verified just now. Rejects with `forbidden` (disabled). */
  beginSession(input: NewSession & { accountId: string; now: number }): Promise<void>
  /** A new link to sign in by for an e-mail; `mayRegister` tells whether an unknown e-mail gets its letter. */
  sendMagicLink(input: {
    email: string
    digest: Digest
    mayRegister: boolean
    mail: NewMail
    now: number
  }): Promise<void>
  /** Uses a link up and signs in its address, as `redeemCode` does. `false` where it is used or over. */
  redeemMagicLink(input: {
    digest: Digest
    /** Made for the link's address where it has no account, its actor's name after the address; undefined: nobody new is let in. */
    newAccount: Omit<NewAccount, 'email' | 'actor'> | undefined
    session: NewSession
    now: number
  }): Promise<Account | false>
  /** Gives a session's current refresh token up for the next one. One that was given up before ends the session. */
  rotate(input: {
    digest: Digest
    next: Digest
    expiresAt: number
    /** Where it is said whose token it must be. */
    accountId?: string
    now: number
  }): Promise<Rotation>
  endSession(input: { id: string }): Promise<void>
  /** Ends the session of a refresh token, current or used up; nothing where there is none. */
  endSessionOf(input: { digest: Digest }): Promise<void>
  /**
   * Removes sessions, links, codes and challenges that are over, and accounts that were registered before `unconfirmedBefore` and never
   * confirmed: nobody was ever let in. Resolves to whether any of these may be left.
   */
  pruneAccess(input: { now: number; unconfirmedBefore: number }): Promise<boolean>
}

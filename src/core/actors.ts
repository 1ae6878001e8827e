import { randomUUID } from 'node:crypto'
import type { Access, SessionToken } from './access.ts'
import type { Catalogue } from './catalogue.ts'
import { isSignedBy, publicKeyFrom, signatureFrom } from './ed25519.ts'
import { Failure, invalid } from './failure.ts'
import type { Account, ActorType } from './model.ts'
import type { Clock } from './ports.ts'
import type { RegistrationRules } from './registration.ts'
import { newToken } from './secrets.ts'

const challengeLifeMs = 5 * 60_000
const actorForm = /^[A-Za-z0-9_-]{1,64}$/

/** What an actor signs to show who it is. */
export interface Challenge {
  readonly id: string
  /** 43 base64url characters; the signature is over these, as they stand. */
  readonly nonce: string
  readonly expiresAt: number
}

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly access: Access
  readonly rules: RegistrationRules
}

/** Accounts that sign in with a key pair of their own: programs, and people who would rather have no password. */
export class Actors {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Makes an account for a name and a public key, which may sign in at once.
   * @throws Failure `forbidden` where registration is closed, `invalid`, `conflict` where the name is taken (in whatever case).
   */
  async register(actor: string, type: ActorType, publicKey: string): Promise<Account> {
    const { catalogue, clock, rules } = this.#parts
    if (!rules.isOpen) throw new Failure('forbidden', { needs: 'open_registration' })
    requireActorName(actor)
    const key = publicKeyFrom(publicKey)
    if (key === undefined)
      throw invalid('public_key', 'is not the public key of an Ed25519 pair: 32 bytes as base64 or base64url')
    return catalogue.write.registerActor({
      id: randomUUID(),
      email: null,
      passwordHash: null,
      isOwner: false,
      verified: true,
      plan: rules.plan,
      actor,
      actorType: type,
      publicKey: key,
      now: clock.now(),
    })
  }

  /** A new challenge, good once and for five minutes. @throws Failure `invalid`, `not_found` for a name that has no key. */
  async challenge(actor: string): Promise<Challenge> {
    const { catalogue, clock } = this.#parts
    requireActorName(actor)
    const found = await catalogue.read.accountByActor(actor)
    if (!found?.publicKey) throw new Failure('not_found', { what: 'account', id: actor })
    const challenge = { id: randomUUID(), nonce: newToken(), expiresAt: clock.now() + challengeLifeMs }
    await catalogue.write.createChallenge({ ...challenge, accountId: found.account.id })
    return challenge
  }

  /**
   * Signs an actor in by its signature over a challenge's nonce. The challenge is used up, whatever comes of it.
   * @throws Failure `invalid` for what can be no signature (the challenge stays), `not_found` for a challenge that is used, over
   * or another actor's, `unauthenticated` for a wrong signature, `forbidden` for a disabled account.
   */
  async verify(challengeId: string, actor: string, signature: string): Promise<SessionToken> {
    const { catalogue, clock, access } = this.#parts
    requireActorName(actor)
    const bytes = signatureFrom(signature)
    if (!bytes) throw invalid('signature', 'is no Ed25519 signature: 64 bytes as base64 or base64url')
    const challenge = await catalogue.write.takeChallenge({ id: challengeId, now: clock.now() })
    const found = challenge && (await catalogue.read.accountByActor(actor))
    if (!found?.publicKey || found.account.id !== challenge?.accountId)
      throw new Failure('not_found', { what: 'challenge', id: challengeId })
    if (!isSignedBy(found.publicKey, challenge.nonce, bytes))
      throw new Failure('unauthenticated', { reason: 'signature' })
    return access.enter(found.account)
  }
}

function requireActorName(actor: string): void {
  if (!actorForm.test(actor)) throw invalid('actor', 'an actor is 1 to 64 of a-z, A-Z, 0-9, "-" and "_"')
}

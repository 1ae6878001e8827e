import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import { Failure } from '../core/failure.ts'
import type { AccessClaims, Clock, Signer, Tokens } from '../core/ports.ts'
import { type KeyFile, keyFilePath, readOrMake, rotate, type SigningKey, versionOf } from './key-file.ts'
import { signerOf } from './signer.ts'

/** Only this one, whatever a token's header says: the tokens are for this server alone, which signs and checks. */
const algorithm = 'HS256'
/** RFC 9068 section 2.1. */
const type = 'at+jwt'
/** What a token is for. Should there ever be tokens for something else, they open nothing here. */
const purpose = 'access'

const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]*$/
/** How often the tokens that come make us look at the file: one key may be new, and another be good no longer. */
const looksEveryMs = 1_000
/** Times in tokens are whole seconds. */
const roundingMs = 1_000

export interface TokensOptions {
  /** The data folder, which the signing key is kept in. */
  readonly dir: string
  readonly clock: Clock
  /** How long a token may be good at most: a key that was retired that long ago has signed none that is. */
  readonly tokenLifeMs: number
  /** The same of a signed address. */
  readonly signedLifeMs: number
  /** Told of a key file that cannot be read any more, while what was read of it goes on. */
  readonly report?: (error: unknown) => void
}

/** Tokens, and what else is signed with the same keys. */
export async function openTokens(options: TokensOptions): Promise<Tokens & { readonly signer: Signer }> {
  const path = keyFilePath(options.dir)
  const now = options.clock.now()
  await readOrMake(path, now)
  // Before it is read: what changes in between is noticed by the next look.
  const version = await versionOf(path)
  return new SignedTokens(path, options, await readOrMake(path, now), version)
}

/** Lets a new key sign from now on; what the old one signed stays good until it ends. A running server notices. */
export function rotateSigningKey({ dir, clock, tokenLifeMs }: Omit<TokensOptions, 'signedLifeMs'>): Promise<void> {
  return rotate(keyFilePath(dir), clock.now(), tokenLifeMs)
}

class SignedTokens implements Tokens {
  readonly #path: string
  readonly #options: TokensOptions
  #file: KeyFile
  #version: string
  #lookedAtMs = 0
  readonly signer: Signer

  constructor(path: string, options: TokensOptions, file: KeyFile, version: string) {
    this.#path = path
    this.#options = options
    this.#file = file
    this.#version = version
    this.signer = signerOf(() => this.#keys(), options.signedLifeMs)
  }

  isToken(text: string): boolean {
    return tokenForm.test(text)
  }

  async sign({ accountId, sessionId }: AccessClaims, expiresAt: number): Promise<string> {
    await this.#look()
    const { issuer, keys } = this.#file
    const [key] = keys
    if (!key) throw new TypeError('a key file without keys')
    return new SignJWT({ purpose, sid: sessionId })
      .setProtectedHeader({ alg: algorithm, typ: type, kid: key.id })
      .setIssuer(issuer)
      .setSubject(accountId)
      .setIssuedAt(new Date(this.#options.clock.now()))
      .setExpirationTime(Math.floor(expiresAt / 1_000))
      .sign(Buffer.from(key.secret, 'base64url'))
  }

  async verify(text: string): Promise<AccessClaims> {
    try {
      const { payload, protectedHeader } = await jwtVerify(text, this.#keyOf, {
        algorithms: [algorithm],
        typ: type,
        issuer: this.#file.issuer,
        requiredClaims: ['sub', 'sid', 'exp', 'iat', 'purpose'],
        currentDate: new Date(this.#options.clock.now()),
      })
      this.#requireFresh(payload, protectedHeader.kid)
      return claimsOf(payload)
    } catch (error) {
      if (error instanceof errors.JOSEError)
        throw new Failure('unauthenticated', { reason: error instanceof errors.JWTExpired ? 'expired' : 'unknown' })
      throw error
    }
  }

  async #keys(): Promise<readonly SigningKey[]> {
    if (performance.now() - this.#lookedAtMs > looksEveryMs) await this.#look()
    return this.#file.keys
  }

  readonly #keyOf: JWTVerifyGetKey = async ({ kid }) => {
    await this.#keys()
    const key = this.#find(kid)
    if (!key) throw new errors.JWKSNoMatchingKey()
    return Buffer.from(key.secret, 'base64url')
  }

  /** A key that somebody got hold of is worth nothing from when it was retired, whatever time it writes into a token. */
  #requireFresh({ iat = 0, exp = 0 }: JWTPayload, kid: string | undefined): void {
    const retiredAt = this.#find(kid)?.retired_at ?? null
    const isLate = retiredAt !== null && iat * 1_000 > retiredAt
    if (isLate || (exp - iat) * 1_000 > this.#options.tokenLifeMs + roundingMs) throw new errors.JWTInvalid()
  }

  #find(id: string | undefined) {
    return this.#file.keys.find((key) => key.id === id)
  }

  /** Somebody may have made another key beside us. */
  async #look(): Promise<void> {
    this.#lookedAtMs = performance.now()
    const version = await versionOf(this.#path).catch(() => undefined)
    // One that is gone is no reason to sign everybody out: what was read of it is still good.
    if (version === this.#version || version === undefined) return
    try {
      this.#file = await readOrMake(this.#path, this.#options.clock.now())
    } catch (error) {
      this.#options.report?.(error)
    }
    this.#version = version
  }
}

function claimsOf({ sub, sid, purpose: found }: JWTPayload): AccessClaims {
  if (found !== purpose || typeof sub !== 'string' || typeof sid !== 'string')
    throw new Failure('unauthenticated', { reason: 'unknown' })
  return { accountId: sub, sessionId: sid }
}

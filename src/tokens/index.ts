import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import { Failure } from '../core/failure.ts'
import type { AccessClaims, Clock, Tokens } from '../core/ports.ts'
import { type KeyFile, keyFilePath, readOrMake, rotate, versionOf } from './key-file.ts'

/** Only this one, whatever a token's header says: the tokens are for this server alone, which signs and checks. */
const algorithm = 'HS256'
/** RFC 9068 section 2.1. */
const type = 'at+jwt'
/** What a token is for. Should there ever be tokens for something else, they open nothing here. */
const purpose = 'access'

const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]*$/
/** How often the tokens that come make us look at the file: one key may be new, and another be good no longer. */
const looksEveryMs = 1_000

export interface TokensOptions {
  /** The data folder, which the signing key is kept in. */
  readonly dir: string
  readonly clock: Clock
}

export async function openTokens({ dir, clock }: TokensOptions): Promise<Tokens> {
  const path = keyFilePath(dir)
  await readOrMake(path, clock.now())
  // Before it is read: what changes in between is noticed by the next look.
  const version = await versionOf(path)
  return new SignedTokens(path, clock, await readOrMake(path, clock.now()), version)
}

/** Lets a new key sign from now on; what the old one signed stays good until it ends. A running server notices. */
export function rotateSigningKey({ dir, clock }: TokensOptions, tokenLifeMs: number): Promise<void> {
  return rotate(keyFilePath(dir), clock.now(), tokenLifeMs)
}

class SignedTokens implements Tokens {
  readonly #path: string
  readonly #clock: Clock
  #file: KeyFile
  #version: string
  #lookedAtMs = 0

  constructor(path: string, clock: Clock, file: KeyFile, version: string) {
    this.#path = path
    this.#clock = clock
    this.#file = file
    this.#version = version
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
      .setIssuedAt(new Date(this.#clock.now()))
      .setExpirationTime(Math.floor(expiresAt / 1_000))
      .sign(Buffer.from(key.secret, 'base64url'))
  }

  async verify(text: string): Promise<AccessClaims> {
    try {
      const { payload } = await jwtVerify(text, this.#keyOf, {
        algorithms: [algorithm],
        typ: type,
        issuer: this.#file.issuer,
        requiredClaims: ['sub', 'sid', 'exp', 'iat', 'purpose'],
        currentDate: new Date(this.#clock.now()),
      })
      return claimsOf(payload)
    } catch (error) {
      if (error instanceof errors.JOSEError)
        throw new Failure('unauthenticated', { reason: error instanceof errors.JWTExpired ? 'expired' : 'unknown' })
      throw error
    }
  }

  readonly #keyOf: JWTVerifyGetKey = async ({ kid }) => {
    if (performance.now() - this.#lookedAtMs > looksEveryMs) await this.#look()
    const key = this.#find(kid)
    if (!key) throw new errors.JWKSNoMatchingKey()
    return Buffer.from(key.secret, 'base64url')
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
    this.#file = await readOrMake(this.#path, this.#clock.now())
    this.#version = version
  }
}

function claimsOf({ sub, sid, purpose: found }: JWTPayload): AccessClaims {
  if (found !== purpose || typeof sub !== 'string' || typeof sid !== 'string')
    throw new Failure('unauthenticated', { reason: 'unknown' })
  return { accountId: sub, sessionId: sid }
}

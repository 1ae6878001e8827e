import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { Failure } from '../core/failure.ts'
import { Attempts } from './attempts.ts'

/** So many in so long; undefined: no limit. */
export type Rate = { readonly count: number; readonly perMs: number } | undefined

/** What a limiter says of one more request: the RateLimit header fields (draft-ietf-httpapi-ratelimit-headers). */
export type LimitHeaders = Readonly<Record<string, string>>

/** One limit for many, each counted by a key of its own. In memory: a restart forgives. */
export class Limit {
  readonly #limiter: RateLimiterMemory | undefined
  readonly #rate: Rate

  constructor(rate: Rate) {
    this.#rate = rate
    this.#limiter = rate && new RateLimiterMemory({ points: rate.count, duration: rate.perMs / 1000 })
  }

  /**
   * Counts one. Resolves to the headers that tell what is left. @throws Failure `rate_limited`.
   * @param onHeaders told of the headers in either case.
   */
  async count(key: string, onHeaders: (headers: LimitHeaders) => void): Promise<void> {
    if (!this.#limiter || !this.#rate) return
    const state = await this.#limiter.consume(key).catch((refused: RateLimiterRes | Error) => refused)
    if (state instanceof Error) throw state
    const windowSeconds = Math.ceil(this.#rate.perMs / 1000)
    const secondsLeft = Math.max(1, Math.ceil(state.msBeforeNext / 1000))
    onHeaders({
      'RateLimit-Policy': `${this.#rate.count};w=${windowSeconds}`,
      'RateLimit-Limit': String(this.#rate.count),
      'RateLimit-Remaining': String(Math.max(0, state.remainingPoints)),
      'RateLimit-Reset': String(secondsLeft),
    })
    if (state.consumedPoints <= this.#rate.count) return
    throw new Failure('rate_limited', { limit: this.#rate.count, windowSeconds, retryAfterSeconds: secondsLeft })
  }
}

/** As they are configured. */
export interface Rates {
  readonly auth: Rate
  readonly api: Rate
  readonly upload: Rate
}

/** The limits of all doors. */
export interface Limits {
  readonly rates: Rates
  /** Log-ins and the like, by address. */
  readonly auth: Limit
  /** API calls, by key or account; without either by address. */
  readonly api: Limit
  /** Uploads, by account. */
  readonly upload: Limit
  /** Failed log-ins, by account and address. */
  readonly attempts: Attempts
}

/** Limits that have counted nothing yet. */
export function limitsFor(rates: Rates): Limits {
  const { auth, api, upload } = rates
  return {
    rates,
    auth: new Limit(auth),
    api: new Limit(api),
    upload: new Limit(upload),
    attempts: new Attempts(auth !== undefined),
  }
}

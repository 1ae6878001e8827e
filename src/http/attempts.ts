import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { Failure, isFailure } from '../core/failure.ts'
import { normalEmail } from '../core/names.ts'

/** Tries from one address at one account that cost nothing but a try. */
const freeTries = 5
const windowSeconds = 15 * 60
const firstWaitSeconds = 15
/** Tries at one account from wherever they come, in an hour, after which each that is not known from before takes longer. */
const triesOfAccount = 50
const delayMs = 1_000
const knownPairs = 10_000
/** Points of a pair that has to wait: so many that those who are told so, and get theirs back, do not open it. */
const shut = 1_000_000

/**
 * Slows down whoever guesses. Failed tries count for the account and the address together: who guesses waits ever longer, and
 * the owner at another address does not notice. Guesses from many addresses at one account are each held up a little, but
 * nobody is shut out, and an address that has been let in before is not held up at all. In memory: a restart forgives.
 */
export class Attempts {
  readonly #on: boolean
  readonly #tries = new RateLimiterMemory({ keyPrefix: 'tries', points: freeTries, duration: windowSeconds })
  readonly #waits = new RateLimiterMemory({ keyPrefix: 'waits', points: Number.MAX_SAFE_INTEGER, duration: 86_400 })
  readonly #ofAccount = new RateLimiterMemory({ keyPrefix: 'account', points: triesOfAccount, duration: 3_600 })
  readonly #known = new LRUCache<string, true>({ max: knownPairs })

  /** @param on false lifts all of it. */
  constructor(on: boolean) {
    this.#on = on
  }

  /** Does the work, unless its caller has to wait first. @throws Failure `rate_limited`, and what the work throws. */
  async guard<T>(email: string, address: string, work: () => Promise<T>): Promise<T> {
    if (!this.#on) return work()
    const account = normalEmail(email) ?? ''
    const pair = `${account} ${address}`
    // Taken before the work, or a hundred at once would all be the first.
    const left = await this.#take(pair)
    if (!this.#known.has(pair)) await this.#holdUp(account)
    try {
      const result = await work()
      await this.#forgive(pair)
      return result
    } catch (error) {
      if (isFailure(error) && error.code === 'unauthenticated') await this.#noteFailure(account, pair, left)
      else await this.#tries.reward(pair)
      throw error
    }
  }

  async #take(pair: string): Promise<number> {
    const state = await this.#tries.consume(pair).catch((refused: RateLimiterRes | Error) => refused)
    if (state instanceof Error) throw state
    if (state.consumedPoints <= freeTries) return state.remainingPoints
    await this.#tries.reward(pair)
    // Without a wait to sit out, it is others beside this one that have not ended yet.
    const isWaiting = state.consumedPoints >= shut
    const retryAfterSeconds = isWaiting ? Math.max(1, Math.ceil(state.msBeforeNext / 1_000)) : 1
    throw new Failure('rate_limited', { limit: freeTries, windowSeconds, retryAfterSeconds })
  }

  async #holdUp(account: string): Promise<void> {
    const state = await this.#ofAccount.get(account)
    if (state && state.remainingPoints <= 0) await sleep(delayMs)
  }

  async #noteFailure(account: string, pair: string, left: number): Promise<void> {
    await this.#ofAccount.consume(account).catch(() => {})
    if (left > 0) return
    const { consumedPoints } = await this.#waits.consume(pair)
    await this.#tries.set(pair, shut, Math.min(windowSeconds, firstWaitSeconds * 2 ** (consumedPoints - 1)))
  }

  async #forgive(pair: string): Promise<void> {
    this.#known.set(pair, true)
    await this.#tries.delete(pair)
    await this.#waits.delete(pair)
  }
}

import { Failure } from '../core/failure.ts'

interface BudgetOptions {
  /** What may be held at once, in whatever unit costs are counted. */
  readonly capacity: number
  /** How many may wait; one more is refused at once. */
  readonly waiting: number
  readonly waitMs: number
  /** What those who are refused are told. */
  readonly why: string
}

export type Release = () => void

interface Waiter {
  readonly cost: number
  readonly admit: (release: Release) => void
  readonly timer: NodeJS.Timeout
}

/** So much at once and no more: who does not fit waits in a short line, first come first served. */
export class Budget {
  readonly #options: BudgetOptions
  readonly #line = new Set<Waiter>()
  #held = 0

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /** What is held now. */
  get held(): number {
    return this.#held
  }

  /**
   * Resolves, with what gives it back, once the cost is free. A cost above the capacity counts as all of it: such a
   * taker waits until it is alone. Rejects with `busy` where the line is full, or has not moved in time.
   */
  take(cost: number): Promise<Release> {
    const share = Math.min(cost, this.#options.capacity)
    if (this.#line.size === 0 && this.#fits(share)) return Promise.resolve(this.#hold(share))
    if (this.#line.size >= this.#options.waiting) return Promise.reject(this.#busy())
    return new Promise((admit, reject) => {
      const giveUp = () => {
        this.#line.delete(waiter)
        this.#advance()
        reject(this.#busy())
      }
      const waiter = { cost: share, admit, timer: setTimeout(giveUp, this.#options.waitMs) }
      this.#line.add(waiter)
    })
  }

  #fits(share: number): boolean {
    return this.#held + share <= this.#options.capacity
  }

  #hold(share: number): Release {
    this.#held += share
    let given = false
    return () => {
      if (given) return
      given = true
      this.#held -= share
      this.#advance()
    }
  }

  #advance(): void {
    for (const waiter of this.#line) {
      if (!this.#fits(waiter.cost)) return
      this.#line.delete(waiter)
      clearTimeout(waiter.timer)
      waiter.admit(this.#hold(waiter.cost))
    }
  }

  #busy(): Failure<'busy'> {
    return busy(this.#options.why, this.#options.waitMs)
  }
}

/** Come back when what is in the way now has had its time. */
export function busy(why: string, waitMs: number): Failure<'busy'> {
  return new Failure('busy', { why, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) })
}

import type { Quota } from './catalogue.ts'
import { Failure } from './failure.ts'

/** What an upload of unknown length reserves at a time. */
export const stepBytes = 16 * 1024 * 1024
/** How long an upload waits for others of its account that hold the last of the quota, before it is refused. */
const patienceMs = 5_000

/** What of the quota is used, by the catalogue. */
export interface Used {
  readonly bytes: number
  readonly files: number
}

interface Account {
  reserved: number
  waiting: Set<() => void>
}

export interface ReservationOptions {
  /** What the account uses now, read afresh each time. */
  readonly used: () => Promise<Used>
  readonly quota: Quota
  /** Bytes the disk has room for, headroom left out. */
  readonly room: () => Promise<number>
}

/**
 * What uploads under way may still take, in memory: so that 200 at once cannot be promised more than there is. The
 * publishing transaction has the last word; this one is early, so that nobody sends a gigabyte for nothing.
 */
export class Reservations {
  readonly #accounts = new Map<string, Account>()
  #reservedOnDisk = 0

  /** Opens a reservation of nothing; `grow` it. */
  open(accountId: string, options: ReservationOptions): Reservation {
    return new Reservation(this, accountId, options)
  }

  /** Bytes reserved by all uploads of an account, for tests and metrics. */
  reservedBy(accountId: string): number {
    return this.#accounts.get(accountId)?.reserved ?? 0
  }

  /**
   * Takes `wanted` bytes, or as much as there is but not less than `needed`. Where others' reservations are in the way it
   * waits for them; where the quota itself is, it refuses at once.
   * @throws Failure `quota_exceeded` or `disk_full`.
   */
  async take(accountId: string, needed: number, wanted: number, options: ReservationOptions): Promise<number> {
    const deadline = Date.now() + patienceMs
    while (true) {
      const used = await options.used()
      const limit = options.quota.bytes ?? Number.POSITIVE_INFINITY
      if (used.bytes + needed > limit) throw overBytes(limit, used)
      const room = await options.room()
      // From here to the booking nothing is awaited: the sums cannot change in between.
      if (needed > room - this.#reservedOnDisk) {
        throw new Failure('disk_full', { why: 'the disk has only its headroom left (data.reserve)' })
      }
      const free = Math.min(limit - used.bytes - this.reservedBy(accountId), room - this.#reservedOnDisk)
      if (needed <= free) return this.#book(accountId, Math.min(wanted, Math.max(free, 0)))
      if (Date.now() >= deadline) throw overBytes(limit, { ...used, bytes: used.bytes + this.reservedBy(accountId) })
      await this.#change(accountId, deadline - Date.now())
    }
  }

  giveBack(accountId: string, bytes: number): void {
    const account = this.#accounts.get(accountId)
    this.#reservedOnDisk -= bytes
    if (!account) return
    account.reserved -= bytes
    for (const wake of account.waiting) wake()
    if (account.reserved === 0 && account.waiting.size === 0) this.#accounts.delete(accountId)
  }

  #book(accountId: string, bytes: number): number {
    this.#account(accountId).reserved += bytes
    this.#reservedOnDisk += bytes
    return bytes
  }

  #account(accountId: string): Account {
    const account = this.#accounts.get(accountId) ?? { reserved: 0, waiting: new Set() }
    this.#accounts.set(accountId, account)
    return account
  }

  /** Resolves when a reservation of the account ends, or the time is over. */
  #change(accountId: string, timeMs: number): Promise<void> {
    const { waiting } = this.#account(accountId)
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, timeMs)
      waiting.add(wake)
    })
  }
}

function overBytes(limit: number, used: Used): Failure<'quota_exceeded'> {
  return new Failure('quota_exceeded', { of: 'bytes', limit, used: used.bytes })
}

/** One upload's share. Always `close` it. */
export class Reservation {
  readonly #all: Reservations
  readonly #accountId: string
  readonly #options: ReservationOptions
  #taken = 0

  constructor(all: Reservations, accountId: string, options: ReservationOptions) {
    this.#all = all
    this.#accountId = accountId
    this.#options = options
  }

  /** What is reserved so far: within it nothing needs to be asked again. */
  get taken(): number {
    return this.#taken
  }

  /** Makes the reservation cover at least `total` bytes, and up to `wanted` where there is room for them. */
  async grow(total: number, wanted = this.#taken + stepBytes): Promise<void> {
    if (total <= this.#taken) return
    const [needed, more] = [total - this.#taken, Math.max(wanted, total) - this.#taken]
    this.#taken += await this.#all.take(this.#accountId, needed, more, this.#options)
  }

  close(): void {
    if (this.#taken > 0) this.#all.giveBack(this.#accountId, this.#taken)
    this.#taken = 0
  }
}

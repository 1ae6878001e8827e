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

export interface ReservationOptions {
  /** What the account uses now, read afresh each time. */
  readonly used: () => Promise<Used>
  readonly quota: Quota
  /** Bytes the disk has room for, headroom left out. */
  readonly room: () => Promise<number>
}

/** What one upload holds. Of `taken` bytes of the quota, `spent` are on the disk already and no longer to be kept free there. */
interface Hold {
  readonly options: ReservationOptions
  taken: number
  spent: number
}

interface Waiter {
  readonly hold: Hold
  readonly needed: number
  readonly wanted: number
  end(outcome: 'booked' | Error): void
}

interface Account {
  /** Uploads that hold something, the oldest first. */
  readonly holds: Set<Hold>
  /** Uploads that want more, in the order in which they asked. */
  readonly waiting: Set<Waiter>
  usedBytes: number
  isServed: boolean
  changed: boolean
  /** Somebody has ended, perhaps having published, since the catalogue was asked what is used. */
  isOutdated: boolean
}

/**
 * What uploads under way may still take, in memory: so that 200 at once cannot be promised more than there is. The
 * publishing transaction has the last word; this one is early, so that nobody sends a gigabyte for nothing.
 *
 * Whoever wants more than is free waits for the others of its account, those before newcomers that hold something already:
 * they are nearest to giving it back. What the quota itself does not allow is refused at once.
 */
export class Reservations {
  readonly #accounts = new Map<string, Account>()
  #onDisk = 0

  /** Opens a reservation of nothing; `grow` it. */
  open(accountId: string, options: ReservationOptions): Reservation {
    return new Reservation(this, accountId, { options, taken: 0, spent: 0 })
  }

  /** Bytes reserved by all uploads of an account, for tests and metrics. */
  reservedBy(accountId: string): number {
    return taken(this.#accounts.get(accountId)?.holds ?? [])
  }

  /**
   * Takes at least `needed` bytes for an upload, and up to `wanted` where there is room for them.
   * @throws Failure `quota_exceeded` or `disk_full`.
   */
  take(accountId: string, hold: Hold, needed: number, wanted: number): Promise<void> {
    const account = this.#account(accountId)
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        hold,
        needed,
        wanted,
        end: (outcome) => {
          clearTimeout(timer)
          account.waiting.delete(waiter)
          if (outcome === 'booked') resolve()
          else reject(outcome)
          this.#forget(accountId, account)
        },
      }
      const timer = setTimeout(() => waiter.end(inTheWay(account, hold)), patienceMs)
      account.waiting.add(waiter)
      void this.#serve(account)
    })
  }

  /** Bytes of an upload that have come to the disk need no room kept free for them any more. */
  spend(hold: Hold, bytes: number): void {
    const spent = Math.min(bytes, hold.taken)
    this.#onDisk -= spent - hold.spent
    hold.spent = spent
  }

  giveBack(accountId: string, hold: Hold): void {
    this.#onDisk -= hold.taken - hold.spent
    hold.taken = 0
    hold.spent = 0
    const account = this.#accounts.get(accountId)
    if (!account) return
    account.holds.delete(hold)
    account.isOutdated = true
    if (account.waiting.size > 0) void this.#serve(account)
    this.#forget(accountId, account)
  }

  #account(accountId: string): Account {
    const known = this.#accounts.get(accountId)
    if (known) return known
    const account = {
      holds: new Set<Hold>(),
      waiting: new Set<Waiter>(),
      usedBytes: 0,
      isServed: false,
      changed: false,
      isOutdated: false,
    }
    this.#accounts.set(accountId, account)
    return account
  }

  #forget(accountId: string, { holds, waiting }: Account): void {
    if (holds.size + waiting.size === 0) this.#accounts.delete(accountId)
  }

  /** Looks at all who wait, again and again while something changes meanwhile. */
  async #serve(account: Account): Promise<void> {
    account.changed = true
    if (account.isServed) return
    account.isServed = true
    while (account.changed) {
      account.changed = false
      account.isOutdated = false
      const [waiter] = account.waiting
      if (!waiter) break
      const { used, room } = waiter.hold.options
      try {
        const [{ bytes }, roomBytes] = await Promise.all([used(), room()])
        if (account.isOutdated) continue
        account.usedBytes = bytes
        this.#decide(account, roomBytes)
      } catch (error) {
        for (const one of [...account.waiting]) one.end(error as Error)
      }
    }
    account.isServed = false
  }

  /** Nothing is awaited here: the sums cannot change from one upload to the next. */
  #decide(account: Account, room: number): void {
    let someHolderWaits = false
    for (const waiter of inOrder(account)) {
      const { hold, needed, wanted } = waiter
      const limit = limitOf(hold)
      const onDisk = room - this.#onDisk
      const free = Math.min(limit - account.usedBytes - taken(account.holds), onDisk)
      if (account.usedBytes + hold.taken + needed > limit) waiter.end(overBytes(limit, account.usedBytes))
      else if (needed > onDisk) waiter.end(noRoom())
      else if (needed <= free && !someHolderWaits) this.#book(account, waiter, Math.min(wanted, free))
      else someHolderWaits ||= hold.taken > 0
    }
    const stuck = inOrder(account).filter(({ hold }) => hold.taken > 0)
    // All who hold something wait for each other: the youngest gives way, so that the others may end.
    const youngest = stuck.at(-1)
    if (youngest && new Set(stuck.map(({ hold }) => hold)).size === account.holds.size) {
      youngest.end(inTheWay(account, youngest.hold))
    }
  }

  #book(account: Account, waiter: Waiter, bytes: number): void {
    waiter.hold.taken += bytes
    this.#onDisk += bytes
    account.holds.add(waiter.hold)
    waiter.end('booked')
  }
}

/** Who holds something comes first, the oldest before the younger; then those who hold nothing yet. */
function inOrder({ holds, waiting }: Account): Waiter[] {
  const age = new Map([...holds].map((hold, n) => [hold, n]))
  const place = ({ hold }: Waiter): number => age.get(hold) ?? holds.size
  return [...waiting].sort((one, other) => place(one) - place(other))
}

function taken(holds: Iterable<Hold>): number {
  let bytes = 0
  for (const hold of holds) bytes += hold.taken
  return bytes
}

const limitOf = ({ options }: Hold): number => options.quota.bytes ?? Number.POSITIVE_INFINITY

function overBytes(limit: number, used: number): Failure<'quota_exceeded'> {
  return new Failure('quota_exceeded', { of: 'bytes', limit, used })
}

/** What others of the account have under way counts as used, for somebody who waited for it in vain. */
function inTheWay(account: Account, hold: Hold): Failure {
  const limit = limitOf(hold)
  if (limit === Number.POSITIVE_INFINITY) return noRoom()
  return overBytes(limit, account.usedBytes + taken(account.holds) - hold.taken)
}

function noRoom(): Failure<'disk_full'> {
  return new Failure('disk_full', { why: 'the disk has only its headroom left (data.reserve)' })
}

/** One upload's share. Always `close` it. */
export class Reservation {
  readonly #all: Reservations
  readonly #accountId: string
  readonly #hold: Hold

  constructor(all: Reservations, accountId: string, hold: Hold) {
    this.#all = all
    this.#accountId = accountId
    this.#hold = hold
  }

  /** What is reserved so far: within it nothing needs to be asked again. */
  get taken(): number {
    return this.#hold.taken
  }

  /** Makes the reservation cover at least `total` bytes, and up to `wanted` where there is room for them. */
  async grow(total: number, wanted = this.taken + stepBytes): Promise<void> {
    if (total <= this.taken) return
    await this.#all.take(this.#accountId, this.#hold, total - this.taken, Math.max(wanted, total) - this.taken)
  }

  /** Tells how many of the bytes have come to the disk. */
  spend(total: number): void {
    this.#all.spend(this.#hold, total)
  }

  close(): void {
    this.#all.giveBack(this.#accountId, this.#hold)
  }
}

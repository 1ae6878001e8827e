import type { ActivityLog } from './activity.ts'
import { type Caller, prefixOf, requireMay } from './caller.ts'
import type { CatalogueReads, Usage as MonthUsage } from './catalogue.ts'
import { Failure } from './failure.ts'
import { findFolder, rootId } from './files.ts'
import type { Totals } from './model.ts'
import { monthOf } from './months.ts'
import type { Plans } from './plans.ts'
import type { Clock } from './ports.ts'

type Limited = 'imageOps' | 'originReads'

/** Gives back what was taken and not used after all. */
export type Release = () => void

type Month = Record<Limited, number>

const noTotals: Totals = { filesIn: 0, foldersIn: 0, filesBelow: 0, foldersBelow: 0, bytesBelow: 0 }
const nothing: Release = () => {}

/** How much there is, and how much was sent and made this month (UTC), of what a caller may reach. */
export class Usage {
  readonly #parts: { read: CatalogueReads; activity: ActivityLog; plans: Plans; clock: Clock }
  #month = ''
  /** Of accounts with a monthly limit: what is used in it, with what is under way. */
  readonly #months = new Map<string, Promise<Month>>()

  constructor(parts: { read: CatalogueReads; activity: ActivityLog; plans: Plans; clock: Clock }) {
    this.#parts = parts
  }

  async totals(caller: Caller): Promise<Totals> {
    requireMay(caller, 'user:read')
    return (await findFolder(this.#parts.read, caller, rootId, 'user:read')) ?? noTotals
  }

  /** With what the last moments brought. */
  async thisMonth(caller: Caller): Promise<MonthUsage> {
    requireMay(caller, 'user:read')
    const { read, activity, clock } = this.#parts
    await activity.flush()
    const month = monthOf(clock.now())
    if (prefixOf(caller) === null) return read.usage(caller.account.id, month)
    const folder = await findFolder(read, caller, rootId, 'user:read')
    return folder ? read.usage(caller.account.id, month, folder.id) : { bytesSent: 0, originReads: 0, imageOps: 0 }
  }

  hasLimit(of: Limited): boolean {
    return this.#parts.plans.hasLimit(of)
  }

  /** What is left of an account's limit for this month, whatever part of it a caller may see; null: no limit. */
  async left({ account }: Caller, of: Limited): Promise<number | null> {
    const { read, activity, plans, clock } = this.#parts
    const limit = plans.of(account)[of]
    if (limit === null) return null
    await activity.flush()
    return Math.max(0, limit - (await read.usage(account.id, monthOf(clock.now())))[of])
  }

  /**
   * Takes one of what an account's plan allows for a month, before it is done: so that twenty at once do not get twenty where
   * one was left. @throws Failure `quota_exceeded`.
   */
  async take(accountId: string, of: Limited): Promise<Release> {
    const { read, plans } = this.#parts
    if (!plans.hasLimit(of)) return nothing
    const account = await read.account(accountId)
    const limit = account ? plans.of(account)[of] : null
    // What is known of a month stays right for the plan that comes next.
    if (limit === null && !this.#months.has(accountId)) return nothing
    const month = await this.#monthOf(accountId)
    if (limit !== null && month[of] >= limit) {
      const what = of === 'imageOps' ? 'image_ops' : 'origin_reads'
      throw new Failure('quota_exceeded', { of: what, limit, used: month[of] })
    }
    month[of]++
    return () => {
      month[of]--
    }
  }

  /** Everybody who asks while it is read shares one: two would each allow what is left. */
  #monthOf(accountId: string): Promise<Month> {
    const month = monthOf(this.#parts.clock.now())
    if (this.#month !== month) this.#months.clear()
    this.#month = month
    const known = this.#months.get(accountId)
    if (known) return known
    const loading = this.#load(accountId)
    this.#months.set(accountId, loading)
    loading.catch(() => this.#months.delete(accountId))
    return loading
  }

  async #load(accountId: string): Promise<Month> {
    await this.#parts.activity.flush()
    const { imageOps, originReads } = await this.#parts.read.usage(accountId, this.#month)
    return { imageOps, originReads }
  }
}

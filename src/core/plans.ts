import { type Caller, requireMay } from './caller.ts'
import type { Quota } from './catalogue.ts'
import { Failure } from './failure.ts'
import type { Account } from './model.ts'
import type { Clock } from './ports.ts'

const dayMs = 86_400_000

/** What an account may do. Null: no limit. */
export interface Plan {
  readonly storageBytes: number | null
  readonly files: number | null
  /** In a calendar month: variants made, and answers with a file's bytes. */
  readonly imageOps: number | null
  readonly originReads: number | null
  readonly maxUploadBytes: number | null
  /** Days from when an account was put on the plan, after which it may only read. */
  readonly trialDays: number | null
}

/** The name that the plan of everybody without one is shown under. */
export const standardPlan = 'default'

/** Plans by their names, as configured. */
export class Plans {
  readonly #plans: ReadonlyMap<string, Plan>
  readonly #standard: Plan
  readonly #maxUploadBytes: number
  readonly #clock: Clock
  readonly #limited: ReadonlySet<'imageOps' | 'originReads'>

  /** @param parts.standard what holds without a plan; @param parts.maxUploadBytes what no plan goes beyond. */
  constructor(parts: { plans: ReadonlyMap<string, Plan>; standard: Plan; maxUploadBytes: number; clock: Clock }) {
    this.#plans = parts.plans
    this.#standard = parts.standard
    this.#maxUploadBytes = parts.maxUploadBytes
    this.#clock = parts.clock
    const kinds = ['imageOps', 'originReads'] as const
    this.#limited = new Set(kinds.filter((of) => [...parts.plans.values()].some((plan) => plan[of] !== null)))
  }

  /** An account's plan and its name. One whose plan is not configured any more has what everybody has. */
  of(account: Account): Plan & { readonly name: string } {
    const plan = account.plan === null ? undefined : this.#plans.get(account.plan)
    return plan && account.plan !== null ? { ...plan, name: account.plan } : { ...this.#standard, name: standardPlan }
  }

  /** Whether anybody at all has a limit of this kind: most servers never need to look further. */
  hasLimit(of: 'imageOps' | 'originReads'): boolean {
    return this.#limited.has(of)
  }

  quotaOf(account: Account): Quota {
    const { storageBytes, files } = this.of(account)
    return { bytes: storageBytes, files }
  }

  /** The largest file that an account may be given leave to store; its own setting may say less. */
  uploadLimitOf(account: Account): number {
    return Math.min(this.#maxUploadBytes, this.of(account).maxUploadBytes ?? Number.POSITIVE_INFINITY)
  }

  /** The largest file that is taken of an account now. */
  maxUploadOf(account: Account): number {
    return Math.min(this.uploadLimitOf(account), account.maxUploadBytes ?? Number.POSITIVE_INFINITY)
  }

  /** When an account's trial ends or ended; null: never. */
  accessUntil(account: Account): number | null {
    if (account.accessUntil !== null) return account.accessUntil
    const { trialDays } = this.of(account)
    return trialDays === null || account.planSince === null ? null : account.planSince + trialDays * dayMs
  }

  /**
   * Whether the caller may change files and folders: its key, and its plan. (What is stored stays readable for ever.)
   * @throws Failure `forbidden`.
   */
  requireMayWrite(caller: Caller, path?: string): void {
    requireMay(caller, 'files:write', path)
    const until = this.accessUntil(caller.account)
    if (until !== null && until <= this.#clock.now()) throw new Failure('forbidden', { needs: 'plan' })
  }
}

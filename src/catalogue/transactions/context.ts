import type { Kysely } from 'kysely'
import type { ActivityTables, CatalogueTables } from '../schema.ts'

/** What rows a transaction changed that somebody may remember. `everyFile` where naming each would be too many. */
export interface Touched {
  readonly accounts: string[]
  readonly keys: string[]
  readonly files: string[]
  everyFile: boolean
}

export const untouched = (): Touched => ({ accounts: [], keys: [], files: [], everyFile: false })

/** What a transaction works with: its database, the other one, and a list in which it says what it changed. */
export interface Work {
  readonly db: Kysely<CatalogueTables>
  readonly activity: Kysely<ActivityTables>
  readonly touched: Touched
}

/** Each write of the port as the function that carries it out inside the writer's transaction. */
export type Transactions<W> = {
  [T in keyof W]: W[T] extends (input: infer I) => infer R ? (work: Work, input: I) => R : never
}

import { isFailure } from '../core/failure.ts'
import type { Connection } from './connection.ts'
import { type Carried, carry, uncarry } from './failures.ts'
import type { ActivityTables, CatalogueTables } from './schema.ts'
import { type Touched, untouched } from './transactions/context.ts'
import { type TransactionName, transactions } from './transactions/index.ts'

export interface Order {
  readonly id: number
  readonly name: TransactionName
  readonly input: unknown
}

export type Answer =
  | { readonly id: number; readonly output: unknown; readonly touched: Touched }
  | { readonly id: number; readonly failure: Carried }

export interface Databases {
  readonly catalogue: Connection<CatalogueTables>
  readonly activity: Connection<ActivityTables>
  /** Whether a server in another process must be told of what changes here. */
  readonly tellsOthers: boolean
}

type Anything = (work: object, input: unknown) => Promise<unknown>

/**
 * Carries out what waits in one commit: each order in a savepoint of its own, so that one that fails takes nothing of the
 * others with it, and all share the one sync that `synchronous=FULL` costs. Answers only after the commit.
 */
export async function commitTogether(
  databases: Databases,
  orders: readonly Order[],
  isSecondTry = false,
): Promise<Answer[]> {
  const { raw } = databases.catalogue
  try {
    raw.exec('BEGIN IMMEDIATE')
    const answers: Answer[] = []
    for (const order of orders) answers.push(await inSavepoint(databases, order))
    raw.exec('COMMIT')
    return answers
  } catch (error) {
    if (raw.inTransaction) raw.exec('ROLLBACK')
    // On a full disk the log cannot grow, but what it holds can be moved to where it belongs and its room used again: so that
    // deletes and log-ins, which need little, still go through.
    if (!isSecondTry && isFull(error)) {
      try {
        raw.pragma('wal_checkpoint(RESTART)')
      } catch {
        // The second try will tell.
      }
      return commitTogether(databases, orders, true)
    }
    const failure = carry(error)
    return orders.map(({ id }) => ({ id, failure }))
  }
}

function isFull(error: unknown): boolean {
  return (
    (error as { code?: unknown } | null)?.code === 'SQLITE_FULL' || (isFailure(error) && error.code === 'disk_full')
  )
}

async function inSavepoint(databases: Databases, order: Order): Promise<Answer> {
  const { raw } = databases.catalogue
  raw.exec('SAVEPOINT one')
  const answer = await attempt(databases, order)
  if ('failure' in answer) {
    // SQLite answers a full disk by rolling back everything: then the others of this commit have failed too.
    if (!raw.inTransaction) throw uncarry(answer.failure)
    raw.exec('ROLLBACK TO one')
  }
  raw.exec('RELEASE one')
  return answer
}

/** Carries one order out by itself. */
export async function attempt(databases: Databases, order: Order): Promise<Answer> {
  const work = { db: databases.catalogue.db, activity: databases.activity.db, touched: untouched() }
  try {
    const output = await (transactions[order.name] as Anything)(work, order.input)
    if (databases.tellsOthers) await tellOthers(databases, work.touched)
    return { id: order.id, output, touched: work.touched }
  } catch (error) {
    return { id: order.id, failure: carry(error) }
  }
}

/** Names what changed for a server that runs beside, within the very transaction that changes it. */
async function tellOthers({ catalogue }: Databases, touched: Touched): Promise<void> {
  const at = Date.now()
  const changes = [
    ...touched.accounts.map((subject) => ({ kind: 'account', subject, at })),
    ...touched.keys.map((subject) => ({ kind: 'key', subject, at })),
    ...(touched.everyFile
      ? [{ kind: 'file', subject: '*', at }]
      : touched.files.map((subject) => ({ kind: 'file', subject, at }))),
  ]
  if (changes.length > 0) await catalogue.db.insertInto('outside_changes').values(changes).execute()
}

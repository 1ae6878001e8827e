import { sql } from 'kysely'
import type { HistoryQuery } from '../../core/catalogue.ts'
import type { HistoryEvent } from '../../core/model.ts'
import { foldersAbove, isBelow, isFolderPath } from '../../core/paths.ts'
import type { Db } from '../queries.ts'
import type { HistoryRow } from '../schema.ts'

/**
 * Where numbers of events are read, each in order by its own index: those of a path and of all below it, those of what is below it
 * alone, or moves and deletions of the very path, which is a folder above the one that is asked for.
 */
type Kind = 'all' | 'below' | 'own'

/**
 * What an account's transactions did. However many there are, only a page of numbers is read of each path that counts: the
 * one that is asked for and the folders above it.
 */
export async function history(db: Db, query: HistoryQuery): Promise<HistoryEvent[]> {
  const wanted = wantedPaths(query)
  if (!wanted) return eventsOf(db, query, undefined)
  const known = await db
    .selectFrom('history_paths')
    .select(['id', 'path'])
    .where('account_id', '=', query.accountId)
    .where('path', 'in', sql<string>`(SELECT value FROM json_each(${JSON.stringify([...wanted.keys()])}))`)
    .execute()
  const txs = new Set<number>()
  for (const { id, path } of known) for (const tx of await page(db, id, wanted.get(path) ?? 'own', query)) txs.add(tx)
  return eventsOf(db, query, [...txs])
}

/** Undefined: everything counts. */
function wantedPaths({ path, folder = '' }: HistoryQuery): Map<string, Kind> | undefined {
  if (path === undefined || path === folder) return folder === '' ? undefined : new Map([[folder, 'below']])
  const wanted = new Map<string, Kind>()
  // A folder that is moved or deleted takes along what is in it; outside of what may be seen, nobody is told.
  for (const above of foldersAbove(path)) if (isBelow(above, folder)) wanted.set(above, 'own')
  wanted.set(path, 'all')
  if (!isFolderPath(path)) wanted.set(`${path}/`, 'all')
  return wanted
}

const ordered = (since: number | undefined) => ({
  beyond: sql`tx > ${since ?? 0}`,
  order: since === undefined ? sql`tx DESC` : sql`tx`,
})

async function page(db: Db, pathId: number, kind: Kind, { accountId, since, limit }: HistoryQuery): Promise<number[]> {
  const { beyond, order } = ordered(since)
  const events = sql`SELECT tx FROM history_of_path WHERE path_id = ${pathId} AND ${beyond}`
  const own = sql`
    SELECT tx FROM history_of_path AS o INDEXED BY history_of_own_path
    WHERE path_id = ${pathId} AND is_own = 1 AND ${beyond} AND EXISTS (
      SELECT 1 FROM history h WHERE h.account_id = ${accountId} AND h.tx = o.tx AND h.action IN ('move', 'delete'))`
  const rows = { all: events, below: sql`${events} AND is_own = 0`, own }[kind]
  const found = await sql<{ tx: number }>`${rows} ORDER BY ${order} LIMIT ${limit}`.execute(db)
  return found.rows.map((row) => row.tx)
}

async function eventsOf(db: Db, { accountId, since, limit }: HistoryQuery, txs: readonly number[] | undefined) {
  const { beyond, order } = ordered(since)
  const among = txs ? sql`tx IN (SELECT value FROM json_each(${JSON.stringify(txs)}))` : sql`true`
  const found = await sql<HistoryRow>`
    SELECT * FROM history WHERE account_id = ${accountId} AND ${beyond} AND ${among}
    ORDER BY ${order} LIMIT ${limit}`.execute(db)
  return found.rows.map(eventOf)
}

function eventOf({ tx, action, path, target, size, digest, message, at }: HistoryRow): HistoryEvent {
  return { tx, action, path, target, size, digest, message, at }
}

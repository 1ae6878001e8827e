import { sql } from 'kysely'
import type { Recorded } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Action } from '../../core/model.ts'
import { foldersAbove } from '../../core/paths.ts'
import type { Db } from '../queries.ts'

/** What happened to an entry; a folder's paths end with a slash. */
export interface Happening {
  readonly action: Action
  readonly path: string
  /** Where a move went. */
  readonly target?: string
  /** Of a file. */
  readonly content?: { readonly size: number; readonly digest: string }
  readonly message?: string
}

/**
 * The number of an account's next transaction. It is taken back together with all else where the change is refused: so
 * the numbers have no gaps. Each one that is taken must be recorded.
 */
export async function nextTx(db: Db, accountId: string, now: number): Promise<Recorded> {
  const row = await db
    .updateTable('accounts')
    .set((e) => ({ last_tx: e('last_tx', '+', 1) }))
    .where('id', '=', accountId)
    .returning('last_tx')
    .executeTakeFirst()
  if (!row) throw new Failure('not_found', { what: 'account', id: accountId })
  return { tx: row.last_tx, at: now }
}

/**
 * Writes an event, and names it with its paths and with every folder above them. (`CROSS JOIN` is SQLite's word for one whose
 * sides it may not change: it would read all paths of the account.)
 */
export async function record(db: Db, accountId: string, { tx, at }: Recorded, event: Happening): Promise<void> {
  const { action, path, target = null, content, message = '' } = event
  const { size = null, digest = null } = content ?? {}
  await db
    .insertInto('history')
    .values({ account_id: accountId, tx, action, path, target, size, digest, message, at })
    .execute()
  const touched = JSON.stringify([...touchedPaths(target === null ? [path] : [path, target])])
  await sql`
    INSERT INTO history_paths (account_id, path)
    SELECT ${accountId}, value ->> 0 FROM json_each(${touched}) WHERE true ON CONFLICT DO NOTHING`.execute(db)
  await sql`
    INSERT INTO history_of_path (path_id, tx, is_own)
    SELECT p.id, ${tx}, value ->> 1 FROM json_each(${touched})
    CROSS JOIN history_paths p ON p.account_id = ${accountId} AND p.path = value ->> 0`.execute(db)
}

/** Each path that an event touches, with 1 where it is of this very path and 0 where of one below. */
function touchedPaths(own: readonly string[]): Map<string, 0 | 1> {
  const paths = new Map<string, 0 | 1>()
  for (const path of own) for (const folder of foldersAbove(path)) paths.set(folder, 0)
  for (const path of own) paths.set(path, 1)
  return paths
}

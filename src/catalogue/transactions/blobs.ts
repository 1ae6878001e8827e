import { sql } from 'kysely'
import type { CatalogueWrites } from '../../core/catalogue.ts'
import type { Digest, Stored } from '../../core/ports.ts'
import type { Db } from '../queries.ts'
import type { Transactions } from './context.ts'

/**
 * A blob's row is live, or doomed by a transaction that saw no name for it and its grace over. Only what is doomed is
 * unlinked. Naming a doomed blob revives it: the caller has its bytes in place and holds them (see the blob port), so the
 * collector leaves them alone.
 */
export const blobs: Transactions<Pick<CatalogueWrites, 'adoptBlobs' | 'doomBlobs' | 'forgetBlobs'>> = {
  async adoptBlobs({ db }, { blobs, now }) {
    let adopted = 0
    for (const blob of blobs) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('blobs')
        .values({ digest: blob.digest, size: blob.size, state: 'live', names: 0, unnamed_since: now })
        .onConflict((c) => c.column('digest').doNothing())
        .executeTakeFirst()
      adopted += Number(numInsertedOrUpdatedRows ?? 0n)
    }
    return adopted
  },

  async doomBlobs({ db }, { unnamedBefore, limit }) {
    const due = db
      .selectFrom('blobs')
      .select('digest')
      .where('state', '=', 'live')
      .where('unnamed_since', '<=', unnamedBefore)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('files').select('seq').whereRef('files.digest', '=', 'blobs.digest'))),
      )
      .limit(limit)
    await db.updateTable('blobs').set({ state: 'doomed' }).where('digest', 'in', due).execute()
    return db.selectFrom('blobs').select(['digest', 'size']).where('state', '=', 'doomed').limit(limit).execute()
  },

  async forgetBlobs({ db }, { digests }) {
    if (digests.length === 0) return
    await db.deleteFrom('blobs').where('state', '=', 'doomed').where('digest', 'in', digests).execute()
  },
}

/** Counts one more name for a blob, whose row it makes or revives. */
export async function nameBlob(db: Db, blob: Stored): Promise<void> {
  await db
    .insertInto('blobs')
    .values({ digest: blob.digest, size: blob.size, state: 'live', names: 1, unnamed_since: null })
    .onConflict((c) =>
      c.column('digest').doUpdateSet((e) => ({
        state: 'live',
        names: e('blobs.names', '+', 1),
        unnamed_since: null,
        // An equal upload renames over the blob, so what it says of the size holds from now on.
        size: blob.size,
      })),
    )
    .execute()
}

/** Counts one name less for each of the digests (each as often as it stands there); at none, its grace begins. */
export async function unnameBlobs(db: Db, digests: readonly Digest[], now: number): Promise<void> {
  const counts = new Map<Digest, number>()
  for (const digest of digests) counts.set(digest, (counts.get(digest) ?? 0) + 1)
  await sql`
    UPDATE blobs SET names = names - gone.count, unnamed_since = iif(names = gone.count, ${now}, NULL)
    FROM (SELECT value ->> 0 AS digest, value ->> 1 AS count FROM json_each(${JSON.stringify([...counts])})) AS gone
    WHERE blobs.digest = gone.digest`.execute(db)
}

import type { CatalogueWrites, NewKey } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Key } from '../../core/model.ts'
import { keyOf } from '../rows.ts'
import type { Transactions, Work } from './context.ts'

export const keys: Transactions<Pick<CatalogueWrites, 'createKey' | 'revokeKey'>> = {
  createKey: insertKey,

  async revokeKey(work, { id, accountId, now }) {
    let query = work.db
      .updateTable('keys')
      .set({ revoked_at: now })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
    if (accountId !== undefined) query = query.where('account_id', '=', accountId)
    const { numUpdatedRows } = await query.executeTakeFirst()
    if (numUpdatedRows === 0n) throw new Failure('not_found', { what: 'key', id })
    work.touched.keys.push(id)
  },
}

export async function insertKey(work: Work, input: NewKey): Promise<Key> {
  const row = await work.db
    .insertInto('keys')
    .values({
      id: input.id,
      account_id: input.accountId,
      kind: input.kind,
      hint: input.hint,
      digest: input.digest,
      name: input.name,
      scopes: input.scopes === null ? null : JSON.stringify(input.scopes),
      path_prefix: input.pathPrefix,
      created_at: input.now,
      expires_at: input.expiresAt,
      revoked_at: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return keyOf(row)
}

import type { CatalogueWrites, NewKey } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Key } from '../../core/model.ts'
import { within } from '../queries.ts'
import { keyOf } from '../rows.ts'
import type { Transactions, Work } from './context.ts'
import { requireProject } from './projects.ts'

export const keys: Transactions<Pick<CatalogueWrites, 'createKey' | 'revokeKey'>> = {
  createKey: insertKey,

  async revokeKey(work, { id, accountId, projectId, within: bounds, again = false, now }) {
    let query = work.db
      .updateTable('keys')
      .set((e) => ({ revoked_at: e.fn.coalesce('revoked_at', e.val(now)) }))
      .where('id', '=', id)
      .where(within('keys', bounds))
    if (!again) query = query.where('revoked_at', 'is', null)
    if (accountId !== undefined) query = query.where('account_id', '=', accountId)
    if (projectId !== undefined) query = query.where('project_id', '=', projectId)
    const row = await query.returningAll().executeTakeFirst()
    if (!row) throw new Failure('not_found', { what: 'key', id })
    work.touched.keys.push(id)
    return keyOf(row)
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
      project_id: (await requireProject(work, input.accountId, input.projectId)).id,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return keyOf(row)
}

import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Transactions } from './context.ts'
import { insertKey } from './keys.ts'
import { endSessions, endWaysOfBefore, insertAccount, insertLink, requireFreeEmail, update } from './people.ts'

type Writes = Pick<
  CatalogueWrites,
  | 'createAccount'
  | 'createOwner'
  | 'setPassword'
  | 'changePassword'
  | 'rehashPassword'
  | 'setDisabled'
  | 'setPlan'
  | 'setSettings'
>

export const accounts: Transactions<Writes> = {
  async createAccount(work, input) {
    await requireFreeEmail(work, input.email)
    return insertAccount(work, input)
  },

  async createOwner(work, { account, key, link }) {
    const anybody = await work.db.selectFrom('accounts').select('id').limit(1).executeTakeFirst()
    if (anybody) return undefined
    const owner = await insertAccount(work, account)
    await insertKey(work, key)
    await insertLink(work, link)
    return owner
  },

  async setPassword(work, { accountId, passwordHash, now }) {
    await update(work, accountId, { password_hash: passwordHash, verified_at: now, updated_at: now })
    await endWaysOfBefore(work, accountId)
  },

  async changePassword(work, { accountId, from, to, keep, now }) {
    const { numUpdatedRows } = await work.db
      .updateTable('accounts')
      .set({ password_hash: to, updated_at: now })
      .where('id', '=', accountId)
      .where('password_hash', '=', from)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) throw new Failure('unauthenticated', { reason: 'password' })
    work.touched.accounts.push(accountId)
    await endWaysOfBefore(work, accountId, keep)
  },

  async rehashPassword(work, { accountId, from, to }) {
    await work.db
      .updateTable('accounts')
      .set({ password_hash: to })
      .where('id', '=', accountId)
      .where('password_hash', '=', from)
      .execute()
  },

  async setDisabled(work, { accountId, disabled, now }) {
    await update(work, accountId, { disabled_at: disabled ? now : null, updated_at: now })
    if (disabled) await endSessions(work, accountId)
  },

  async setPlan(work, { accountId, plan, accessUntil, now }) {
    return update(work, accountId, { plan, plan_since: now, access_until: accessUntil, updated_at: now })
  },

  async setSettings(work, { accountId, settings, now }) {
    const { publicUrlBase, maxUploadBytes } = settings
    return update(work, accountId, {
      ...(publicUrlBase !== undefined && { public_url_base: publicUrlBase }),
      ...(maxUploadBytes !== undefined && { max_upload_bytes: maxUploadBytes }),
      updated_at: now,
    })
  },
}

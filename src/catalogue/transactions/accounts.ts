import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Transactions } from './context.ts'
import { insertKey } from './keys.ts'
import { endSessions, insertAccount, insertLink, requireFreeEmail, revokePriorAccess, update } from './people.ts'

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

  async createOwner(work, { account, secrets }) {
    const owner = await work.db.selectFrom('accounts').select('id').where('is_owner', '=', 1).executeTakeFirst()
    if (owner) return undefined
    const made = await insertAccount(work, account)
    if (secrets) {
      await insertKey(work, secrets.key)
      await insertLink(work, secrets.link)
    }
    return made
  },

  async setPassword(work, { accountId, passwordHash, now }) {
    await update(work, accountId, { password_hash: passwordHash, verified_at: now, updated_at: now })
    await revokePriorAccess(work, accountId)
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
    await revokePriorAccess(work, accountId, keep)
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

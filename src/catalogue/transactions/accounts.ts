import type { CatalogueWrites, NewAccount, NewLink } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Account } from '../../core/model.ts'
import { accountOf } from '../rows.ts'
import type { Transactions, Work } from './context.ts'
import { insertKey } from './keys.ts'

type Writes = Pick<
  CatalogueWrites,
  | 'createAccount'
  | 'createOwner'
  | 'setPassword'
  | 'setDisabled'
  | 'createLink'
  | 'completeSetUp'
  | 'createSession'
  | 'endSession'
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
    await endSessions(work, accountId)
  },

  async setDisabled(work, { accountId, disabled, now }) {
    await update(work, accountId, { disabled_at: disabled ? now : null, updated_at: now })
    if (disabled) await endSessions(work, accountId)
  },

  createLink: insertLink,

  async completeSetUp(work, { digest, email, passwordHash, now }) {
    const link = await work.db
      .updateTable('links')
      .set({ used_at: now })
      .where('digest', '=', digest)
      .where('purpose', '=', 'set-up')
      .where('used_at', 'is', null)
      .where('expires_at', '>', now)
      .returning('account_id')
      .executeTakeFirst()
    if (!link) throw new Failure('not_found', { what: 'link', id: '' })
    await requireFreeEmail(work, email, link.account_id)
    await endSessions(work, link.account_id)
    return update(work, link.account_id, { email, password_hash: passwordHash, verified_at: now, updated_at: now })
  },

  async createSession(work, { id, accountId, digest, passwordHash, expiresAt, now }) {
    const account = await work.db
      .selectFrom('accounts')
      .select('id')
      .where('id', '=', accountId)
      .where('password_hash', '=', passwordHash)
      .where('disabled_at', 'is', null)
      .executeTakeFirst()
    if (!account) throw new Failure('unauthenticated', { reason: 'wrong' })
    await work.db.deleteFrom('sessions').where('expires_at', '<=', now).execute()
    await work.db
      .insertInto('sessions')
      .values({ id, account_id: accountId, digest, created_at: now, expires_at: expiresAt })
      .execute()
  },

  async endSession(work, { id }) {
    await work.db.deleteFrom('sessions').where('id', '=', id).execute()
  },
}

async function insertAccount(work: Work, input: NewAccount): Promise<Account> {
  const row = await work.db
    .insertInto('accounts')
    .values({
      id: input.id,
      email: input.email,
      password_hash: input.passwordHash,
      is_owner: input.isOwner ? 1 : 0,
      verified_at: input.verified ? input.now : null,
      disabled_at: null,
      created_at: input.now,
      updated_at: input.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await work.db
    .insertInto('entries')
    .values({
      id: crypto.randomUUID(),
      account_id: input.id,
      parent: null,
      segment: '',
      name: '',
      file: null,
      is_public: 0,
      description: '',
      tags: '[]',
      created_at: input.now,
      updated_at: input.now,
    })
    .execute()
  return accountOf(row)
}

async function insertLink(work: Work, link: NewLink): Promise<void> {
  await work.db
    .insertInto('links')
    .values({
      id: link.id,
      account_id: link.accountId,
      purpose: link.purpose,
      digest: link.digest,
      created_at: link.now,
      expires_at: link.expiresAt,
      used_at: null,
    })
    .execute()
}

interface AccountChange {
  email?: string
  password_hash?: string
  verified_at?: number
  disabled_at?: number | null
  updated_at: number
}

async function update(work: Work, accountId: string, change: AccountChange): Promise<Account> {
  const row = await work.db
    .updateTable('accounts')
    .set(change)
    .where('id', '=', accountId)
    .returningAll()
    .executeTakeFirst()
  if (!row) throw new Failure('not_found', { what: 'account', id: accountId })
  work.touched.accounts.push(accountId)
  return accountOf(row)
}

async function endSessions(work: Work, accountId: string): Promise<void> {
  await work.db.deleteFrom('sessions').where('account_id', '=', accountId).execute()
}

async function requireFreeEmail(work: Work, email: string | null, exceptAccount = ''): Promise<void> {
  if (email === null) return
  const other = await work.db
    .selectFrom('accounts')
    .select('id')
    .where('email', '=', email)
    .where('id', '!=', exceptAccount)
    .executeTakeFirst()
  if (other)
    throw new Failure('conflict', { what: 'account', id: email, why: `an account with the e-mail ${email} exists` })
}

import type { NewAccount, NewLink, NewSession } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Account } from '../../core/model.ts'
import { accountOf } from '../rows.ts'
import type { AccountRow } from '../schema.ts'
import type { Work } from './context.ts'
import { insertProject } from './projects.ts'

/** An account with all that every account has: its root and its first project. */
export async function insertAccount(work: Work, input: NewAccount): Promise<Account> {
  const { id, now } = input
  const row = await work.db
    .insertInto('accounts')
    .values({
      id,
      email: input.email,
      password_hash: input.passwordHash,
      is_owner: input.isOwner ? 1 : 0,
      verified_at: input.verified ? now : null,
      disabled_at: null,
      created_at: now,
      updated_at: now,
      plan: input.plan ?? null,
      plan_since: input.plan == null ? null : now,
      access_until: null,
      public_url_base: null,
      max_upload_bytes: null,
      last_tx: 0,
      upload_bytes: 0,
      actor: input.actor ?? null,
      actor_type: input.actorType ?? null,
      public_key: input.publicKey ?? null,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await insertRoot(work, id, now)
  await insertProject(work, { id: crypto.randomUUID(), accountId: id, name: 'Default', now })
  return accountOf(row)
}

async function insertRoot(work: Work, accountId: string, now: number): Promise<void> {
  await work.db
    .insertInto('entries')
    .values({
      id: crypto.randomUUID(),
      account_id: accountId,
      parent: null,
      segment: '',
      name: '',
      file: null,
      is_public: 0,
      description: '',
      tags: '[]',
      created_at: now,
      updated_at: now,
    })
    .execute()
}

export async function update(
  work: Work,
  accountId: string,
  change: Partial<AccountRow> & { updated_at: number },
): Promise<Account> {
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

/** @throws Failure `forbidden` for a disabled account, as for none. */
export async function requireActive(work: Work, accountId: string): Promise<void> {
  const account = await work.db
    .selectFrom('accounts')
    .select('id')
    .where('id', '=', accountId)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  if (!account) throw new Failure('forbidden', { needs: 'active_account' })
}

export async function findByEmail(work: Work, email: string): Promise<AccountRow | undefined> {
  return work.db.selectFrom('accounts').selectAll().where('email', '=', email).executeTakeFirst()
}

/** A registration that nobody confirmed does not keep an address from whoever runs the server, and from its owner. */
export async function requireFreeEmail(work: Work, email: string | null, exceptAccount = ''): Promise<void> {
  const other = email === null ? undefined : await findByEmail(work, email)
  if (!other || other.id === exceptAccount) return
  const unconfirmed = await unconfirmedAccounts(work).where('a.id', '=', other.id).executeTakeFirst()
  if (unconfirmed) return forgetAccounts(work, [other.id])
  const why = `an account with the e-mail ${email} exists`
  throw new Failure('conflict', { what: 'account', id: other.email ?? '', why })
}

export async function insertLink(work: Work, link: NewLink): Promise<void> {
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
      password_hash: link.passwordHash ?? null,
      redirect_to: link.redirectTo ?? null,
    })
    .execute()
}

export async function insertSession(work: Work, accountId: string, session: NewSession, now: number): Promise<void> {
  const { id, kind, digest, expiresAt } = session
  await work.db
    .insertInto('sessions')
    .values({ id, account_id: accountId, kind, digest, created_at: now, expires_at: expiresAt })
    .execute()
}

export async function endSessions(work: Work, accountId: string, keep = ''): Promise<void> {
  await work.db.deleteFrom('sessions').where('account_id', '=', accountId).where('id', '!=', keep).execute()
}

/**
 * Whoever has just proved to be the owner leaves nothing to anybody who was there before: sessions, and links that would set
 * another password. (Keys stay: only somebody who was let in could make one.) A registration is not forgotten but made void,
 * so that a log-in with its password is answered as before: who made it learns nothing of what the owner did.
 */
export async function revokePriorAccess(work: Work, accountId: string, keep = ''): Promise<void> {
  await endSessions(work, accountId, keep)
  await work.db
    .deleteFrom('links')
    .where('account_id', '=', accountId)
    .where('purpose', 'in', ['set-up', 'reset'])
    .where('used_at', 'is', null)
    .execute()
  await work.db
    .updateTable('links')
    .set((e) => ({ digest: e.ref('id') }))
    .where('account_id', '=', accountId)
    .where('purpose', '=', 'confirm')
    .where('used_at', 'is', null)
    .execute()
}

/**
 * Signs in whoever has just proved to have an e-mail's mailbox: into its account, which is made where there is none and `made`
 * may make one. A password that was never verified goes, with its sessions and links. `false` where nobody is let in.
 * @throws Failure `forbidden` for a disabled account.
 */
export async function signInByMailbox(
  work: Work,
  email: string,
  made: (() => Promise<NewAccount>) | undefined,
  { session, now }: { session: NewSession; now: number },
): Promise<Account | false> {
  const found = await findByEmail(work, email)
  if (found && found.disabled_at !== null) throw new Failure('forbidden', { needs: 'active_account' })
  const account = found ? await proved(work, accountOf(found), now) : made && (await insertAccount(work, await made()))
  if (!account) return false
  await insertSession(work, account.id, session, now)
  return account
}

/** The address is its owner's now: a password from before was perhaps a stranger's, who registered it and waited. */
async function proved(work: Work, account: Account, now: number): Promise<Account> {
  if (account.verifiedAt !== null) return account
  await revokePriorAccess(work, account.id)
  return update(work, account.id, { password_hash: null, verified_at: now, updated_at: now })
}

/** Removes accounts that nobody was ever let into, with what every account has. */
export async function forgetAccounts(work: Work, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  for (const table of ['links', 'projects', 'entries'] as const)
    await work.db.deleteFrom(table).where('account_id', 'in', ids).execute()
  await work.db.deleteFrom('accounts').where('id', 'in', ids).execute()
  work.touched.accounts.push(...ids)
}

/** Accounts that were registered and never confirmed, and that no key opens. (One that was shut out is remembered as that.) */
export function unconfirmedAccounts({ db }: Work) {
  return db
    .selectFrom('accounts as a')
    .select('a.id')
    .where('a.verified_at', 'is', null)
    .where('a.is_owner', '=', 0)
    .where('a.disabled_at', 'is', null)
    .where((e) => e.not(e.exists(e.selectFrom('keys').select('id').whereRef('account_id', '=', 'a.id'))))
}

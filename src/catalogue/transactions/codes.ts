import { timingSafeEqual } from 'node:crypto'
import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Account } from '../../core/model.ts'
import { accountOf } from '../rows.ts'
import type { Transactions, Work } from './context.ts'
import { insertMail } from './mails.ts'
import { findByEmail, insertAccount, insertSession, revokePriorAccess, update } from './people.ts'

type Writes = Pick<CatalogueWrites, 'sendCode' | 'redeemCode'>

export const codes: Transactions<Writes> = {
  async sendCode(work, { email, digest, tries, notSince, mayRegister, mail, now }) {
    const last = await work.db.selectFrom('codes').select('created_at').where('email', '=', email).executeTakeFirst()
    if (last && last.created_at > notSince) return
    const account = await findByEmail(work, email)
    const isWelcome = account ? account.disabled_at === null : mayRegister
    // The code that somebody holds is not taken away, nor are its tries given back, by one that nobody is told.
    if ((await insertMail(work, mail, isWelcome)) === 'too many') return
    // Also where nobody may have it: a stranger who tries one finds the same everywhere.
    const { expiresAt } = mail.letter
    await work.db
      .replaceInto('codes')
      .values({ email, digest, tries_left: tries, created_at: now, expires_at: expiresAt })
      .execute()
  },

  async redeemCode(work, { email, digest, newAccount, session, now }) {
    if (!(await isRight(work, email, digest, now))) return false
    const found = await findByEmail(work, email)
    if (found && found.disabled_at !== null) throw new Failure('forbidden', { needs: 'active_account' })
    const account = found
      ? await proved(work, accountOf(found), now)
      : newAccount && (await insertAccount(work, newAccount))
    if (!account) return false
    await work.db.deleteFrom('codes').where('email', '=', email).execute()
    await insertSession(work, account.id, session, now)
    return account
  },
}

/** Each look costs a try; the last one leaves a code that nothing opens. */
async function isRight(work: Work, email: string, digest: string, now: number): Promise<boolean> {
  const code = await work.db
    .updateTable('codes')
    .set((e) => ({ tries_left: e('tries_left', '-', 1) }))
    .where('email', '=', email)
    .where('expires_at', '>', now)
    .where('tries_left', '>', 0)
    .returning('digest')
    .executeTakeFirst()
  return code !== undefined && timingSafeEqual(Buffer.from(code.digest), Buffer.from(digest))
}

/** The address is its owner's now: a password from before was perhaps a stranger's, who registered it and waited. */
async function proved(work: Work, account: Account, now: number): Promise<Account> {
  if (account.verifiedAt !== null) return account
  await revokePriorAccess(work, account.id)
  return update(work, account.id, { password_hash: null, verified_at: now, updated_at: now })
}

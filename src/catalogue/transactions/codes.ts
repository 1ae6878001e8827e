import { timingSafeEqual } from 'node:crypto'
import type { CatalogueWrites } from '../../core/catalogue.ts'
import type { Transactions, Work } from './context.ts'
import { insertMail } from './mails.ts'
import { findByEmail, signInByMailbox } from './people.ts'

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
    const account = await signInByMailbox(work, email, newAccount && (async () => newAccount), { session, now })
    if (account) await work.db.deleteFrom('codes').where('email', '=', email).execute()
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

import type { CatalogueWrites } from '../../core/catalogue.ts'
import { actorName } from '../../core/names.ts'
import { isTaken } from './actors.ts'
import type { Transactions, Work } from './context.ts'
import { insertMail } from './mails.ts'
import { findByEmail, signInByMailbox } from './people.ts'

type Writes = Pick<CatalogueWrites, 'sendMagicLink' | 'redeemMagicLink'>

export const magicLinks: Transactions<Writes> = {
  async sendMagicLink(work, { email, digest, mayRegister, mail, now }) {
    const account = await findByEmail(work, email)
    await insertMail(work, mail, account ? account.disabled_at === null : mayRegister)
    // Also where the letter does not go out, and nobody has the link: it costs the same.
    const row = { digest, email, created_at: now, expires_at: mail.letter.expiresAt }
    await work.db.insertInto('magic_links').values(row).execute()
  },

  async redeemMagicLink(work, { digest, newAccount, session, now }) {
    const link = await work.db
      .deleteFrom('magic_links')
      .where('digest', '=', digest)
      .where('expires_at', '>', now)
      .returning('email')
      .executeTakeFirst()
    if (!link) return false
    const { email } = link
    const made = newAccount && (async () => ({ ...newAccount, email, actor: await freeName(work, email) }))
    return signInByMailbox(work, email, made, { session, now })
  },
}

/** A name after the address that nobody has, with a number where it must be: looked for in few steps, however many have it. */
async function freeName(work: Work, email: string): Promise<string> {
  if (!(await isTaken(work, actorName(email)))) return actorName(email)
  let taken = 1
  let free = 2
  while (await isTaken(work, actorName(email, free))) {
    taken = free
    free *= 2
  }
  while (free - taken > 1) {
    const middle = Math.floor((taken + free) / 2)
    if (await isTaken(work, actorName(email, middle))) taken = middle
    else free = middle
  }
  return actorName(email, free)
}

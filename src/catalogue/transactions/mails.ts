import { sql } from 'kysely'
import type { MailWrites, NewMail } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Transactions, Work } from './context.ts'

const hourMs = 3_600_000

export const mails: Transactions<MailWrites> = {
  async mailSent({ db }, { id, now }) {
    await db
      .updateTable('mails')
      .set((e) => ({ state: 'sent', letter: null, last_error: null, sent_at: now, tries: e('tries', '+', 1) }))
      .where('id', '=', id)
      .execute()
  },

  async mailFailed({ db }, { id, error, nextAt, now }) {
    await db
      .updateTable('mails')
      .set((e) => ({
        state: nextAt === null ? 'given_up' : 'waiting',
        next_at: nextAt ?? now,
        last_error: error,
        tries: e('tries', '+', 1),
      }))
      .where('id', '=', id)
      .where('state', '=', 'waiting')
      .execute()
  },

  async retryMails({ db }, { id, now }) {
    let query = db
      .updateTable('mails')
      .set({ state: 'waiting', next_at: now })
      .where('state', 'in', ['waiting', 'given_up'])
      .where('letter', 'is not', null)
    if (id !== undefined) query = query.where('id', '=', id)
    const { numUpdatedRows } = await query.executeTakeFirst()
    if (id !== undefined && numUpdatedRows === 0n) throw new Failure('not_found', { what: 'mail', id })
    return Number(numUpdatedRows)
  },

  async pruneMails({ db }, { before, now }) {
    await db
      .updateTable('mails')
      .set({ state: 'given_up', letter: null })
      .where('state', 'in', ['waiting', 'given_up'])
      .where('letter', 'is not', null)
      .where(sql<boolean>`letter ->> 'expiresAt' <= ${now}`)
      .execute()
    await db.deleteFrom('mails').where('created_at', '<', before).execute()
    await db
      .deleteFrom('mails')
      .where('state', '=', 'withheld')
      .where('created_at', '<', now - hourMs)
      .execute()
  },
}

/** Whether a letter goes out; `too many`: its address has had its share of this hour. */
export type Queued = 'queued' | 'nobody' | 'too many'

/**
 * Puts a letter into the queue, where somebody may have it. A withheld one is written down all the same: it costs what the
 * other costs, and nobody can tell from the time it takes whether an address is known here.
 */
export async function insertMail({ db }: Work, mail: NewMail, isForSomebody: boolean): Promise<Queued> {
  const { id, letter, hourly, now } = mail
  const { n } = await db
    .selectFrom('mails')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('recipient', '=', letter.to)
    .where('created_at', '>', now - hourMs)
    // What was withheld does not count, or whoever asks on and on would keep the owner from ever getting one again.
    .where('state', '!=', 'withheld')
    .executeTakeFirstOrThrow()
  const isTooMany = hourly !== null && n >= hourly
  const isHeld = !isForSomebody || isTooMany
  await db
    .insertInto('mails')
    .values({
      id,
      recipient: letter.to,
      purpose: letter.purpose,
      letter: isHeld ? null : JSON.stringify(letter),
      state: isHeld ? 'withheld' : 'waiting',
      tries: 0,
      last_error: null,
      created_at: now,
      next_at: now,
      sent_at: null,
    })
    .execute()
  if (!isHeld) return 'queued'
  return isTooMany ? 'too many' : 'nobody'
}

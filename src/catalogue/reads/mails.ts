import type { Kysely } from 'kysely'
import type { MailReads } from '../../core/catalogue.ts'
import type { Letter, LetterPurpose } from '../../core/model.ts'
import type { ReadTables } from '../schema.ts'

export function mailReads(db: Kysely<ReadTables>): MailReads {
  return {
    dueMails: async (now, limit) => {
      const rows = await db
        .selectFrom('mails')
        .select(['id', 'letter', 'tries'])
        .where('state', '=', 'waiting')
        .where('next_at', '<=', now)
        .orderBy('next_at')
        .limit(limit)
        .execute()
      return rows.flatMap(({ id, letter, tries }) =>
        letter === null ? [] : [{ id, letter: JSON.parse(letter) as Letter, tries }],
      )
    },
    mails: async (limit) => {
      const rows = await db
        .selectFrom('mails')
        .selectAll()
        .where('state', '!=', 'withheld')
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        id: row.id,
        to: row.recipient,
        purpose: row.purpose as LetterPurpose,
        state: row.state,
        tries: row.tries,
        lastError: row.last_error,
        createdAt: row.created_at,
        nextAt: row.next_at,
        sentAt: row.sent_at,
      }))
    },
  }
}

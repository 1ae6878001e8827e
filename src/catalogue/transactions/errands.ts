import type { CatalogueWrites } from '../../core/catalogue.ts'
import type { Transactions } from './context.ts'

/** How long a finished errand's result is kept for whoever asked, in milliseconds. */
const keptMs = 3_600_000

export const errands: Transactions<Pick<CatalogueWrites, 'leaveErrand' | 'finishErrand'>> = {
  async leaveErrand({ db }, { id, job, options, now }) {
    await db
      .deleteFrom('errands')
      .where('created_at', '<', now - keptMs)
      .execute()
    const values = { id, job, options: JSON.stringify(options), created_at: now, finished_at: null, result: null }
    await db.insertInto('errands').values(values).execute()
  },

  async finishErrand({ db }, { id, result, now }) {
    await db
      .updateTable('errands')
      .set({ finished_at: now, result: JSON.stringify(result) })
      .where('id', '=', id)
      .execute()
  },
}

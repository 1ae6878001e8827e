import type { Catalogue } from '../core/catalogue.ts'
import { finishedKeptMs } from '../core/direct-uploads.ts'
import { monthOf } from '../core/months.ts'
import type { Clock } from '../core/ports.ts'

/** How long an account's requests are kept. */
const requestsKeptMs = 30 * 86_400_000

/** How long letters are listed that were sent or given up. */
const mailsKeptMs = 30 * 86_400_000

/** How long an account is kept that was registered and never confirmed. */
const unconfirmedKeptMs = 7 * 86_400_000

/** Rows removed at once: few enough that other writes hardly wait. */
const rowsAtOnce = 500

/** Forgets what is over: requests and letters that are too old, single files' usage of past months, sessions, links, codes, uploads, shares. */
export async function forgetThePast({ catalogue, clock }: { catalogue: Catalogue; clock: Clock }): Promise<void> {
  const now = clock.now()
  const wish = { before: now - requestsKeptMs, month: monthOf(now), limit: rowsAtOnce }
  while (await catalogue.write.pruneActivity(wish));
  while (await catalogue.write.pruneAccess({ now, unconfirmedBefore: now - unconfirmedKeptMs }));
  await catalogue.write.pruneMails({ before: now - mailsKeptMs, now })
  while (await catalogue.write.pruneUploads({ before: now - finishedKeptMs, limit: rowsAtOnce }));
  while (await catalogue.write.pruneShares({ now, limit: rowsAtOnce }));
}

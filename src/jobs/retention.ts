import type { Catalogue } from '../core/catalogue.ts'
import { monthOf } from '../core/files.ts'
import type { Clock } from '../core/ports.ts'

/** How long an account's requests are kept. */
const requestsKeptMs = 30 * 86_400_000

/** Rows removed at once: few enough that other writes hardly wait. */
const rowsAtOnce = 500

/** Forgets requests that are too old, and the single files' usage of past months. */
export async function forgetOldActivity({ catalogue, clock }: { catalogue: Catalogue; clock: Clock }): Promise<void> {
  const now = clock.now()
  const wish = { before: now - requestsKeptMs, month: monthOf(now), limit: rowsAtOnce }
  while (await catalogue.write.pruneActivity(wish));
}

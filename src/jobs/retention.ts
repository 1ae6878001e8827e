import type { Catalogue } from '../core/catalogue.ts'
import { monthOf } from '../core/files.ts'
import type { Clock } from '../core/ports.ts'

/** How long an account's requests are kept. */
const requestsKeptMs = 30 * 86_400_000

/** Forgets requests that are too old, and the single files' usage of past months. */
export async function forgetOldActivity({ catalogue, clock }: { catalogue: Catalogue; clock: Clock }): Promise<void> {
  const now = clock.now()
  await catalogue.write.pruneActivity({ before: now - requestsKeptMs, month: monthOf(now) })
}

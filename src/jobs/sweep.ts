import type { Catalogue } from '../core/catalogue.ts'
import type { Clock } from '../core/ports.ts'

/** Rows a transaction removes: few enough that other writes hardly wait. */
const rowsAtOnce = 100

interface Parts {
  readonly catalogue: Catalogue
  readonly clock: Clock
  /** Ends the work after the step under way; the next start takes it up again. */
  readonly signal?: AbortSignal
}

/** Removes what deleted folders left in the catalogue, a little at a time, until nothing is left. */
export async function sweepFolders({ catalogue, clock, signal }: Parts): Promise<void> {
  let left = true
  while (left && !signal?.aborted)
    left = (await catalogue.write.sweepDetached({ limit: rowsAtOnce, now: clock.now() })).left
}

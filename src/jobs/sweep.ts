import type { Catalogue } from '../core/catalogue.ts'
import type { Clock } from '../core/ports.ts'

/** Rows a transaction removes: few enough that other writes hardly wait. */
const rowsAtOnce = 500

/** Removes what deleted folders left in the catalogue, a little at a time, until nothing is left. */
export async function sweepFolders({ catalogue, clock }: { catalogue: Catalogue; clock: Clock }): Promise<void> {
  let left = true
  while (left) left = (await catalogue.write.sweepDetached({ limit: rowsAtOnce, now: clock.now() })).left
}

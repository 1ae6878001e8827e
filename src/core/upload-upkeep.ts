import type { Catalogue } from './catalogue.ts'
import { isFailure } from './failure.ts'
import type { BlobStore, Clock } from './ports.ts'
import { turnsAt } from './turns.ts'

const expiredAtOnce = 100

interface Needs {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
}

/** Ends uploads that are over, with all that came of them; not those that are being completed at this moment. */
export async function expireUploads({ catalogue, blobs, clock }: Needs): Promise<void> {
  const turns = turnsAt(blobs.parts)
  while (true) {
    const now = clock.now()
    const due = await catalogue.read.overdueUploads({ now, limit: expiredAtOnce })
    const free = due.filter((id) => !turns.isTaken(id))
    // All at once: they share a commit.
    await Promise.all(
      free.map((id) =>
        turns.alone(id, async () => {
          if (await catalogue.write.endUpload({ id, state: 'expired', now })) await blobs.parts.drop(id)
        }),
      ),
    )
    if (due.length < expiredAtOnce || free.length === 0) return
  }
}

/**
 * Before anything is served: removes what no open upload knows, and forgets parts whose files are gone. Uploads that have
 * received nothing cost nothing.
 */
export async function recoverUploads({ catalogue, blobs }: Omit<Needs, 'clock'>): Promise<void> {
  const begun = await catalogue.read.uploadsWithParts()
  const ids = new Set(begun.map(({ id }) => id))
  for (const id of await blobs.parts.uploads()) if (!ids.has(id)) await blobs.parts.drop(id)
  for (const { id } of begun) await recoverOne(catalogue, blobs, id)
}

async function recoverOne(catalogue: Catalogue, blobs: BlobStore, id: string): Promise<void> {
  const [files, parts] = [await blobs.parts.files(id), await catalogue.read.parts(id)]
  const named = new Set(parts.map(({ file }) => file))
  for (const file of files.keys()) if (!named.has(file)) await blobs.parts.remove(id, file)
  for (const { number, file, size } of parts) if (!isThere(files, { file, size })) await forget(catalogue, id, number)
}

/** A full disk must not keep the server from starting; the completion finds the part missing, too. */
async function forget(catalogue: Catalogue, uploadId: string, number: number): Promise<void> {
  await catalogue.write.dropPart({ uploadId, number }).catch((error) => {
    if (!isFailure(error) || error.code !== 'disk_full') throw error
  })
}

/** Whether a part's file has its bytes; more of them where others were put together behind them. */
export function isThere(files: ReadonlyMap<string, number>, { file, size }: { file: string; size: number }): boolean {
  return (files.get(file) ?? -1) >= size
}

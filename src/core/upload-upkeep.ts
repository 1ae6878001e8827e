import type { Catalogue } from './catalogue.ts'
import { isFailure } from './failure.ts'
import type { DirectUpload } from './model.ts'
import type { BlobStore, Clock } from './ports.ts'

const expiredAtOnce = 100

interface Parts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
}

/** Ends uploads that are over, with all that came of them. */
export async function expireUploads({ catalogue, blobs, clock }: Parts): Promise<void> {
  while (true) {
    const ids = await catalogue.write.expireUploads({ now: clock.now(), limit: expiredAtOnce })
    for (const id of ids) await blobs.parts.drop(id)
    if (ids.length < expiredAtOnce) return
  }
}

/** Before anything is served: removes what no open upload knows, and forgets parts whose files are gone. */
export async function recoverUploads({ catalogue, blobs }: Omit<Parts, 'clock'>): Promise<void> {
  const open = await catalogue.read.openUploads()
  const ids = new Set(open.map(({ id }) => id))
  for (const id of await blobs.parts.uploads()) if (!ids.has(id)) await blobs.parts.drop(id)
  for (const upload of open) await recoverOne(catalogue, blobs, upload)
}

async function recoverOne(catalogue: Catalogue, blobs: BlobStore, upload: DirectUpload): Promise<void> {
  const { id } = upload
  const [files, parts] = [await blobs.parts.files(id), await catalogue.read.parts(id)]
  const named = new Set(parts.map(({ file }) => file))
  for (const file of files.keys()) if (!named.has(file)) await blobs.parts.remove(id, file)
  if (await isPutTogether(blobs, upload)) return
  for (const { number, file, size } of parts) if (!isThere(files, { file, size })) await forget(catalogue, id, number)
}

/** A full disk must not keep the server from starting; the completion finds the part missing, too. */
async function forget(catalogue: Catalogue, uploadId: string, number: number): Promise<void> {
  await catalogue.write.dropPart({ uploadId, number }).catch((error) => {
    if (!isFailure(error) || error.code !== 'disk_full') throw error
  })
}

/** Whether an upload's parts became a blob whose publication was cut off: the first one's file is that blob by now. */
export async function isPutTogether(blobs: BlobStore, { assembled }: DirectUpload): Promise<boolean> {
  return assembled !== null && (await blobs.stat(assembled.digest))?.size === assembled.size
}

/** Whether a part's file has its bytes; more of them where a completion was cut off that put the others behind them. */
export function isThere(files: ReadonlyMap<string, number>, { file, size }: { file: string; size: number }): boolean {
  return (files.get(file) ?? -1) >= size
}

import type { Catalogue } from '../core/catalogue.ts'
import type { DirectUpload } from '../core/model.ts'
import type { BlobStore } from '../core/ports.ts'
import { isThere } from '../core/upload-upkeep.ts'
import type { Count } from './gc.ts'

interface Parts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
}

export type Found = (what: string, remedy: string) => void

const remedy = 'send the part again, or abort the upload; a server that starts forgets it by itself'

/** Compares what open uploads have received with their files. */
export async function checkUploads(parts: Parts, found: Found): Promise<void> {
  for (const upload of await parts.catalogue.read.uploadsWithParts()) await checkUpload(parts, upload, found)
}

async function checkUpload(parts: Parts, upload: DirectUpload, found: Found): Promise<void> {
  for (const { number, size, has } of await lost(parts, upload)) {
    const text = has === undefined ? 'is missing' : `has ${has} bytes, and should have ${size}`
    found(`account ${upload.accountId}, upload ${upload.id} to /${upload.path}: part ${number} ${text}`, remedy)
  }
}

/** Parts without their bytes. What changes meanwhile is looked at again. */
async function lost({ catalogue, blobs }: Parts, { id }: DirectUpload) {
  const before = await catalogue.read.parts(id)
  const files = await blobs.parts.files(id)
  const missing = before.filter((part) => !isThere(files, part))
  if (missing.length === 0) return []
  if ((await catalogue.read.upload(id))?.state !== 'open') return []
  const still = new Set((await catalogue.read.parts(id)).map(({ file }) => file))
  return missing.filter(({ file }) => still.has(file)).map((part) => ({ ...part, has: files.get(part.file) }))
}

/** Files of uploads that are not open any more. */
export async function countLeftovers({ catalogue, blobs }: Parts): Promise<Count> {
  let [count, bytes] = [0, 0]
  for (const id of await blobs.parts.uploads()) {
    if ((await catalogue.read.upload(id))?.state === 'open') continue
    const files = await blobs.parts.files(id)
    count += files.size
    for (const size of files.values()) bytes += size
  }
  return { count, bytes }
}

import type { Catalogue } from '../core/catalogue.ts'
import type { BlobStore, Digest } from '../core/ports.ts'
import { hashOf, SourceFault } from './backup-source.ts'
import { checkUploads, countLeftovers, type Found } from './fsck-uploads.ts'
import type { Count } from './gc.ts'

/** One thing that is wrong: what, whose, and what to do about it. */
export interface Damage {
  readonly what: string
  readonly remedy: string
}

export interface FsckReport {
  readonly checked: Count
  readonly garbage: Count
  /** What uploads left that are not open any more. A server that starts removes it; one that runs may just be at it. */
  readonly leftovers: Count
  readonly damage: number
}

interface Parts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
}

export interface FsckOptions {
  /** Whether every blob is read and its hash compared, and not its length alone. */
  readonly readData: boolean
  /** Whether blobs whose bytes are wrong are set aside, so that nobody is served them. */
  readonly quarantine: boolean
  readonly onDamage: (damage: Damage) => void
}

const remedies = {
  bytes: 'upload the same file again, which mends it for everybody who has it, or put it back from a backup',
  counter:
    'the files are not touched by this; restore the catalogue from a backup, or report it as a bug with this line',
  catalogue: 'stop the server, keep a copy of the data folder, and restore catalogue.db from a backup',
} as const

/**
 * Compares the catalogue with the disk and with itself. It may run beside a server: what changes meanwhile is looked at
 * twice before it is called damage.
 */
export async function checkStore(parts: Parts, options: FsckOptions): Promise<FsckReport> {
  let damage = 0
  const found = (what: string, remedy: string): void => {
    damage++
    options.onDamage({ what, remedy })
  }
  for (const text of await parts.catalogue.audit.integrity()) found(`catalogue: ${text}`, remedies.catalogue)
  await checkCounters(parts, found)
  await checkUploads(parts, found)
  const checked = await checkBlobs(parts, options, found)
  return { checked, garbage: await countGarbage(parts), leftovers: await countLeftovers(parts), damage }
}

async function checkCounters({ catalogue }: Parts, found: Found): Promise<void> {
  for (const { account, where, counter, kept, counted } of await catalogue.audit.wrongCounters()) {
    const whose = account === '' ? '' : `account ${account}, `
    found(`${whose}${where}: the counter "${counter}" says ${kept}, and there are ${counted}`, remedies.counter)
  }
}

async function checkBlobs(parts: Parts, options: FsckOptions, found: Found): Promise<Count> {
  const checked = { count: 0, bytes: 0 }
  for await (const row of parts.catalogue.audit.blobRows()) {
    // Bytes that nothing names are garbage, whatever has become of them.
    if (row.doomed || row.names === 0) continue
    checked.count++
    checked.bytes += row.size
    const fault = await faultOf(parts, row.digest, row.size, options.readData)
    if (fault === undefined) continue
    const names = await parts.catalogue.audit.namesOf(row.digest)
    // Deleted since its row was read, and perhaps collected: no damage.
    if (names.length === 0) continue
    const aside =
      options.quarantine && fault.isThere ? `; set aside at ${await parts.blobs.quarantine(row.digest)}` : ''
    for (const { account, path } of names) {
      found(`account ${account}, /${path}: blob ${row.digest} ${fault.text}${aside}`, remedies.bytes)
    }
  }
  return checked
}

interface Fault {
  readonly text: string
  readonly isThere: boolean
}

async function faultOf({ blobs }: Parts, digest: Digest, size: number, readData: boolean): Promise<Fault | undefined> {
  try {
    return await compare(blobs, digest, size, readData)
  } catch (error) {
    // Gone since it was looked at is missing; a bad sector is what this is for, and must not end the check.
    if (error instanceof SourceFault) return { text: error.message, isThere: false }
    return { text: `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`, isThere: false }
  }
}

async function compare(blobs: BlobStore, digest: Digest, size: number, readData: boolean): Promise<Fault | undefined> {
  const stored = await blobs.stat(digest)
  if (!stored) return { text: 'is missing', isThere: false }
  if (stored.size !== size) return { text: `has ${stored.size} bytes, and should have ${size}`, isThere: true }
  if (!readData) return undefined
  const actual = await hashOf(blobs, digest)
  return actual === digest ? undefined : { text: `has other bytes: their hash is ${actual}`, isThere: true }
}

/** Rows without a name, and files without a row. */
async function countGarbage({ catalogue, blobs }: Parts): Promise<Count> {
  const unnamed = await catalogue.audit.garbage()
  let { count, bytes } = unnamed
  for await (const { digest, size } of blobs.list()) {
    if ((await catalogue.audit.knownBlobs([digest])).size > 0) continue
    count++
    bytes += size
  }
  return { count, bytes }
}

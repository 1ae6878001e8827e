import type { Catalogue } from '../core/catalogue.ts'
import type { BlobStore, Clock, Stored } from '../core/ports.ts'

/** Blobs looked up or doomed at a time. */
const batchSize = 500

export interface Count {
  readonly count: number
  readonly bytes: number
}

export interface GcReport {
  /** Removed; in a dry run, what would be. */
  readonly removed: Count
  /** Found on disk without a row: their grace begins now. */
  readonly strays: Count
  /** Named by nothing, and left alone: within their grace, or being uploaded again at this moment. */
  readonly kept: Count
}

interface Parts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  /** Ends the work after the batch under way; what is doomed and not removed is taken up by the next run. */
  readonly signal?: AbortSignal
}

export interface GcOptions {
  readonly graceMs: number
  readonly dryRun: boolean
}

/**
 * Removes blobs that nothing names and whose grace is over. Only the process that has the data folder's lock may run it:
 * the blob store's holds keep it apart from uploads of the same bytes, and they are that process's memory.
 *
 * A blob is doomed by a transaction that sees no name for it, unlinked, and then forgotten. An upload revives a doomed one
 * by naming it; it holds the blob meanwhile, so it cannot be unlinked in between.
 */
export async function collectGarbage(parts: Parts, options: GcOptions): Promise<GcReport> {
  const now = parts.clock.now()
  const unnamedBefore = now - options.graceMs
  const strays = await adoptStrays(parts, now, options.dryRun)
  if (options.dryRun) return plan(parts, strays, unnamedBefore, options.graceMs)
  const removed = await removeDoomed(parts, unnamedBefore)
  return { removed, strays, kept: await parts.catalogue.audit.garbage() }
}

/** What a run would do. A stray's grace begins when it is found, so only without a grace it would go at once. */
async function plan({ catalogue }: Parts, strays: Count, unnamedBefore: number, graceMs: number): Promise<GcReport> {
  const due = await catalogue.audit.garbage(unnamedBefore)
  const all = await catalogue.audit.garbage()
  const removed = graceMs === 0 ? add(due, strays) : due
  return { removed, strays, kept: { count: all.count - due.count, bytes: all.bytes - due.bytes } }
}

const add = (one: Count, other: Count): Count => ({ count: one.count + other.count, bytes: one.bytes + other.bytes })

/** Gives what lies on disk without a row (an upload cut off between the two) a row of its own, and so a grace. */
async function adoptStrays({ catalogue, blobs, signal }: Parts, now: number, dryRun: boolean): Promise<Count> {
  let found: Count = { count: 0, bytes: 0 }
  for await (const batch of batches(blobs.list(), batchSize)) {
    if (signal?.aborted) return found
    const known = await catalogue.audit.knownBlobs(batch.map((blob) => blob.digest))
    const strays = batch.filter((blob) => !known.has(blob.digest))
    if (strays.length === 0) continue
    if (!dryRun) await catalogue.write.adoptBlobs({ blobs: strays, now })
    found = strays.reduce((sum, { size }) => add(sum, { count: 1, bytes: size }), found)
  }
  return found
}

async function removeDoomed({ catalogue, blobs, signal }: Parts, unnamedBefore: number): Promise<Count> {
  let removed: Count = { count: 0, bytes: 0 }
  while (true) {
    const doomed = await catalogue.write.doomBlobs({ unnamedBefore, limit: batchSize })
    const gone: Stored[] = []
    for (const blob of doomed) {
      if (await blobs.remove(blob.digest, () => catalogue.audit.isDoomed(blob.digest))) gone.push(blob)
    }
    await catalogue.write.forgetBlobs({ digests: gone.map((blob) => blob.digest) })
    removed = gone.reduce((sum, { size }) => add(sum, { count: 1, bytes: size }), removed)
    // What is left of a full batch is held by uploads under way; they revive it.
    if (doomed.length < batchSize || gone.length === 0 || signal?.aborted) return removed
  }
}

async function* batches<T>(source: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let batch: T[] = []
  for await (const one of source) {
    batch.push(one)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

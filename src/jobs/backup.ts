import type { BlobStore, CatalogueCopies, CatalogueCopy, Digest, Stored } from '../core/ports.ts'
import { hashOf, SourceFault, sourceOf } from './backup-source.ts'
import type { Damage } from './fsck.ts'
import type { Count } from './gc.ts'

/** Blobs looked at together. */
const batchSize = 500
/** Blobs copied at a time: small ones wait for the disk, each for itself. */
const copiedAtOnce = 8
/** How often the catalogue is copied anew because bytes that its copy names were deleted for good meanwhile. */
const mostRounds = 20

/** The server deletes faster than can be copied; the message is for the person at the terminal. */
export class BackupUnfinished extends Error {
  override name = 'BackupUnfinished'
}

export interface BackupReport {
  /** What was copied by this run. */
  readonly copied: Count
  /** What is there of all that the backup's catalogue names; the rest was told as damage. */
  readonly held: Count
  /** What was removed because the catalogue does not name it any more. */
  readonly pruned: Count
  readonly damage: number
}

export interface BackupParts {
  readonly source: Pick<BlobStore, 'open'>
  readonly target: BlobStore
  readonly catalogues: CatalogueCopies
}

export interface BackupOptions {
  /** Whether what the backup has already is read and its hash compared, and not its length alone. */
  readonly readData: boolean
  /** Whether what the new catalogue does not name is removed from the backup. */
  readonly prune: boolean
  readonly onDamage: (damage: Damage) => void
}

const remedy = 'upload the same file again, which mends it for everybody who has it; then back up once more'
const none: Count = { count: 0, bytes: 0 }
const plus = ({ count, bytes }: Count, more: number): Count => ({ count: count + 1, bytes: bytes + more })

/**
 * Brings a backup up to what the store holds: first copies of the databases, as of one moment; then the bytes that the copy names and
 * the backup has not; at last the copies take the place of those of the backup before, which holds until then.
 *
 * It may run beside a server. What that deletes for good meanwhile (its last name gone, and its grace over) cannot be had any more, and a
 * catalogue that names it would promise what is not there: then the databases are copied anew, of a later moment, and only what is
 * new since then is left to copy. Bytes that are wrong or missing while the store does name them are damage: told, and not copied; what
 * the backup has of them from before stays.
 * @throws BackupUnfinished where the server deletes faster than this copies.
 */
export async function backUp(parts: BackupParts, options: BackupOptions): Promise<BackupReport> {
  const run = new Run(parts, options)
  await run.copyAll()
  const installed = await parts.catalogues.install()
  const held = await run.verify(installed)
  const pruned = options.prune && run.damage === 0 ? await prune(parts.target, installed) : none
  return { copied: run.copied, held, pruned, damage: run.damage }
}

class Run {
  readonly #parts: BackupParts
  readonly #options: BackupOptions
  readonly #damaged = new Set<Digest>()
  copied = none
  /** Blobs that the store does not name any more. */
  #vanished = 0

  constructor(parts: BackupParts, options: BackupOptions) {
    this.#parts = parts
    this.#options = options
  }

  get damage(): number {
    return this.#damaged.size
  }

  /** Resolves when every blob is there that the latest copy of the catalogue names and that was to be had. */
  async copyAll(): Promise<void> {
    for (let round = 1; round <= mostRounds; round++) {
      const copy = await this.#parts.catalogues.take()
      this.#vanished = 0
      // What was read in the first round need not be read again.
      const readData = this.#options.readData && round === 1
      for (const batch of batches(copy)) await inTurns(batch, copiedAtOnce, (blob) => this.#bring(blob, readData))
      if (this.#vanished === 0) return
    }
    throw new BackupUnfinished(
      'files are deleted for good faster than they can be copied; set gc.grace to longer than a backup takes, and try again. The backup before this one is as it was.',
    )
  }

  /** Looks for everything that the catalogue names, once it is in its place. Resolves to what is there. */
  async verify(copy: CatalogueCopy): Promise<Count> {
    let held = none
    for (const batch of batches(copy)) {
      await inTurns(batch, copiedAtOnce, async ({ digest, size }) => {
        if (await this.#isThere({ digest, size })) held = plus(held, size)
        else if (!this.#damaged.has(digest))
          this.#tell(digest, 'is missing in the backup, where it was put a moment ago')
      })
    }
    return held
  }

  async #isThere({ digest, size }: Stored): Promise<boolean> {
    return (await this.#parts.target.stat(digest))?.size === size
  }

  async #bring(blob: Stored, readData: boolean): Promise<void> {
    if (this.#damaged.has(blob.digest)) return
    const isThere = await this.#isThere(blob)
    if (isThere && (!readData || (await this.#isSound(blob)))) return
    try {
      await this.#copy(blob).catch((error) => {
        // Perhaps deleted for good and sent again, in between.
        if (error instanceof SourceFault && error.isMissing && this.#isNamed(blob)) return this.#copy(blob)
        throw error
      })
      this.copied = plus(this.copied, blob.size)
    } catch (error) {
      if (!(error instanceof SourceFault)) throw error
      if (error.isMissing && !this.#isNamed(blob)) this.#vanished++
      else this.#tell(blob.digest, error.message)
    }
  }

  /** @throws SourceFault where the store's bytes are not what they should be; then the backup's are as they were. */
  async #copy({ digest, size }: Stored): Promise<void> {
    const { target } = this.#parts
    const staged = await target.stage(await sourceOf(this.#parts.source, digest, size), { limitBytes: size })
    if (staged.digest !== digest) {
      await target.discard(staged)
      throw new SourceFault(`has other bytes: their hash is ${staged.digest}`)
    }
    ;(await target.commit(staged)).release()
  }

  async #isSound({ digest }: Stored): Promise<boolean> {
    try {
      return (await hashOf(this.#parts.target, digest)) === digest
    } catch (error) {
      if (error instanceof SourceFault) return false
      throw error
    }
  }

  #isNamed({ digest }: Stored): boolean {
    return this.#parts.catalogues.isNamedNow(digest)
  }

  #tell(digest: Digest, fault: string): void {
    this.#damaged.add(digest)
    this.#options.onDamage({ what: `blob ${digest} ${fault}`, remedy })
  }
}

/** All that a copy names, a batch at a time. */
function* batches(copy: CatalogueCopy): Generator<readonly Stored[]> {
  for (let last = ''; ; ) {
    const batch = copy.blobsAfter(last, batchSize)
    const end = batch.at(-1)
    if (!end) return
    yield batch
    last = end.digest
  }
}

/** Does a piece of work for each, so many at a time; the first that fails ends it, once those under way have ended. */
async function inTurns<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all].reverse()
  const turn = async (): Promise<void> => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      try {
        await work(one)
      } catch (error) {
        waiting.length = 0
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, turn))
  for (const one of ended) if (one.status === 'rejected') throw one.reason
}

async function prune(target: BlobStore, copy: CatalogueCopy): Promise<Count> {
  let pruned = none
  for await (const { digest, size } of target.list()) {
    if (copy.names(digest)) continue
    await target.remove(digest, async () => true)
    pruned = plus(pruned, size)
  }
  return pruned
}

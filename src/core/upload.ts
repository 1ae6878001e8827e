import type { Readable } from 'node:stream'
import { nanoid } from 'nanoid'
import { type Caller, prefixOf } from './caller.ts'
import type { Destination, NewFile, Put } from './catalogue.ts'
import { declaredType, essence, nameFor, unknownType } from './content-types.ts'
import { invalid } from './failure.ts'
import type { FileEntry } from './model.ts'
import { displayName, segmentsFor } from './names.ts'
import { segmentsOf } from './paths.ts'
import type { Staged } from './ports.ts'
import {
  freshFile,
  handleCharacters,
  isDecided,
  type Labels,
  requireStill,
  takeBack,
  type UploadNeeds,
} from './publishing.ts'
import { requireLeft } from './request-links.ts'
import type { Reservation } from './reservations.ts'

interface Received {
  readonly staged: Staged
  readonly fileId: string
  readonly name: string
  readonly contentType: string
}

/** One upload under way. End it with `publish`, and in any case with `close`, which leaves nothing behind. */
export class Upload {
  readonly #needs: UploadNeeds
  readonly #caller: Caller
  readonly #reservation: Reservation
  /** In the order in which the files began; undefined while one is under way, or where it failed. */
  readonly #received: (Received | undefined)[] = []
  #finished = 0
  readonly #underWay = new Map<symbol, number>()

  constructor(needs: UploadNeeds, caller: Caller, reservation: Reservation) {
    this.#needs = needs
    this.#caller = caller
    this.#reservation = reservation
  }

  /**
   * Takes one file in. On rejection nothing of it is left.
   * @throws Failure `type_refused` before a byte is read where the type is said, `too_large`, `quota_exceeded`, `disk_full`.
   */
  async receive(source: Readable, said: { name: string | undefined; type: string | undefined }): Promise<void> {
    const { blobs, plans, types } = this.#needs
    const limitBytes = plans.maxUploadOf(this.#caller.account)
    const declared = declaredType(said.type)
    // What comes without a type is looked at once its first bytes are known.
    if (essence(declared) !== unknownType) types.require(declared)
    const place = this.#received.push(undefined) - 1
    const one = Symbol()
    const staged = await blobs
      .stage(source, { limitBytes, onBytes: (bytes) => this.#count(one, bytes) })
      .finally(() => this.#underWay.delete(one))
    this.#finished += staged.size
    try {
      this.#received[place] = await this.#describe(staged, declared, said.name)
    } catch (error) {
      await blobs.discard(staged)
      throw error
    }
  }

  /**
   * The publish gate: makes all files received reachable in one transaction, their bytes on disk before it, and it before
   * this resolves. @throws Failure `not_found` (folder), `forbidden`, `quota_exceeded`, `invalid`; then nothing is kept.
   */
  async publish(destination: Destination | undefined, labels: Labels): Promise<FileEntry[]> {
    const { catalogue, clock, plans } = this.#needs
    // A request link is held to its folder by the folder's id, wherever that was moved to meanwhile.
    const request = this.#caller.by === 'request' ? this.#caller.request : undefined
    const prefix = request ? null : prefixOf(this.#caller)
    const own = request ? { folderId: request.entryId } : { segments: segmentsOf(prefix ?? '') }
    return this.#placed((received) =>
      catalogue.write.publishFiles({
        accountId: this.#caller.account.id,
        destination: request ? own : (destination ?? own),
        prefix,
        requestLink: request?.id,
        files: received.map((file) => newFile(file, labels)),
        quota: plans.quotaOf(this.#caller.account),
        now: clock.now(),
      }),
    )
  }

  /** The same for one file and its path, in place of what is there. @throws Failure as `publish`, and `conflict`. */
  async put(path: string, message: string, labels: Labels): Promise<Put> {
    const { catalogue, clock, plans } = this.#needs
    return this.#placed(([received]) => {
      if (!received) throw new TypeError('nothing was received')
      return catalogue.write.putFile({
        accountId: this.#caller.account.id,
        prefix: prefixOf(this.#caller),
        path,
        file: newFile(received, labels),
        quota: plans.quotaOf(this.#caller.account),
        message,
        now: clock.now(),
      })
    })
  }

  /** Puts what was received in place, and then has it published; nothing is kept where that is refused. */
  async #placed<T>(publish: (received: readonly Received[]) => Promise<T>): Promise<T> {
    await requireStill(this.#needs, this.#caller)
    const received = this.#take()
    if (received.length === 0) throw invalid('file', 'there is no file in the upload')
    const { blobs } = this.#needs
    const outcomes = await Promise.allSettled(received.map(({ staged }) => blobs.commit(staged)))
    const placed = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    try {
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed) throw failed.reason
      return await publish(received)
    } catch (error) {
      // Only these say for sure that no row was written. After a commit that failed on the disk the row may come back with
      // the next start, and must find its bytes; gc tells which it was.
      if (isDecided(error)) await takeBack(this.#needs, placed)
      throw error
    } finally {
      for (const { release } of placed) release()
    }
  }

  /** Forgets what was received and not published, and gives the reservation back. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#take().map(({ staged }) => this.#needs.blobs.discard(staged)))
    } finally {
      this.#reservation.close()
    }
  }

  async #count(one: symbol, bytes: number): Promise<void> {
    this.#underWay.set(one, bytes)
    let total = this.#finished
    for (const received of this.#underWay.values()) total += received
    if (this.#caller.by === 'request') requireLeft(this.#caller.request, total)
    if (total > this.#reservation.taken) await this.#reservation.grow(total)
    this.#reservation.spend(total)
  }

  #take(): Received[] {
    return this.#received.splice(0).filter((received) => received !== undefined)
  }

  /** Part of the publish gate: nothing is kept under a type that its first bytes speak against. */
  async #describe(staged: Staged, declared: string, sentName: string | undefined): Promise<Received> {
    const fileId = nanoid(handleCharacters)
    const shown = displayName(sentName, fileId)
    const contentType = await this.#needs.types.settle(declared, staged.head, shown)
    return { staged, fileId, name: sentName === undefined ? nameFor(fileId, contentType) : shown, contentType }
  }
}

function newFile(received: Received, labels: Labels): NewFile {
  const { staged, fileId, name, contentType } = received
  return { ...freshFile(staged, contentType, labels, fileId), name, segments: segmentsFor(name, fileId) }
}

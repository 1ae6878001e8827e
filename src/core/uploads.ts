import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { nanoid } from 'nanoid'
import { type Caller, prefixOf } from './caller.ts'
import type { Catalogue, Destination, NewFile, Put, Quota } from './catalogue.ts'
import type { AllowedTypes } from './content-types.ts'
import { declaredType, essence, nameFor, unknownType } from './content-types.ts'
import { Failure, invalid, isFailure } from './failure.ts'
import { requireActive } from './keys.ts'
import type { FileEntry } from './model.ts'
import { displayName, segmentsFor } from './names.ts'
import { segmentsOf } from './paths.ts'
import type { Plans } from './plans.ts'
import type { BlobStore, Clock, Placed, Staged, Stored } from './ports.ts'
import { requireLeft } from './request-links.ts'
import { type Reservation, Reservations } from './reservations.ts'

/** A handle in URLs: 16 URL-safe characters, 96 bits. */
const handleCharacters = 16
/** What of a body that carries files is surely not file: boundaries, headers, small fields. */
const envelopeBytes = 64 * 1024

/** What the sender says of a file beside its bytes. */
export interface Labels {
  readonly description: string
  readonly tags: readonly string[]
  readonly isPublic: boolean
}

/** Refusals that a transaction decides on before anything is committed. */
export const decided: ReadonlySet<string> = new Set([
  'quota_exceeded',
  'too_large',
  'not_found',
  'conflict',
  'invalid',
  'forbidden',
])

interface Received {
  readonly staged: Staged
  readonly fileId: string
  readonly name: string
  readonly contentType: string
}

interface Parts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly plans: Plans
  readonly types: AllowedTypes
}

/** Files on their way in, whatever door they came to: staged first, then published together or not at all. */
export class Uploads {
  readonly #parts: Parts
  readonly reservations = new Reservations()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Begins an upload. What its body is said to be long is reserved of the quota and of the disk before a byte is read.
   * @param bodyBytes the declared length of a body that carries files among other things; undefined where it has none.
   * @param fileBytes the same of a body that is one file; @param replacedBytes of the file that it takes the place of.
   * @throws Failure `forbidden`, `too_large`, `quota_exceeded`, `disk_full`.
   */
  async begin(caller: Caller, bodyBytes: number | undefined, fileBytes = 0, replacedBytes = 0): Promise<Upload> {
    const { catalogue, blobs, plans } = this.#parts
    plans.requireMayWrite(caller)
    if (caller.by === 'request') requireLeft(caller.request, Math.max((bodyBytes ?? 0) - envelopeBytes, 0))
    const limit = plans.maxUploadOf(caller.account)
    if (fileBytes > limit) throw new Failure('too_large', { of: 'file', limit, unit: 'bytes' })
    const quota = plans.quotaOf(caller.account)
    const used = async () => {
      const { bytes, files } = await catalogue.read.used(caller.account.id)
      return { bytes: bytes - replacedBytes, files }
    }
    if (replacedBytes === 0) await requireFilesLeft(quota, used)
    const options = { used, quota, room: () => blobs.room() }
    const reservation = this.reservations.open(caller.account.id, options)
    // At least one byte, so that an upload without a length is refused at once where nothing is left.
    await reservation.grow(Math.max((bodyBytes ?? 0) - envelopeBytes, 1), bodyBytes)
    return new Upload(this.#parts, caller, reservation)
  }
}

/** @throws Failure `quota_exceeded` where there is no room for one file more. */
export async function requireFilesLeft(quota: Quota, used: () => Promise<{ files: number }>): Promise<void> {
  if (quota.files === null) return
  const { files } = await used()
  if (files >= quota.files) throw new Failure('quota_exceeded', { of: 'files', limit: quota.files, used: files })
}

/** A long upload may outlast what it was begun with. @throws Failure `unauthenticated`, `forbidden`. */
export async function requireStill(
  { catalogue, plans }: Pick<Parts, 'catalogue' | 'plans'>,
  caller: Caller,
  path?: string,
): Promise<void> {
  catalogue.refresh()
  const account = (await catalogue.read.account(caller.account.id)) ?? caller.account
  requireActive(account)
  const { by } = caller
  if (by === 'key' && (await catalogue.read.key(caller.key.id))?.revokedAt !== null)
    throw new Failure('unauthenticated', { reason: 'revoked' })
  if (by === 'session' && !(await catalogue.read.hasSession(caller.session.id)))
    throw new Failure('unauthenticated', { reason: 'ended' })
  if (by === 'request' && !(await catalogue.read.requestLinkByToken(caller.request.token)))
    throw new Failure('unauthenticated', { reason: 'share' })
  plans.requireMayWrite({ ...caller, account }, path)
}

/** One upload under way. End it with `publish`, and in any case with `close`, which leaves nothing behind. */
export class Upload {
  readonly #parts: Parts
  readonly #caller: Caller
  readonly #reservation: Reservation
  /** In the order in which the files began; undefined while one is under way, or where it failed. */
  readonly #received: (Received | undefined)[] = []
  #finished = 0
  readonly #underWay = new Map<symbol, number>()

  constructor(parts: Parts, caller: Caller, reservation: Reservation) {
    this.#parts = parts
    this.#caller = caller
    this.#reservation = reservation
  }

  /**
   * Takes one file in. On rejection nothing of it is left.
   * @throws Failure `type_refused` before a byte is read where the type is said, `too_large`, `quota_exceeded`, `disk_full`.
   */
  async receive(source: Readable, said: { name: string | undefined; type: string | undefined }): Promise<void> {
    const { blobs, plans, types } = this.#parts
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
    const { catalogue, clock, plans } = this.#parts
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
    const { catalogue, clock, plans } = this.#parts
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
    await requireStill(this.#parts, this.#caller)
    const received = this.#take()
    if (received.length === 0) throw invalid('file', 'there is no file in the upload')
    const { blobs } = this.#parts
    const outcomes = await Promise.allSettled(received.map(({ staged }) => blobs.commit(staged)))
    const placed = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    try {
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed) throw failed.reason
      return await publish(received)
    } catch (error) {
      // Only these say for sure that no row was written. After a commit that failed on the disk the row may come back with
      // the next start, and must find its bytes; gc tells which it was.
      if (isFailure(error) && decided.has(error.code)) await this.#takeBack(placed)
      throw error
    } finally {
      for (const { release } of placed) release()
    }
  }

  /** Forgets what was received and not published, and gives the reservation back. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#take().map(({ staged }) => this.#parts.blobs.discard(staged)))
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
    const contentType = await this.#parts.types.settle(declared, staged.head, shown)
    return { staged, fileId, name: sentName === undefined ? nameFor(fileId, contentType) : shown, contentType }
  }

  /** Removes blobs that were placed for a publication that did not happen, unless the catalogue knows them from elsewhere. */
  async #takeBack(placed: readonly Placed[]): Promise<void> {
    const { blobs, catalogue } = this.#parts
    for (const { digest, release } of placed) {
      release()
      await blobs.remove(digest, async () => !(await catalogue.audit.knownBlobs([digest])).has(digest))
    }
  }
}

function newFile(received: Received, labels: Labels): NewFile {
  const { staged, fileId, name, contentType } = received
  return { ...freshFile(staged, contentType, labels, fileId), name, segments: segmentsFor(name, fileId) }
}

/** A file of these bytes that nobody has yet, without its place. */
export function freshFile(
  { digest, size }: Stored,
  contentType: string,
  labels: Labels,
  fileId = nanoid(handleCharacters),
): Omit<NewFile, 'name' | 'segments'> {
  return { ...labels, digest, size, id: randomUUID(), fileId, entryId: randomUUID(), contentType }
}

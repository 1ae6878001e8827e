import type { Readable } from 'node:stream'
import { requireMay } from './caller.ts'
import type { Catalogue } from './catalogue.ts'
import { declaredType, essence, unknownType } from './content-types.ts'
import { Failure, invalid, isFailure } from './failure.ts'
import { requireActive } from './keys.ts'
import type { Account, DirectUpload } from './model.ts'
import type { Plans } from './plans.ts'
import type { BlobStore, Clock, Digest } from './ports.ts'
import { isDecided } from './publishing.ts'
import type { Reservation } from './reservations.ts'
import type { SignedPut } from './signed-urls.ts'
import type { Turns } from './turns.ts'

/** What HTTP clients say of any body when nobody told them what it is. */
const meaningless = 'application/x-www-form-urlencoded'

interface Needs {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly plans: Plans
  readonly turns: Turns
}

/** An upload that takes bytes now, and the account that it is for. */
interface Taking {
  readonly upload: DirectUpload
  readonly account: Account
}

/**
 * The upload that a signed address is for, if by whose leave it was begun may still write.
 * @throws Failure `not_found`, `conflict` (complete), `forbidden`.
 */
export async function requireTaking({ catalogue, clock, plans }: Omit<Needs, 'blobs' | 'turns'>, id: string) {
  const upload = await catalogue.read.upload(id)
  if (upload?.state === 'complete')
    throw new Failure('conflict', { what: 'upload', id, why: 'this upload is complete: begin another one' })
  const now = clock.now()
  if (upload?.state !== 'open' || upload.expiresAt <= now) throw new Failure('not_found', { what: 'upload', id })
  const account = await catalogue.read.account(upload.accountId)
  if (!account) throw new Failure('not_found', { what: 'upload', id })
  requireActive(account)
  if (upload.keyId !== null) await requireKey(catalogue, { upload, account }, now)
  const until = plans.accessUntil(account)
  if (until !== null && until <= now) throw new Failure('forbidden', { needs: 'plan' })
  return { upload, account }
}

async function requireKey({ read }: Catalogue, { upload, account }: Taking, now: number): Promise<void> {
  const key = upload.keyId === null ? undefined : await read.key(upload.keyId)
  if (!key || key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now))
    throw new Failure('forbidden', { needs: 'signed_url' })
  requireMay({ account, by: 'key', key }, 'files:write', upload.path)
}

/** @throws Failure `invalid` for another type than the one that was asked for. */
export function requireType(asked: string | null, sent: string | undefined): void {
  if (asked === null || sent === undefined || essence(asked) === essence(sent)) return
  throw invalid('Content-Type', `is not ${asked}, which this address was asked for`, 'value', 'header')
}

/** The type that a body was sent with, where that means anything. */
export function usableType(sent: string | undefined): string | null {
  const type = declaredType(sent)
  return [unknownType, meaningless].includes(essence(type)) ? null : type
}

/** One body of an upload under way. End it with `close` in any case. */
export class PartUpload {
  readonly #needs: Needs
  readonly #signed: SignedPut
  readonly #limitBytes: number
  readonly #contentType: string | null
  readonly #reservation: Reservation

  constructor(
    needs: Needs,
    signed: SignedPut,
    said: { type: string | null; limitBytes: number },
    reservation: Reservation,
  ) {
    this.#needs = needs
    this.#signed = signed
    this.#limitBytes = said.limitBytes
    this.#contentType = said.type
    this.#reservation = reservation
  }

  /**
   * Takes the body in, in place of an earlier one of the same number; it and its row are on the disk when this resolves to its
   * digest. On rejection nothing of it is left. @throws Failure.
   */
  async receive(source: Readable): Promise<Digest> {
    const { blobs, turns } = this.#needs
    const { uploadId: id, part: number } = this.#signed
    const { digest, size, file } = await blobs.parts
      .receive(id, source, { limitBytes: this.#limitBytes, onBytes: (bytes) => this.#count(bytes) })
      .catch(async (error) => Promise.reject(await this.#refusalOf(error)))
    try {
      const part = { number, file, digest, size, contentType: this.#contentType }
      const { replacedFile } = await turns.beside(id, () => this.#note(part))
      // Where this fails the file lies about until the next start, and does no harm.
      if (replacedFile !== null) await blobs.parts.remove(id, replacedFile).catch(() => {})
      return digest
    } catch (error) {
      // Only these say for sure that there is no row of it.
      if (isDecided(error)) await this.#remove(file)
      throw error
    }
  }

  close(): void {
    this.#reservation.close()
  }

  /** What it was begun by may be over by now: it took its time to come. */
  async #note(part: Parameters<Catalogue['write']['addPart']>[0]['part']) {
    const { catalogue, clock, plans } = this.#needs
    const { uploadId } = this.#signed
    catalogue.refresh()
    const { account } = await requireTaking(this.#needs, uploadId)
    const quota = plans.quotaOf(account)
    const limitBytes = plans.maxUploadOf(account)
    return catalogue.write.addPart({ uploadId, part, quota, limitBytes, now: clock.now() })
  }

  async #count(bytes: number): Promise<void> {
    if (bytes > this.#reservation.taken) await this.#reservation.grow(bytes)
    this.#reservation.spend(bytes)
  }

  async #remove(file: string): Promise<void> {
    await this.#needs.blobs.parts.remove(this.#signed.uploadId, file)
    await this.#dropEnded()
  }

  /** An upload that ended meanwhile had its folder removed, which this may have made anew. */
  async #dropEnded(): Promise<void> {
    const { blobs, catalogue } = this.#needs
    const { uploadId } = this.#signed
    if ((await catalogue.read.upload(uploadId))?.state !== 'open') await blobs.parts.drop(uploadId)
  }

  /** What a body that was not taken in is refused with; where its folder went away meanwhile, that is what ended the upload. */
  async #refusalOf(error: unknown): Promise<unknown> {
    // What this leaves the next start removes: the body's own failure is what matters.
    await this.#dropEnded().catch(() => {})
    if (!isFailure(error) || error.code !== 'not_found') return error
    return requireTaking(this.#needs, this.#signed.uploadId).then(
      () => error,
      (ended) => ended,
    )
  }
}

import { type Caller, requireMay } from './caller.ts'
import { type ListedPart, publishUpload } from './completion.ts'
import { Failure } from './failure.ts'
import type { DirectUpload, PutResult, UploadPart } from './model.ts'
import { PartUpload, requireTaking, requireType, usableType } from './part-upload.ts'
import { parsePath } from './paths.ts'
import type { SignedPut } from './signed-urls.ts'
import { messageFrom } from './tree.ts'
import { type Turns, turnsAt } from './turns.ts'
import { type Started, type StartNeeds, startUpload, type UploadWish } from './upload-start.ts'
import { recoverUploads } from './upload-upkeep.ts'
import type { Uploads } from './uploads.ts'

/** How long an upload is remembered that has ended, for whoever completes it again. */
export const finishedKeptMs = 86_400_000

interface Needs extends StartNeeds {
  readonly uploads: Uploads
}

/** Uploads whose bytes come by signed addresses, without anything else to say who sends them. */
export class DirectUploads {
  readonly #needs: Needs
  readonly #turns: Turns

  constructor(needs: Needs) {
    this.#needs = needs
    this.#turns = turnsAt(needs.blobs.parts)
  }

  /**
   * Begins an upload, or joins the one that is open for the path. Bytes that the account has where the caller may reach them
   * need not be sent: they are put there at once. What others have makes no difference.
   * @throws Failure `invalid`, `type_refused`, `forbidden`, `quota_exceeded`, `conflict`.
   */
  start(caller: Caller, wish: UploadWish): Promise<Started> {
    return startUpload(this.#needs, caller, wish)
  }

  /**
   * Takes a body of an upload. Everything that can be refused before a byte has come, is.
   * @param signed what the address says, verified. @param said of the body; its length, where it has one.
   * @throws Failure `not_found`, `conflict`, `forbidden`, `invalid`, `too_large`, `quota_exceeded`, `disk_full`.
   */
  async begin(signed: SignedPut, said: { type: string | undefined; bytes: number | undefined }): Promise<PartUpload> {
    const { catalogue, blobs, plans, types, uploads } = this.#needs
    const { upload, account } = await requireTaking(this.#needs, signed.uploadId)
    this.#turns.requireFree(signed.uploadId)
    requireType(signed.contentType, said.type)
    const type = usableType(said.type)
    // Of a part the type says little: clients send one or none, and rarely the whole's.
    if (type !== null && upload.kind === 'single') types.require(type)
    const asked = { uploadId: signed.uploadId, number: signed.part }
    const { bytes: received, ofPart: replaced } = await catalogue.read.received(asked)
    const limit = Math.min(plans.maxUploadOf(account), signed.maxBytes)
    const limitBytes = Math.max(limit - (received - replaced), 0)
    if ((said.bytes ?? 0) > limitBytes) throw new Failure('too_large', { of: 'file', limit, unit: 'bytes' })
    const used = async () => {
      const { bytes, files } = await catalogue.read.used(account.id)
      return { bytes: bytes - replaced, files }
    }
    const reservation = uploads.reservations.open(account.id, {
      used,
      quota: plans.quotaOf(account),
      room: () => blobs.room(),
    })
    await reservation.grow(Math.max(said.bytes ?? 0, 1), said.bytes)
    return new PartUpload({ ...this.#needs, turns: this.#turns }, signed, { type, limitBytes }, reservation)
  }

  /**
   * Publishes what came in one body; again within a day, it is the same answer.
   * @throws Failure `not_found` without any, and as `publishUpload`.
   */
  async complete(caller: Caller, sentPath: string, message = ''): Promise<PutResult> {
    const { catalogue, clock, plans } = this.#needs
    const path = parsePath(sentPath)
    plans.requireMayWrite(caller, path)
    const since = clock.now() - finishedKeptMs
    const query = { accountId: caller.account.id, kind: 'single', path, since } as const
    const upload = await catalogue.read.uploadAt(query)
    if (!upload) throw new Failure('not_found', { what: 'upload', id: path })
    return this.#complete(caller, upload.id, { listed: undefined, message: messageFrom(message) })
  }

  /** Publishes the listed parts, in the order of their numbers. @throws Failure as `complete`. */
  async completeParts(
    caller: Caller,
    sent: { path: string; uploadId: string; parts: readonly ListedPart[]; message?: string | undefined },
  ): Promise<PutResult> {
    const upload = await this.#ofCaller(caller, sent.uploadId, sent.path)
    return this.#complete(caller, upload.id, { listed: sent.parts, message: messageFrom(sent.message ?? '') })
  }

  /** Ends an upload with all that came of it; `false` where it was aborted before. @throws Failure `not_found`, `conflict`. */
  async abort(caller: Caller, sent: { path: string; uploadId: string }): Promise<boolean> {
    const { catalogue, blobs, clock } = this.#needs
    const { id } = await this.#ofCaller(caller, sent.uploadId, sent.path)
    return this.#turns.alone(id, async () => {
      const isEnded = await catalogue.write.endUpload({ id, state: 'aborted', now: clock.now() })
      if (isEnded) await blobs.parts.drop(id)
      else await this.#requireAborted(id)
      return isEnded
    })
  }

  /** What an open upload has received. @throws Failure `not_found`, `forbidden`. */
  async received(caller: Caller, uploadId: string): Promise<{ upload: DirectUpload; parts: UploadPart[] }> {
    const { catalogue, clock } = this.#needs
    const upload = await catalogue.read.upload(uploadId)
    if (upload?.accountId !== caller.account.id || upload.state !== 'open' || upload.expiresAt <= clock.now())
      throw new Failure('not_found', { what: 'upload', id: uploadId })
    requireMay(caller, 'files:write', upload.path)
    return { upload, parts: await catalogue.read.parts(uploadId) }
  }

  /** After a start: see `recoverUploads`. */
  recover(): Promise<void> {
    return recoverUploads(this.#needs)
  }

  /** One at a time for each upload: who comes second finds it complete. */
  #complete(
    caller: Caller,
    id: string,
    wish: { listed: readonly ListedPart[] | undefined; message: string },
  ): Promise<PutResult> {
    const { catalogue, blobs, clock } = this.#needs
    return this.#turns.alone(id, async () => {
      const upload = await catalogue.read.upload(id)
      const now = clock.now()
      if (upload?.state === 'complete' && upload.result && (upload.finishedAt ?? 0) > now - finishedKeptMs)
        return upload.result
      if (upload?.state !== 'open' || upload.expiresAt <= now) throw new Failure('not_found', { what: 'upload', id })
      const result = await publishUpload(this.#needs, caller, upload, wish)
      // What this leaves the next start removes: it must not undo what is published.
      await blobs.parts.drop(id).catch(() => {})
      return result
    })
  }

  async #requireAborted(id: string): Promise<void> {
    const upload = await this.#needs.catalogue.read.upload(id)
    if (upload?.state === 'complete')
      throw new Failure('conflict', { what: 'upload', id, why: 'this upload is complete' })
    if (upload?.state !== 'aborted') throw new Failure('not_found', { what: 'upload', id })
  }

  /** @throws Failure `not_found` where the caller's account has no such upload in parts for that path. */
  async #ofCaller(caller: Caller, uploadId: string, sentPath: string): Promise<DirectUpload> {
    const path = parsePath(sentPath)
    this.#needs.plans.requireMayWrite(caller, path)
    const upload = await this.#needs.catalogue.read.upload(uploadId)
    const isIt = upload?.accountId === caller.account.id && upload.kind === 'multipart' && upload.path === path
    if (!isIt) throw new Failure('not_found', { what: 'upload', id: uploadId })
    return upload
  }
}

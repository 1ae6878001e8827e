import type { Caller } from './caller.ts'
import type { Quota } from './catalogue.ts'
import { Failure } from './failure.ts'
import type { UploadNeeds } from './publishing.ts'
import { requireLeft } from './request-links.ts'
import { Reservations } from './reservations.ts'
import { Upload } from './upload.ts'

/** What of a body that carries files is surely not file: boundaries, headers, small fields. */
const envelopeBytes = 64 * 1024

/** Files on their way in, whatever door they came to: staged first, then published together or not at all. */
export class Uploads {
  readonly #needs: UploadNeeds
  readonly reservations = new Reservations()

  constructor(needs: UploadNeeds) {
    this.#needs = needs
  }

  /**
   * Begins an upload. What its body is said to be long is reserved of the quota and of the disk before a byte is read.
   * @param bodyBytes the declared length of a body that carries files among other things; undefined where it has none.
   * @param fileBytes the same of a body that is one file; @param replacedBytes of the file that it takes the place of.
   * @throws Failure `forbidden`, `too_large`, `quota_exceeded`, `disk_full`.
   */
  async begin(caller: Caller, bodyBytes: number | undefined, fileBytes = 0, replacedBytes = 0): Promise<Upload> {
    const { catalogue, blobs, plans } = this.#needs
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
    return new Upload(this.#needs, caller, reservation)
  }
}

/** @throws Failure `quota_exceeded` where there is no room for one file more. */
export async function requireFilesLeft(quota: Quota, used: () => Promise<{ files: number }>): Promise<void> {
  if (quota.files === null) return
  const { files } = await used()
  if (files >= quota.files) throw new Failure('quota_exceeded', { of: 'files', limit: quota.files, used: files })
}

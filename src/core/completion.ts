import { buffer } from 'node:stream/consumers'
import { type Caller, prefixOf } from './caller.ts'
import type { Catalogue } from './catalogue.ts'
import { type AllowedTypes, unknownType } from './content-types.ts'
import { Failure, invalid, isFailure } from './failure.ts'
import type { DirectUpload, PutResult, UploadPart } from './model.ts'
import { partsDigest } from './parts.ts'
import { lastSegment } from './paths.ts'
import type { Plans } from './plans.ts'
import type { BlobStore, Clock, Digest, Placed, Staged, Stored } from './ports.ts'
import { freshFile, isDecided, requireStill, takeBack } from './publishing.ts'

/** As much of a file's start as its type is told from. */
const headBytes = 4_100

export interface CompletionNeeds {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly plans: Plans
  readonly types: AllowedTypes
}

/** A part as a client knows it. */
export interface ListedPart {
  readonly number: number
  /** Of its answer, in quotes or not. */
  readonly etag: string
}

interface Completing {
  readonly caller: Caller
  readonly upload: DirectUpload
  /** All that was received, and of these what the file is made of. */
  readonly all: readonly UploadPart[]
  readonly chosen: readonly UploadPart[]
  readonly message: string
}

/** Bytes in place and held, and the type they are kept under. */
interface Made {
  readonly placed: Placed
  readonly contentType: string
}

/**
 * Puts an upload's parts together and publishes them at its path: an upload that is open, and nobody else's at this moment.
 * Cut off anywhere and done again, it comes to the same. Whatever is refused, the upload stays open and its parts stay.
 * @throws Failure `not_found` (nothing was received), `invalid`, `too_large`, `type_refused`, `quota_exceeded`, `conflict`,
 * `forbidden`, `disk_full`.
 */
export async function publishUpload(
  needs: CompletionNeeds,
  caller: Caller,
  upload: DirectUpload,
  wish: { readonly listed: readonly ListedPart[] | undefined; readonly message: string },
): Promise<PutResult> {
  const all = await needs.catalogue.read.parts(upload.id)
  const chosen = wish.listed ? chosenOf(all, wish.listed) : all
  if (chosen.length === 0)
    throw new Failure('not_found', { what: 'upload', id: upload.id, hint: 'it was begun, and nothing has come yet' })
  requireSize(
    needs,
    caller,
    chosen.reduce((sum, { size }) => sum + size, 0),
  )
  const completing = { caller, upload, all, chosen, message: wish.message }
  const { placed, contentType } = await make(needs, completing)
  try {
    return await publish(needs, completing, placed, contentType)
  } catch (error) {
    if (isDecided(error)) await takeBack(needs, [placed])
    throw error
  } finally {
    placed.release()
  }
}

/** Publishes a blob that the account has in another file already. @throws Failure as `publishUpload`. */
export async function publishHeld(
  needs: CompletionNeeds,
  caller: Caller,
  placed: Placed,
  wish: { readonly path: string; readonly contentType: string | null; readonly message: string },
): Promise<PutResult> {
  requireSize(needs, caller, placed.size)
  const head = await headOf(needs.blobs, placed.digest)
  const contentType = await needs.types.settle(wish.contentType ?? unknownType, head, lastSegment(wish.path))
  return put(needs, caller, placed, { ...wish, contentType })
}

/** @throws Failure `too_large`. */
function requireSize({ plans }: CompletionNeeds, caller: Caller, bytes: number): void {
  const limit = plans.maxUploadOf(caller.account)
  if (bytes > limit) throw new Failure('too_large', { of: 'file', limit, unit: 'bytes' })
}

/** Puts it together, asks once more whether all of it is as it should be, and puts it in place. */
async function make(needs: CompletionNeeds, { caller, upload, chosen }: Completing): Promise<Made> {
  const { blobs } = needs
  const staged = await together(needs, upload, chosen)
  try {
    requireHash(upload, staged.digest)
    const contentType = await settled(needs, upload, chosen, staged.head)
    // Putting it together took its time.
    await requireStill(needs, caller, upload.path)
    return { placed: await blobs.commit(staged), contentType }
  } catch (error) {
    await blobs.discard(staged)
    throw error
  }
}

/** What the parts come to. What is noted of it is true wherever this is cut off. */
async function together(needs: CompletionNeeds, upload: DirectUpload, chosen: readonly UploadPart[]): Promise<Staged> {
  const { blobs, catalogue } = needs
  const { id: uploadId, assembled } = upload
  const of = namesOf(chosen)
  const [first] = chosen
  const before = first && assembled?.of === of && (await blobs.parts.assembled(uploadId, first, assembled))
  if (before) return before
  // Before a byte of the file is changed that it is about.
  if (assembled) await catalogue.write.noteAssembled({ uploadId, assembled: null })
  const whole = await blobs.parts
    .assemble(uploadId, chosen)
    .catch(async (error) => Promise.reject(await lossOf(needs, upload, chosen, error)))
  const { digest, size, isKept } = whole
  // One alone is the whole as it is.
  if (isKept && chosen.length > 1) await catalogue.write.noteAssembled({ uploadId, assembled: { digest, size, of } })
  return whole
}

/** Of which parts, and in which files: equal ones sent twice are two files, and only one of them may hold the whole. */
function namesOf(chosen: readonly UploadPart[]): Digest {
  return partsDigest(chosen.map(({ digest, file }) => ({ digest: `${digest} ${file}` })))
}

function publish(
  needs: CompletionNeeds,
  { caller, upload, all, message }: Completing,
  stored: Stored,
  contentType: string,
): Promise<PutResult> {
  const ends = { id: upload.id, parts: partsDigest(all) }
  return put(needs, caller, stored, { path: upload.path, contentType, message, upload: ends })
}

async function put(
  { catalogue, clock, plans }: CompletionNeeds,
  caller: Caller,
  stored: Stored,
  wish: { path: string; contentType: string; message: string; upload?: { id: string; parts: Digest } },
): Promise<PutResult> {
  const { path, contentType, message, upload } = wish
  const { tx, at } = await catalogue.write.putFile({
    accountId: caller.account.id,
    prefix: prefixOf(caller),
    path,
    file: freshFile(stored, contentType, { description: '', tags: [], isPublic: false }),
    quota: plans.quotaOf(caller.account),
    upload,
    message,
    now: clock.now(),
  })
  return { path, size: stored.size, tx, at }
}

/** The parts that are listed, in the order of their numbers. @throws Failure `invalid` with the first fault. */
function chosenOf(all: readonly UploadPart[], listed: readonly ListedPart[]): UploadPart[] {
  const known = new Map(all.map((part) => [part.number, part]))
  const chosen = new Map<number, UploadPart>()
  for (const [at, { number, etag }] of listed.entries()) {
    const part = known.get(number)
    if (!part) throw invalid(['parts', at, 'part_number'], `part ${number} was not received`, 'missing')
    if (chosen.has(number)) throw invalid(['parts', at, 'part_number'], `part ${number} is listed twice`)
    if (etag.replace(/^"(.*)"$/, '$1').toLowerCase() !== part.digest)
      throw invalid(['parts', at, 'etag'], `is not the ETag of part ${number}`)
    chosen.set(number, part)
  }
  return [...chosen.values()].sort((one, other) => one.number - other.number)
}

/** @throws Failure `invalid` where the whole is not what it was said to hash to. */
function requireHash({ contentHash }: DirectUpload, digest: Digest): void {
  if (contentHash !== null && contentHash !== digest)
    throw invalid('content_hash', `what was received hashes to ${digest}, not to ${contentHash}`)
}

/** The publish gate's word on the type: what was said at the start, else what was sent with the bytes, if that may be. */
function settled(
  { types }: CompletionNeeds,
  upload: DirectUpload,
  [first]: readonly UploadPart[],
  head: Uint8Array,
): Promise<string> {
  const sent = first?.contentType ?? unknownType
  const declared = upload.contentType ?? (upload.kind === 'single' || types.allows(sent) ? sent : unknownType)
  return types.settle(declared, head, lastSegment(upload.path))
}

/** A part whose file is gone was never received, as far as anybody can help it now. */
async function lossOf(
  { catalogue }: CompletionNeeds,
  upload: DirectUpload,
  chosen: readonly UploadPart[],
  error: unknown,
): Promise<unknown> {
  if (!isFailure(error) || error.code !== 'not_found') return error
  const lost = chosen.find(({ file }) => file === error.detail.id)
  if (!lost) return error
  await catalogue.write.dropPart({ uploadId: upload.id, number: lost.number })
  if (upload.kind === 'single') return new Failure('not_found', { what: 'upload', id: upload.id })
  return invalid('parts', `part ${lost.number} is not there any more: send it again`, 'missing')
}

function headOf(blobs: BlobStore, digest: Digest): Promise<Uint8Array> {
  return blobs.open(digest, { start: 0, end: headBytes - 1 }).then(buffer)
}

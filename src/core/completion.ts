import { buffer } from 'node:stream/consumers'
import { type Caller, prefixOf } from './caller.ts'
import type { Catalogue } from './catalogue.ts'
import { type AllowedTypes, unknownType } from './content-types.ts'
import { Failure, invalid, isFailure } from './failure.ts'
import type { DirectUpload, PutResult, UploadPart } from './model.ts'
import { partsDigest } from './parts.ts'
import { lastSegment } from './paths.ts'
import type { Plans } from './plans.ts'
import type { BlobStore, Clock, Digest, Placed, Stored } from './ports.ts'
import { freshFile, requireStill } from './uploads.ts'

/** As much of a file's start as its type is told from. */
const headBytes = 4_100

export interface CompletionParts {
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
  parts: CompletionParts,
  caller: Caller,
  upload: DirectUpload,
  wish: { readonly listed: readonly ListedPart[] | undefined; readonly message: string },
): Promise<PutResult> {
  const all = await parts.catalogue.read.parts(upload.id)
  const chosen = wish.listed ? chosenOf(all, wish.listed) : all
  if (chosen.length === 0) throw new Failure('not_found', { what: 'upload', id: upload.id })
  requireSize(
    parts,
    caller,
    chosen.reduce((sum, { size }) => sum + size, 0),
  )
  const completing = { caller, upload, all, chosen, message: wish.message }
  const { placed, contentType } = (await madeBefore(parts, completing)) ?? (await make(parts, completing))
  try {
    return await publish(parts, completing, placed, contentType)
  } finally {
    placed.release()
  }
}

/** Publishes a blob that the account has in another file already. @throws Failure as `publishUpload`. */
export async function publishHeld(
  parts: CompletionParts,
  caller: Caller,
  placed: Placed,
  wish: { readonly path: string; readonly contentType: string | null; readonly message: string },
): Promise<PutResult> {
  requireSize(parts, caller, placed.size)
  const head = await headOf(parts.blobs, placed.digest)
  const contentType = await parts.types.settle(wish.contentType ?? unknownType, head, lastSegment(wish.path))
  return put(parts, caller, placed, { ...wish, contentType })
}

/** @throws Failure `too_large`. */
function requireSize({ plans }: CompletionParts, caller: Caller, bytes: number): void {
  const limit = plans.maxUploadOf(caller.account)
  if (bytes > limit) throw new Failure('too_large', { of: 'file', limit, unit: 'bytes' })
}

/** What a try before this one came to, whose end nobody saw: the parts are in it, and the first one's file is no more. */
async function madeBefore(parts: CompletionParts, { upload, chosen }: Completing): Promise<Made | undefined> {
  const { assembled } = upload
  if (assembled?.of !== partsDigest(chosen)) return undefined
  const placed = await parts.blobs.hold(assembled.digest)
  try {
    if (placed?.size === assembled.size) {
      requireHash(upload, placed.digest)
      const head = await headOf(parts.blobs, placed.digest)
      return { placed, contentType: await settled(parts, upload, chosen, head) }
    }
  } catch (error) {
    placed?.release()
    throw error
  }
  placed?.release()
  return undefined
}

async function make(parts: CompletionParts, { upload, chosen }: Completing): Promise<Made> {
  const { blobs, catalogue } = parts
  const staged = await blobs.parts
    .assemble(upload.id, chosen)
    .catch(async (error) => Promise.reject(await lossOf(parts, upload, chosen, error)))
  const { digest, size } = staged
  requireHash(upload, digest)
  const contentType = await settled(parts, upload, chosen, staged.head)
  // Before the first part's file becomes the blob: whoever finds it gone must know where it went.
  const assembled = { digest, size, of: partsDigest(chosen) }
  await catalogue.write.noteAssembled({ uploadId: upload.id, assembled })
  return { placed: await blobs.commit(staged), contentType }
}

async function publish(
  parts: CompletionParts,
  { caller, upload, all, message }: Completing,
  stored: Stored,
  contentType: string,
): Promise<PutResult> {
  // Putting it together took its time.
  await requireStill(parts, caller, upload.path)
  const ends = { id: upload.id, parts: partsDigest(all) }
  return put(parts, caller, stored, { path: upload.path, contentType, message, upload: ends })
}

async function put(
  { catalogue, clock, plans }: CompletionParts,
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
  { types }: CompletionParts,
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
  { catalogue }: CompletionParts,
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

import { randomUUID } from 'node:crypto'
import { setImmediate as pause } from 'node:timers/promises'
import { type Caller, prefixOf } from './caller.ts'
import { type CompletionNeeds, publishHeld } from './completion.ts'
import { type AllowedTypes, declaredType, essence, unknownType } from './content-types.ts'
import { invalid } from './failure.ts'
import type { DirectUpload, PutResult, UploadKind } from './model.ts'
import type { Digest } from './ports.ts'
import { type SignedUrls, signedUrlLifeMs } from './signed-urls.ts'
import { expireUploads } from './upload-upkeep.ts'
import { requireFilesLeft } from './uploads.ts'

/** How long an upload stays open. */
const livesMs: Readonly<Record<UploadKind, number>> = { single: 86_400_000, multipart: 7 * 86_400_000 }
/** Uploads that one account may have open at once. */
const openAtMost = 10_000
export const partLimit = 10_000
/** Addresses signed before others get their turn. */
const signedAtOnce = 250

export interface StartNeeds extends CompletionNeeds {
  readonly signedUrls: SignedUrls
}

/** What is begun. `path` is where the caller may put a file, by the tree's own word. */
export interface UploadWish {
  readonly kind: UploadKind
  readonly path: string
  readonly contentType: string | undefined
  readonly contentHash: string | undefined
  readonly partCount: number
}

/** An upload that waits for its bytes at some addresses, or a file that needs none any more. */
export type Started =
  | { readonly upload: DirectUpload; readonly addresses: readonly string[]; readonly expiresInSeconds: number }
  | { readonly recorded: PutResult }

/** What the bytes will be, as far as it is said. */
interface Said {
  readonly contentType: string | null
  readonly contentHash: Digest | null
}

/** @throws Failure `invalid`, `type_refused`, `forbidden`, `quota_exceeded`, `conflict`. */
export async function startUpload(needs: StartNeeds, caller: Caller, wish: UploadWish): Promise<Started> {
  const { plans, catalogue, types } = needs
  plans.requireMayWrite(caller, wish.path)
  const said = { contentType: typeFrom(types, wish.contentType), contentHash: digestFrom(wish.contentHash) }
  const recorded = await recordKnown(needs, caller, wish.path, said)
  if (recorded) return { recorded }
  const { id: accountId } = caller.account
  if (!(await catalogue.read.entryAt(accountId, wish.path)))
    await requireFilesLeft(plans.quotaOf(caller.account), () => catalogue.read.used(accountId))
  const upload = await open(needs, caller, wish, said)
  return { upload, ...(await addressesOf(needs, upload, wish.partCount, plans.maxUploadOf(caller.account))) }
}

/** @throws Failure `invalid`, `type_refused`. */
function typeFrom(types: AllowedTypes, sent: string | undefined): string | null {
  if (sent === undefined) return null
  const type = declaredType(sent)
  if (type === unknownType && essence(sent) !== unknownType)
    throw invalid('content_type', 'a type looks like image/png, with or without parameters')
  if (essence(type) !== unknownType) types.require(type)
  return type
}

/** @throws Failure `invalid`. */
function digestFrom(sent: string | undefined): Digest | null {
  if (sent === undefined) return null
  const digest = sent.toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(digest)) throw invalid('content_hash', 'a SHA-256 is 64 hex digits')
  return digest
}

async function recordKnown(needs: StartNeeds, caller: Caller, path: string, { contentType, contentHash }: Said) {
  const { catalogue, blobs } = needs
  if (contentHash === null) return undefined
  const known = await catalogue.read.fileOfBlob(caller.account.id, contentHash, prefixOf(caller) ?? '')
  const placed = known && (await blobs.hold(contentHash))
  if (!placed) return undefined
  try {
    return await publishHeld(needs, caller, placed, { path, contentType, message: '' })
  } finally {
    placed.release()
  }
}

async function open(
  needs: StartNeeds,
  caller: Caller,
  { kind, path }: UploadWish,
  { contentType, contentHash }: Said,
): Promise<DirectUpload> {
  const { catalogue, clock } = needs
  const accountId = caller.account.id
  const now = clock.now()
  const there = await catalogue.read.uploadAt({ accountId, kind, path, since: now })
  // One that is over is not joined, though nobody has ended it yet.
  if (there && there.expiresAt <= now) await expireUploads(needs)
  const keyId = caller.by === 'key' ? caller.key.id : null
  const expiresAt = now + livesMs[kind]
  const said = { keyId, contentType, contentHash, expiresAt }
  return catalogue.write.openUpload({ id: randomUUID(), accountId, kind, path, ...said, openAtMost, now })
}

async function addressesOf(
  { signedUrls, clock }: StartNeeds,
  { id: uploadId, contentType, expiresAt }: DirectUpload,
  count: number,
  maxBytes: number,
) {
  const addresses: string[] = []
  for (let part = 1; part <= count; part++) {
    addresses.push(await signedUrls.forPut({ uploadId, part, contentType, maxBytes }, expiresAt))
    if (part % signedAtOnce === 0) await pause()
  }
  const lifeMs = Math.min(signedUrlLifeMs, expiresAt - clock.now())
  return { addresses, expiresInSeconds: Math.floor(lifeMs / 1_000) }
}

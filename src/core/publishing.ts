import { randomUUID } from 'node:crypto'
import { nanoid } from 'nanoid'
import type { Caller } from './caller.ts'
import type { Catalogue, NewFile } from './catalogue.ts'
import type { AllowedTypes } from './content-types.ts'
import { Failure, isFailure } from './failure.ts'
import { requireActive } from './keys.ts'
import type { Plans } from './plans.ts'
import type { BlobStore, Clock, Placed, Stored } from './ports.ts'

/** A handle in URLs: 16 URL-safe characters, 96 bits. */
export const handleCharacters = 16

/** What uploads need of the core and the world. */
export interface UploadNeeds {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly plans: Plans
  readonly types: AllowedTypes
}

/** What the sender says of a file beside its bytes. */
export interface Labels {
  readonly description: string
  readonly tags: readonly string[]
  readonly isPublic: boolean
}

/** Refusals that a transaction decides on before anything is committed. */
const decided: ReadonlySet<string> = new Set([
  'quota_exceeded',
  'too_large',
  'not_found',
  'conflict',
  'invalid',
  'forbidden',
])

/** Whether an error says for sure that a transaction wrote nothing. */
export function isDecided(error: unknown): boolean {
  return isFailure(error) && decided.has(error.code)
}

/** A long upload may outlast what it was begun with. @throws Failure `unauthenticated`, `forbidden`. */
export async function requireStill(
  { catalogue, plans }: Pick<UploadNeeds, 'catalogue' | 'plans'>,
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

/** Removes blobs that were placed for a publication that did not happen, unless the catalogue knows them from elsewhere. */
export async function takeBack(
  { blobs, catalogue }: Pick<UploadNeeds, 'blobs' | 'catalogue'>,
  placed: readonly Placed[],
): Promise<void> {
  for (const { digest, release } of placed) {
    release()
    await blobs.remove(digest, async () => !(await catalogue.audit.knownBlobs([digest])).has(digest))
  }
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

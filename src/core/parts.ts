import { createHash } from 'node:crypto'
import type { Digest } from './ports.ts'

/** What parts an upload has, in one digest: SHA-256 over their digests in the order of their numbers, a line each. */
export function partsDigest(parts: readonly { readonly digest: Digest }[]): Digest {
  return createHash('sha256')
    .update(parts.map((part) => part.digest).join('\n'))
    .digest('hex')
}

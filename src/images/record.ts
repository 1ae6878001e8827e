import { createHash } from 'node:crypto'
import type { Digest } from '../core/ports.ts'

/*
 * A cached variant as a file: a header of fixed length, then the bytes.
 *
 *   0  8  magic, with the layout's version      48   1  length of the content type
 *   8  8  length of the bytes, big-endian       49  63  content type, ASCII
 *  16 32  SHA-256 of the bytes
 */
const MAGIC = 'LARDERi1'
const LENGTH_AT = 8
const DIGEST_AT = 16
const TYPE_LENGTH_AT = 48
const TYPE_AT = 49

export const HEADER_BYTES = 112

export interface Facts {
  readonly digest: Digest
  readonly contentType: string
  readonly size: number
}

export function digestOf(bytes: Uint8Array): Digest {
  return createHash('sha256').update(bytes).digest('hex')
}

export function writeHeader({ digest, contentType, size }: Facts): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(MAGIC, 'latin1')
  header.writeBigUInt64BE(BigInt(size), LENGTH_AT)
  header.write(digest, DIGEST_AT, 'hex')
  header[TYPE_LENGTH_AT] = header.write(contentType, TYPE_AT, 'latin1')
  return header
}

/** What the header says, or undefined when it is none, or is not that of a file of this length. */
export function readHeader(header: Buffer, fileBytes: number): Facts | undefined {
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, LENGTH_AT) !== MAGIC) return undefined
  const size = Number(header.readBigUInt64BE(LENGTH_AT))
  if (size + HEADER_BYTES !== fileBytes) return undefined
  return {
    size,
    digest: header.toString('hex', DIGEST_AT, TYPE_LENGTH_AT),
    contentType: header.toString('latin1', TYPE_AT, TYPE_AT + (header[TYPE_LENGTH_AT] ?? 0)),
  }
}

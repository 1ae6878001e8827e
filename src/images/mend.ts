import { open } from 'node:fs/promises'

/** A cut WebP's declared size beyond which it is not worth the memory. */
const MENDED_BYTES_MAX = 64 * 1024 * 1024
const RIFF_HEADER_BYTES = 12

/**
 * The decoders of the other formats make do with a file that ends too early; WebP's wants the length that its header
 * promises. So a cut WebP is filled up with zeros, which decode to something, after the part that is there.
 * Undefined for any other file.
 */
export async function mendedWebp(path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(RIFF_HEADER_BYTES)
    await file.read(head, 0, head.length, 0)
    const declared = declaredBytes(head)
    if (declared === undefined || declared <= size || declared > MENDED_BYTES_MAX) return undefined
    const whole = Buffer.alloc(declared)
    await file.read(whole, 0, size, 0)
    return whole
  } finally {
    await file.close()
  }
}

function declaredBytes(head: Buffer): number | undefined {
  const isWebp = head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP'
  return isWebp ? head.readUInt32LE(4) + 8 : undefined
}

/** One part of a form. Header values are sent as they stand, so that a test can send what no browser would. */
export interface Part {
  readonly name?: string
  /** Makes it a file. */
  readonly filename?: string | Uint8Array
  readonly type?: string
  /** In place of the header made of the three above. */
  readonly disposition?: string
  readonly value: string | Uint8Array
}

export const boundary = 'larder-test-boundary'
export const formType = `multipart/form-data; boundary=${boundary}`

/** The bytes of a form (multipart/form-data) made by hand. */
export function formBytes(parts: readonly Part[], end = `--${boundary}--\r\n`): Buffer {
  const pieces = parts.flatMap((part) => [partHead(part), Buffer.from(part.value), Buffer.from('\r\n')])
  return Buffer.concat([...pieces, Buffer.from(end)])
}

/** What stands before a part's bytes. */
export function partHead(part: Part): Buffer {
  const { name = 'file', filename, type, disposition } = part
  const named =
    filename === undefined
      ? Buffer.from(`form-data; name="${name}"`)
      : Buffer.concat([Buffer.from(`form-data; name="${name}"; filename="`), Buffer.from(filename), Buffer.from('"')])
  const fits = disposition === undefined ? named : Buffer.from(disposition)
  const kind = type ?? (filename === undefined ? undefined : 'text/plain')
  return Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: `),
    fits,
    Buffer.from(kind === undefined ? '\r\n\r\n' : `\r\nContent-Type: ${kind}\r\n\r\n`),
  ])
}

/** A body in chunks, as clients send it that do not know its length. */
export function chunked(bytes: Buffer, size = 1_000): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size)
    pieces.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}

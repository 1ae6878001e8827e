/** Both ends inclusive, as in `Content-Range`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

const oneRange = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/**
 * The one range of bytes that a `Range` header asks for (RFC 9110 section 14.1.2). Undefined: the whole is sent, for
 * another unit, a malformed header, and for several ranges: those cost much and serve nobody that one does not.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const found = header === undefined ? null : oneRange.exec(header)
  if (!found) return undefined
  const [, first = '', last = ''] = found
  if (first === '' && last === '') return undefined
  if (first === '') return suffix(Number(last), size)
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

function suffix(length: number, size: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || size === 0) return 'unsatisfiable'
  return { start: Math.max(size - length, 0), end: size - 1 }
}

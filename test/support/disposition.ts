/**
 * The file name that a client reads out of a Content-Disposition header by RFC 6266 (and RFC 8187 for `filename*`, which
 * comes first where there are both). Written for the tests, apart from the library that makes the header.
 */
export function fileNameIn(header: string): string | undefined {
  const extended = /;\s*filename\*\s*=\s*([\w!#$&+^`{}~-]+)'[^']*'([^;\s]+)/i.exec(header)
  if (extended) {
    if (extended[1]?.toLowerCase() !== 'utf-8') throw new Error(`charset ${extended[1]}`)
    return decodeURIComponent(extended[2] ?? '')
  }
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header)
  if (quoted) return (quoted[1] ?? '').replace(/\\(.)/g, '$1')
  return /;\s*filename\s*=\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)/i.exec(header)?.[1]
}

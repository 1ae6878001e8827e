import { create } from 'content-disposition'
import { essence } from '../core/content-types.ts'

/**
 * Types that a browser may show in place. A closed list: what is not on it (SVG, HTML, XML, scripts, the unknown) is an
 * attachment, whatever its name. Nothing here can run in the page's place.
 */
const shown: Readonly<Record<string, string>> = {
  application: 'pdf ogg',
  text: 'plain',
  image: 'jpeg png gif webp avif apng bmp x-icon vnd.microsoft.icon heic heif tiff jxl',
  audio: 'mpeg mp4 aac ogg opus wav x-wav webm flac x-flac x-m4a',
  video: 'mp4 webm ogg quicktime mpeg x-matroska x-msvideo x-m4v 3gpp',
  font: 'woff woff2 ttf otf collection sfnt',
}
const inlineTypes: ReadonlySet<string> = new Set(
  Object.entries(shown).flatMap(([family, names]) => names.split(' ').map((name) => `${family}/${name}`)),
)

export function mayBeInline(contentType: string): boolean {
  return inlineTypes.has(essence(contentType))
}

/** RFC 6266, with the name in both forms where it needs them. */
export function disposition(kind: 'inline' | 'attachment', name: string): string {
  return create(name, { type: kind })
}

const sandboxed = "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; sandbox"
/** The browser's own viewer of PDF does not start in a sandbox; it runs the document in one of its own. */
const forPdf =
  "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'"

/** What a page made of somebody's file may do, should a browser ever take it for one. */
export function contentPolicy(contentType: string): string {
  return essence(contentType) === 'application/pdf' ? forPdf : sandboxed
}

/**
 * The type as browsers are told it: of the parameters that came with the file only the charset, where it is one. In anything
 * else some browser might find another type. A text without one is nearly always UTF-8 today.
 */
export function contentTypeHeader(contentType: string): string {
  const type = essence(contentType)
  const charset = /;[ \t]*charset[ \t]*=[ \t]*"?([A-Za-z0-9._:-]{1,40})"?[ \t]*(;|$)/i.exec(contentType)?.[1]
  if (charset !== undefined) return `${type}; charset=${charset.toLowerCase()}`
  return type === 'text/plain' ? `${type}; charset=utf-8` : type
}

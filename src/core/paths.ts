import { invalid, type Place } from './failure.ts'
import { byteLength, grouped } from './text.ts'

/**
 * Paths of the tree, each in its one form: Unicode NFC, no leading slash, a final one for a folder, empty for the root. What is
 * authorised is what is used: whoever has a path from here needs to look at it no more.
 */

export const segmentLimitBytes = 255
export const pathLimitBytes = 1024
/** Each level of a path is a row, and its history one more for each change below. */
export const depthLimit = 100
/** NFC makes a text at most about three times shorter, and takes its time for one that is very long. */
const sentLimitBytes = 4 * pathLimitBytes

/**
 * Names that are no paths at the door with paths, because its own routes stand there; doors without paths treat them as
 * taken at the root.
 */
export const reservedAtRoot: ReadonlySet<string> = new Set(['search', 'stats', 'log'])

/** Whether the text may be one part of a path. */
export function isSegment(text: string): boolean {
  return (
    text !== '' && text !== '.' && text !== '..' && !/[/\\\p{Cc}]/u.test(text) && byteLength(text) <= segmentLimitBytes
  )
}

/** What is wrong with a part of a path; undefined where nothing is. */
function faultOf(segment: string): string | undefined {
  if (segment === '') return 'has an empty part: two slashes in a row, or one at its beginning'
  if (segment === '.' || segment === '..') return `has a part "${segment}"`
  if (/\\/.test(segment)) return 'has a backslash'
  if (!isSegment(segment))
    return byteLength(segment) > segmentLimitBytes ? 'has a part of more than 255 bytes' : 'has a control character'
  return undefined
}

const tooLong = `is malformed: it has more than ${grouped(pathLimitBytes)} bytes`

const firstFault = (segments: readonly string[]): string | undefined =>
  segments.map(faultOf).find((fault) => fault !== undefined)

/**
 * A path as somebody sent it (percent-decoded, once), in its one form. The root is no path.
 * @throws Failure `invalid` for an empty, `.` or `..` segment, a leading slash, a backslash, a control character, too long a path,
 * and for what is a route at the door with paths.
 */
export function parsePath(sent: string, field = 'path', place: Place = 'body'): string {
  if (byteLength(sent) > sentLimitBytes) throw invalid(field, tooLong, 'value', place)
  const path = sent.toWellFormed().normalize('NFC')
  const segments = (isFolderPath(path) ? path.slice(0, -1) : path).split('/')
  const fault = sent === '' || sent === '/' ? 'is empty' : firstFault(segments)
  if (fault !== undefined) throw invalid(field, `is malformed: it ${fault}`, 'value', place)
  if (byteLength(path) > pathLimitBytes) throw invalid(field, tooLong, 'value', place)
  if (segments.length > depthLimit)
    throw invalid(field, `is malformed: it has more than ${depthLimit} parts`, 'value', place)
  if (reservedAtRoot.has(path)) throw invalid(field, `"${path}" is no path: a route has the name`, 'value', place)
  return path
}

/** A path of a folder. @throws Failure `invalid` as `parsePath`, and without a final slash. */
export function parseFolderPath(sent: string, field = 'path', place: Place = 'body'): string {
  if (!isFolderPath(sent)) throw invalid(field, 'the path of a folder ends with "/"', 'value', place)
  return parsePath(sent, field, place)
}

/**
 * A folder's path where nothing else can be meant: with or without its final slash, empty (or a mere slash) for the root.
 * @throws Failure `invalid` as `parsePath`.
 */
export function folderPath(sent: string, field = 'path', place: Place = 'body'): string {
  if (sent === '' || sent === '/') return ''
  return parsePath(isFolderPath(sent) ? sent : `${sent}/`, field, place)
}

export function isFolderPath(path: string): boolean {
  return path === '' || path.endsWith('/')
}

/** The parts of a path, from the root on. */
export function segmentsOf(path: string): string[] {
  if (path === '') return []
  return (isFolderPath(path) ? path.slice(0, -1) : path).split('/')
}

/** The last part of a path; of the root, nothing. */
export function lastSegment(path: string): string {
  return segmentsOf(path).at(-1) ?? ''
}

/** The folder that a path's entry lies in. */
export function parentPath(path: string): string {
  return path.slice(0, path.length - lastSegment(path).length - (isFolderPath(path) ? 1 : 0))
}

/** The folders that a path's entry lies in, the outermost first, without the root. */
export function foldersAbove(path: string): string[] {
  const above = segmentsOf(path).slice(0, -1)
  return above.map((_, n) => `${above.slice(0, n + 1).join('/')}/`)
}

/** Whether a path is a folder's own (a key's, say) or lies below it; null is the whole tree. */
export function isWithin(path: string, folder: string | null): boolean {
  return folder === null || path.startsWith(folder)
}

/** Whether a path lies below a folder: the folder itself belongs to the one above it. */
export function isBelow(path: string, folder: string | null): boolean {
  return isWithin(path, folder) && path !== folder
}

import { domainToASCII } from 'node:url'
import { invalid } from './failure.ts'

export const segmentLimitBytes = 255
export const pathLimitBytes = 1024
export const nameLimitBytes = 1024

const control = /\p{Cc}/gu

export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** The longest start of `text` that fits in `limit` bytes of UTF-8, never cutting a character in two. */
export function cutToBytes(text: string, limit: number): string {
  if (byteLength(text) <= limit) return text
  let used = 0
  let end = 0
  for (const character of text) {
    used += byteLength(character)
    if (used > limit) break
    end += character.length
  }
  return text.slice(0, end)
}

/**
 * The name a client gave its file, made fit to be shown: what stands after the last slash or backslash, without control
 * characters, at most 1,024 bytes. Where nothing usable is left it is `fallback`. It never becomes a path on disk.
 */
export function displayName(sent: string | undefined, fallback: string): string {
  const last = (sent ?? '').toWellFormed().split(/[/\\]/).at(-1) ?? ''
  const name = cutToBytes(last.replace(control, ''), nameLimitBytes)
  return name === '' || name === '.' || name === '..' ? fallback : name
}

/** Splits `photo.tar.gz` into `photo.tar` and `.gz`; a leading dot begins no extension. */
export function splitExtension(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.')
  return dot <= 0 ? { stem: name, extension: '' } : { stem: name.slice(0, dot), extension: name.slice(dot) }
}

/** The extension, where it is one that anybody uses: long "extensions" are parts of a sentence and would eat the path's room. */
function shortExtension(name: string): string {
  const { extension } = splitExtension(name)
  return byteLength(extension) <= 32 ? extension : ''
}

/**
 * Path segments to try for a file of this display name, best first: the name itself, the name with the file's handle
 * before its extension (where the name is taken or too long), the bare handle (where the path is too long for either).
 */
export function segmentsFor(name: string, fileId: string): string[] {
  const plain = name.normalize('NFC')
  const extension = shortExtension(plain)
  const room = segmentLimitBytes - byteLength(`-${fileId}${extension}`)
  const stem = cutToBytes(extension === '' ? plain : plain.slice(0, -extension.length), room)
  const tried = [`${stem}-${fileId}${extension}`, `${fileId}${extension}`]
  return isSegment(plain) ? [plain, ...tried] : tried
}

/** Whether the text may be one part of a path. */
export function isSegment(text: string): boolean {
  return (
    text !== '' && text !== '.' && text !== '..' && !/[/\\\p{Cc}]/u.test(text) && byteLength(text) <= segmentLimitBytes
  )
}

/** A folder's name as somebody typed it. @throws Failure `invalid` saying what a name may be. */
export function folderName(sent: string, field = 'name'): string {
  const name = sent.toWellFormed().normalize('NFC').trim()
  if (!isSegment(name)) {
    throw invalid(
      field,
      'a folder name is 1 to 255 bytes, without slashes, backslashes and control characters, and not "." or ".."',
    )
  }
  return name
}

/**
 * A folder's path in its one form: NFC, no leading slash, one final slash; empty for the root.
 * @throws Failure `invalid` for an empty, `.` or `..` segment, a backslash, a control character, or too long a path.
 */
export function folderPath(sent: string, field = 'path'): string {
  const path = sent.toWellFormed().normalize('NFC')
  if (path === '' || path === '/') return ''
  const segments = (path.endsWith('/') ? path.slice(0, -1) : path).split('/')
  const whole = `${segments.join('/')}/`
  if (!segments.every(isSegment) || byteLength(whole) > pathLimitBytes) {
    throw invalid(
      field,
      'a path is segments of 1 to 255 bytes joined by "/", without ".", "..", backslashes and control characters, up to 1,024 bytes in all',
    )
  }
  return whole
}

/** The segments of a path made by `folderPath`. */
export function segmentsOf(path: string): string[] {
  return path === '' ? [] : path.slice(0, -1).split('/')
}

/**
 * Names that are no paths at the door with paths, because its own routes stand there; doors without paths treat them as
 * taken at the root.
 */
export const reservedAtRoot: ReadonlySet<string> = new Set(['search', 'stats', 'log'])

/** RFC 5321 without its quoted forms: nothing that a mail program could take for a second address, a name or a comment. */
const addressForm = /^[^\s@\p{Cc}\p{Cf}"(),:;<>[\\\]]+@[^\s@\p{Cc}\p{Cf}"(),:;<>[\\\]]+$/u

/** The one form of an e-mail address: trimmed, in lower case, its domain as the name servers know it. Undefined where it is none. */
export function normalEmail(sent: string): string | undefined {
  const email = sent.toWellFormed().normalize('NFC').trim().toLowerCase()
  if (!addressForm.test(email) || email.includes('\ufffd')) return undefined
  const cut = email.lastIndexOf('@')
  const domain = domainToASCII(email.slice(cut + 1))
  const normal = `${email.slice(0, cut)}@${domain}`
  return domain === '' || byteLength(normal) > 254 ? undefined : normal
}

/** @throws Failure `invalid`. */
export function emailAddress(sent: string, field = 'email'): string {
  const email = normalEmail(sent)
  if (email === undefined) throw invalid(field, 'an e-mail address looks like name@example.org')
  return email
}

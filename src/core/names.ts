import { domainToASCII } from 'node:url'
import { invalid } from './failure.ts'
import { isSegment, segmentLimitBytes } from './paths.ts'
import { byteLength, cutToBytes } from './text.ts'

export const nameLimitBytes = 1024

const control = /\p{Cc}/gu

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

/** A folder's name as somebody typed it. @throws Failure `invalid` saying what a name may be. */
export function folderName(sent: string, field = 'name'): string {
  // What is much too long is not brought into its form first, which takes its time.
  const name = byteLength(sent) > 4 * segmentLimitBytes ? '' : sent.toWellFormed().normalize('NFC').trim()
  if (!isSegment(name)) {
    throw invalid(
      field,
      'a folder name is 1 to 255 bytes, without slashes, backslashes and control characters, and not "." or ".."',
    )
  }
  return name
}

/** An address has at most 254 bytes; more than this nobody means for one. */
const emailSentLimitBytes = 1_024

/** RFC 5321 without its quoted forms: nothing that a mail program could take for a second address, a name or a comment. */
const addressForm = /^[^\s@\p{Cc}\p{Cf}"(),:;<>[\\\]]+@[^\s@\p{Cc}\p{Cf}"(),:;<>[\\\]]+$/u

/** The one form of an e-mail address: trimmed, in lower case, its domain as the name servers know it. Undefined where it is none. */
export function normalEmail(sent: string): string | undefined {
  if (byteLength(sent) > emailSentLimitBytes) return undefined
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

const actorLimit = 64

/**
 * A name for the actor that an e-mail address stands for: what comes before the `@`, in letters, digits, `-` and `_`, at most 64
 * of them.
 * @param nth 2 and more: with that number, for when the name is taken.
 */
export function actorName(email: string, nth = 1): string {
  const local = email.slice(0, email.lastIndexOf('@')).normalize('NFKD').replace(/\p{M}/gu, '')
  const plain = local.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '')
  const number = nth === 1 ? '' : `-${nth}`
  return (plain || 'user').slice(0, actorLimit - number.length) + number
}

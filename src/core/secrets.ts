import { createHash, randomBytes, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type KeyKind, keyKinds } from './model.ts'
import type { Digest } from './ports.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomCharacters = 30
const checksumCharacters = 6
const keyForm = new RegExp(`^(${keyKinds.join('|')})_[0-9A-Za-z]{${randomCharacters + checksumCharacters}}$`)

/**
 * A new API key: its kind, 30 random base62 characters (178 bits) and a checksum of six, by which a scanner of leaks knows
 * a key from a random word without asking anybody.
 */
export function newKey(kind: KeyKind): string {
  let text = `${kind}_`
  for (let n = 0; n < randomCharacters; n++) text += base62[randomInt(base62.length)]
  return text + checksum(text)
}

/** Whether the text can be a key at all: kind, length and checksum are right. */
export function isKeyText(text: string): boolean {
  return keyForm.test(text) && text.endsWith(checksum(text.slice(0, -checksumCharacters)))
}

/** CRC-32/ISO-HDLC as base62, padded with zeros: 62^6 is more than 2^32. */
function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  while (rest > 0) {
    digits = base62[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits.padStart(checksumCharacters, '0')
}

/** A key's shown start: its kind and four characters. */
export function keyHint(key: string): string {
  return key.slice(0, key.indexOf('_') + 5)
}

/** A random token for links and sessions: 256 bits as 43 base64url characters. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is kept of a key or token: its SHA-256. Looked up by it, no comparison depends on the secret's own bytes. */
export function secretDigest(secret: string): Digest {
  return createHash('sha256').update(secret).digest('hex')
}

/** A code to be typed in: six digits, each as likely as any other. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0')
}

/** What is kept of a code: bound to its address, so that equal codes of two people do not look equal. */
export function codeDigest(email: string, code: string): Digest {
  return secretDigest(`${email}\n${code}`)
}

import { createPublicKey, verify } from 'node:crypto'

/** Signatures by Ed25519 (RFC 8032). */

const keyBytes = 32
const signatureBytes = 64

/**
 * A public key, of 32 bytes as base64 or base64url, padded or not, in its one form: base64url. Undefined for anything else, and
 * for bytes that are nobody's key.
 */
export function publicKeyFrom(text: string): string | undefined {
  const bytes = bytesFrom(text, keyBytes)
  return bytes && isUsablePoint(bytes) ? bytes.toString('base64url') : undefined
}

/** A signature, of 64 bytes as base64 or base64url, padded or not. Undefined for anything else. */
export function signatureFrom(text: string): Buffer | undefined {
  return bytesFrom(text, signatureBytes)
}

/** Whether the signature over the text's UTF-8 is that of a public key (as `publicKeyFrom` gives it). */
export function isSignedBy(publicKey: string, text: string, signature: Buffer): boolean {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  return verify(null, Buffer.from(text, 'utf8'), key, signature)
}

function bytesFrom(text: string, length: number): Buffer | undefined {
  const plain = text
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '')
  const bytes = Buffer.from(plain, 'base64url')
  // The decoder passes over what it does not know, so what it read is compared with what was sent.
  return bytes.length === length && bytes.toString('base64url') === plain ? bytes : undefined
}

/** The curve -x² + y² = 1 + d·x²·y² over the numbers modulo p (RFC 8032 section 5.1). */
const p = 2n ** 255n - 19n
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/**
 * Whether the bytes are a point of the curve, and not one of the eight of small order, with which a signature says nothing.
 * The library takes any 32 bytes, and finds no signature right with such a one: who sent it would never come in.
 */
function isUsablePoint(bytes: Buffer): boolean {
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`) % 2n ** 255n
  if (y >= p) return false
  const yy = (y * y) % p
  // x² is over / under; it is a square exactly where their product is one.
  const [over, under] = [(yy + p - 1n) % p, (d * yy + 1n) % p]
  const isOnCurve = power(over * under, (p - 1n) / 2n) === 1n
  // Doubled twice, a point with x² = -y² is one with y = 0, and that one the neutral one. (With x = 0 the product above is 0.)
  const isOfSmallOrder = y === 0n || (over + yy * under) % p === 0n
  return isOnCurve && !isOfSmallOrder
}

/** Modulo p. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base % p
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p
    square = (square * square) % p
  }
  return result
}

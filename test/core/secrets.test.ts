import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyKinds } from '../../src/core/model.ts'
import { isKeyText, keyHint, newKey, newToken, secretDigest } from '../../src/core/secrets.ts'

/** Made by another program (Python's zlib.crc32), so that a scanner of leaks written elsewhere knows our keys. */
const vectors = [
  'ak_0000000000000000000000000000001dZEUY',
  'atiru_ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ3UoITf',
  'sk_abcdefghijklmnopqrstuvwxyzABCD1tfjJs',
  // A checksum that is padded with zeros.
  'ak_000000000000000000000000013505000DqW',
]

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** CRC-32/ISO-HDLC bit by bit, apart from the one that the server uses. */
function crc32(text: string): number {
  let rest = 0xffffffff
  for (const byte of Buffer.from(text)) {
    rest ^= byte
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0)
  }
  return (rest ^ 0xffffffff) >>> 0
}

function checksum(text: string): string {
  let digits = ''
  for (let rest = BigInt(crc32(text)); rest > 0n; rest /= 62n) digits = base62[Number(rest % 62n)] + digits
  return digits.padStart(6, '0')
}

test('A key ends in the CRC-32 of what stands before it, as six digits of base 62', () => {
  assert.equal(crc32('123456789'), 0xcbf43926, 'the check value of CRC-32/ISO-HDLC')
  for (const key of vectors) {
    assert.equal(checksum(key.slice(0, -6)), key.slice(-6))
    assert.equal(isKeyText(key), true, key)
  }
  for (const kind of keyKinds) {
    for (let n = 0; n < 200; n++) {
      const key = newKey(kind)
      assert.match(key, new RegExp(`^${kind}_[0-9A-Za-z]{36}$`))
      assert.equal(checksum(key.slice(0, -6)), key.slice(-6))
      assert.equal(isKeyText(key), true)
    }
  }
})

test('A key of which one character is wrong is no key', () => {
  fc.assert(
    fc.property(fc.constantFrom(...vectors), fc.nat(), fc.constantFrom(...base62), (key, n, character) => {
      const at = n % key.length
      const changed = key.slice(0, at) + character + key.slice(at + 1)
      assert.equal(isKeyText(changed), changed === key)
    }),
  )
})

test('What is no key at all is told from its form alone', () => {
  const [key = ''] = vectors
  for (const text of [
    '',
    'ak_',
    key.slice(1),
    `${key} `,
    ` ${key}`,
    `${key}\n`,
    `${key}0`,
    key.toUpperCase(),
    key.slice(3),
    `xx${key.slice(2)}`,
    key.replace('_', '-'),
  ]) {
    assert.equal(isKeyText(text), false, JSON.stringify(text))
  }
  fc.assert(fc.property(fc.string(), (text) => isKeyText(text) === false))
})

test('No two keys and no two tokens are alike, and every character is used', () => {
  const keys = Array.from({ length: 2_000 }, () => newKey('ak'))
  assert.equal(new Set(keys).size, keys.length)
  assert.equal(new Set(keys.flatMap((key) => [...key.slice(3, 33)])).size, 62)
  const tokens = Array.from({ length: 100 }, newToken)
  assert.equal(new Set(tokens).size, tokens.length)
  for (const token of tokens) assert.match(token, /^[A-Za-z0-9_-]{43}$/)
})

test('A hint is the kind and four characters, and what is kept is the SHA-256', () => {
  assert.equal(keyHint('atiru_ZZZZ123'), 'atiru_ZZZZ')
  assert.equal(keyHint('ak_abcdefgh'), 'ak_abcd')
  assert.equal(secretDigest('x'), createHash('sha256').update('x').digest('hex'))
})

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Signer } from '../core/ports.ts'
import type { SigningKey } from './key-file.ts'

/** What a key's secret becomes for this use: nothing that is signed here can be taken for a token, nor the other way. */
const purpose = 'larder signed url'

/** The keys of the moment, the one that signs first. */
export type KeysOf = () => Promise<readonly SigningKey[]>

/**
 * Signs addresses by HMAC-SHA256, with keys that are made from those that sign tokens: they are retired with them.
 * @param lifeMs how long an address may be good at most: beyond that a retired key has signed none.
 */
export function signerOf(keysOf: KeysOf, lifeMs: number): Signer {
  return {
    sign: async (text) => {
      const [key] = await keysOf()
      if (!key) throw new TypeError('a key file without keys')
      return { keyId: key.id, signature: macOf(key, text).toString('base64url') }
    },
    verify: async (text, { keyId, signature }, expiresAt) => {
      const key = (await keysOf()).find(({ id }) => id === keyId)
      if (!key || (key.retired_at !== null && expiresAt > key.retired_at + lifeMs)) return false
      const [sent, right] = [Buffer.from(signature, 'base64url'), macOf(key, text)]
      return sent.length === right.length && timingSafeEqual(sent, right)
    },
  }
}

const derived = new WeakMap<SigningKey, Buffer>()

function macOf(key: SigningKey, text: string): Buffer {
  const known =
    derived.get(key) ?? Buffer.from(hkdfSync('sha256', Buffer.from(key.secret, 'base64url'), '', purpose, 32))
  derived.set(key, known)
  return createHmac('sha256', known).update(text).digest()
}

import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { TestApp } from './app.ts'
import { type Answer, type CallOptions, callAs } from './call.ts'

export interface KeyBody {
  id: string
  name: string
  prefix: string
  expires_at: number | null
  created_at: number
}

export interface EntryBody {
  name: string
  type: string
  size: number
  updated_at: number
  tx: number
  tx_time: number
}

export interface EventBody {
  tx: number
  action: string
  path: string
  to?: string
  size: number | null
  msg: string
  ts: number
  sha256?: string
}

export interface FoundBody {
  path: string
  name: string
  size: number
  type: string
  updated_at: number
}

export interface ShareBody {
  url: string
  token: string
  path: string
  expires_at: number
  ttl: number
  has_password: boolean
  max_downloads: number | null
  downloads: number
}

export interface RequestBody {
  url: string
  token: string
  path: string
  expires_at: number
  ttl: number
  max_files: number | null
  max_bytes: number | null
  files: number
  bytes: number
}

/** Everything that an answer of Storage's door may hold. A test names what it expects, and fails where it is not there. */
export interface StorageBody {
  error: string
  message: string
  ok: boolean

  path: string
  name: string
  url: string
  size: number
  content_type: string
  etag: string
  updated_at: number
  tx: number
  tx_time: number
  time: number
  expires_in: number
  exists: boolean

  prefix: string
  entries: EntryBody[]
  truncated: boolean
  cursor: string | null
  query: string
  results: FoundBody[]
  created: boolean
  from: string
  to: string
  deleted: number | boolean
  files: number
  bytes: number
  events: EventBody[]

  upload_id: string
  key: string
  part_urls: string[]
  parts: { part_number: number; etag: string; size: number }[]
  aborted: boolean

  token: string
  expires_at: number | null
  ttl: number
  shares: ShareBody[]
  requests: RequestBody[]

  actor: string
  type: string
  challenge_id: string
  nonce: string
  id: string
  keys: KeyBody[]
}

export type StorageAnswer = Answer<StorageBody>

type Server = Pick<TestApp, 'url' | 'key'>

/** Calls a route of Storage's door by its path below `/storage`; follows nothing. */
export async function storage(
  app: Server,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<StorageAnswer> {
  return callAs(app, `${app.url}/storage${path}`, method, options)
}

/** Puts bytes at a path. */
export function put(
  app: Server,
  path: string,
  bytes: Uint8Array | string,
  options: Omit<CallOptions, 'bytes'> = {},
): Promise<StorageAnswer> {
  const headers = { 'Content-Type': 'text/plain', ...options.headers }
  const target = path.split('/').map(encodeURIComponent).join('/')
  return storage(app, 'PUT', `/files/${target}`, { ...options, bytes, headers })
}

/** The whole answer of a refusal: status, shape, word, a sentence, and what every answer of this kind carries. */
export function refusal(answer: StorageAnswer, status: number, error: string, message: string | RegExp = /./): void {
  assert.deepEqual([answer.status, answer.body.error], [status, error], answer.bytes.toString())
  assert.deepEqual(Object.keys(answer.body), ['error', 'message'])
  if (typeof message === 'string') assert.equal(answer.body.message, message)
  else assert.match(answer.body.message, message)
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(answer.headers.get('access-control-allow-origin'), '*')
}

/** Somebody with a key pair of their own, known to a server or not. */
export interface Signer {
  /** The public key's 32 bytes. */
  readonly publicKey: Buffer
  /** The signature over a nonce, 64 bytes. */
  sign(nonce: string): Buffer
}

/** A new key pair. */
export function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey: rawKey(publicKey), sign: (nonce) => sign(null, Buffer.from(nonce, 'utf8'), privateKey) }
}

function rawKey(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
}

/** Registers an actor with a public key. */
export function register(app: Server, actor: string, signer: Signer, type?: string): Promise<StorageAnswer> {
  const json = { actor, public_key: signer.publicKey.toString('base64'), ...(type !== undefined && { type }) }
  return storage(app, 'POST', '/auth/register', { json, key: null })
}

/** Asks for a challenge. */
export function challenge(app: Server, actor: string): Promise<StorageAnswer> {
  return storage(app, 'POST', '/auth/challenge', { json: { actor }, key: null })
}

/** Answers a challenge. */
export function verify(
  app: Server,
  { challenge_id }: Pick<StorageBody, 'challenge_id'>,
  actor: string,
  signature: Buffer | string,
): Promise<StorageAnswer> {
  const text = typeof signature === 'string' ? signature : signature.toString('base64')
  return storage(app, 'POST', '/auth/verify', { json: { challenge_id, actor, signature: text }, key: null })
}

/** Signs an actor in, who must be let in. Resolves to the session's token and its end. */
export async function signInAs(app: Server, actor: string, signer: Signer) {
  const { status, body } = await challenge(app, actor)
  assert.equal(status, 200, JSON.stringify(body))
  const answer = await verify(app, body, actor, signer.sign(body.nonce))
  assert.equal(answer.status, 200, answer.bytes.toString())
  return { token: answer.body.token, expiresAt: answer.body.expires_at ?? 0 }
}

/** An account of a new actor's, where registration is open, and a token of its session. */
export async function newActor(app: Server, actor: string, type?: string) {
  const signer = newSigner()
  const { status, body } = await register(app, actor, signer, type)
  assert.equal(status, 201, JSON.stringify(body))
  return { actor, signer, ...(await signInAs(app, actor, signer)) }
}

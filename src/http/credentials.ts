import type { IncomingMessage } from 'node:http'
import { Failure } from '../core/failure.ts'

/** The key or token of `Authorization: Bearer` or `X-API-Key`. @throws Failure `unauthenticated` without a usable one. */
export function credentialOf(request: IncomingMessage): string {
  const { authorization, 'x-api-key': apiKey } = request.headers
  // Another scheme beside an API key is meant for somebody on the way (a proxy with a password of its own).
  if (authorization !== undefined && (apiKey === undefined || /^Bearer\b/i.test(authorization))) {
    const found = /^Bearer +([^\s]+) *$/i.exec(authorization)
    if (!found?.[1]) throw new Failure('unauthenticated', { reason: 'malformed' })
    return found[1]
  }
  if (typeof apiKey === 'string' && apiKey.trim() !== '') return apiKey.trim()
  throw new Failure('unauthenticated', { reason: 'missing' })
}

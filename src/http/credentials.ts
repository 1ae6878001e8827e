import type { IncomingMessage } from 'node:http'
import { Failure } from '../core/failure.ts'

/** The key or token of `Authorization: Bearer` or `X-API-Key`. @throws Failure `unauthenticated` without a usable one. */
export function credentialOf(request: IncomingMessage): string {
  const { authorization, 'x-api-key': apiKey } = request.headers
  if (authorization !== undefined) {
    const found = /^Bearer +([^\s]+) *$/i.exec(authorization)
    if (!found?.[1]) throw new Failure('unauthenticated', { reason: 'malformed' })
    return found[1]
  }
  if (typeof apiKey === 'string' && apiKey.trim() !== '') return apiKey.trim()
  throw new Failure('unauthenticated', { reason: 'missing' })
}

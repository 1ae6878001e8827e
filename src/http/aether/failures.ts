import { type AnyFailure, type FailureTable, render } from '../../core/failure.ts'
import type { Rendered } from '../door.ts'
import { textOf } from '../failure-texts.ts'

type Wire = readonly [status: number, code: string]

/** AetherCDN's word for everything that can go wrong. */
export const words: FailureTable<Wire> = {
  unauthenticated: () => [401, 'unauthorized'],
  forbidden: () => [403, 'forbidden'],
  not_found: () => [404, 'not_found'],
  method_not_allowed: () => [405, 'method_not_allowed'],
  conflict: () => [409, 'conflict'],
  invalid: () => [400, 'bad_request'],
  too_large: () => [413, 'payload_too_large'],
  type_refused: () => [415, 'unsupported_media_type'],
  quota_exceeded: () => [403, 'quota_exceeded'],
  rate_limited: () => [429, 'rate_limited'],
  disk_full: () => [507, 'insufficient_storage'],
  busy: () => [503, 'busy'],
  internal: () => [500, 'server_error'],
}

export function failure(failed: AnyFailure): Rendered {
  const [status, code] = render(words, failed)
  return { status, body: { success: false, error: { code, message: textOf(failed) } } }
}

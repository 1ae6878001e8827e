import { type AnyFailure, type FailureTable, render } from '../../core/failure.ts'
import type { Rendered } from '../door.ts'
import { textOf } from '../failure-texts.ts'

/** The status and word of everything that can go wrong, as Storage says it. */
const words: FailureTable<readonly [status: number, error: string]> = {
  unauthenticated: () => [401, 'unauthorized'],
  forbidden: () => [403, 'forbidden'],
  not_found: () => [404, 'not_found'],
  method_not_allowed: () => [405, 'method_not_allowed'],
  conflict: () => [409, 'conflict'],
  invalid: () => [400, 'bad_request'],
  too_large: () => [413, 'too_large'],
  type_refused: () => [400, 'bad_request'],
  quota_exceeded: () => [403, 'quota_exceeded'],
  rate_limited: () => [429, 'rate_limited'],
  disk_full: () => [507, 'insufficient_storage'],
  busy: () => [503, 'busy'],
  internal: () => [500, 'internal'],
}

export function failure(failed: AnyFailure): Rendered {
  const [status, error] = render(words, failed)
  return { status, body: { error, message: textOf(failed) } }
}

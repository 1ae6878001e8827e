import { type AnyFailure, type FailureTable, render } from '../../core/failure.ts'
import type { Rendered } from '../door.ts'
import { textOf } from '../failure-texts.ts'

type Wire = readonly [status: number, code: string]

/** Words for what can go wrong on `/m` and `/d`: the shape and the codes are Atiru's, whose media routes they are. */
export const words: FailureTable<Wire> = {
  unauthenticated: () => [401, 'MISSING_AUTH'],
  forbidden: () => [403, 'FORBIDDEN'],
  not_found: ({ what }) => [404, what === 'file' ? 'FILE_NOT_FOUND' : 'NOT_FOUND'],
  method_not_allowed: () => [405, 'METHOD_NOT_ALLOWED'],
  conflict: () => [409, 'CONFLICT'],
  invalid: () => [400, 'INVALID_REQUEST'],
  too_large: ({ of }) => [413, of === 'picture' ? 'IMAGE_TOO_LARGE' : 'FILE_TOO_LARGE'],
  type_refused: ({ because }) => [415, because === 'unreadable' ? 'IMAGE_UNREADABLE' : 'CONTENT_TYPE_NOT_ALLOWED'],
  quota_exceeded: ({ of }) => [403, of === 'files' ? 'FILE_COUNT_LIMIT_REACHED' : 'STORAGE_LIMIT_REACHED'],
  rate_limited: () => [429, 'RATE_LIMITED'],
  disk_full: () => [507, 'INSUFFICIENT_STORAGE'],
  busy: () => [503, 'SERVER_BUSY'],
  internal: () => [500, 'INTERNAL_ERROR'],
}

export function failure(failed: AnyFailure): Rendered {
  const [statusCode, code] = render(words, failed)
  return { status: statusCode, body: { error: textOf(failed), statusCode, code } }
}

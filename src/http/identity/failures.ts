import { type AnyFailure, type FailureTable, type Issue, render } from '../../core/failure.ts'
import type { Rendered } from '../door.ts'
import { textOf } from '../failure-texts.ts'

type Wire = readonly [status: number, code: string]

/** Identity's word for everything that can go wrong. */
export const words: FailureTable<Wire> = {
  unauthenticated: ({ reason }) => [401, reason === 'code' ? 'invalid_code' : 'unauthorized'],
  forbidden: () => [403, 'forbidden'],
  not_found: ({ what }) => [404, what === 'project' ? 'project_not_found' : 'not_found'],
  method_not_allowed: () => [405, 'method_not_allowed'],
  conflict: ({ what }) => [409, what === 'project' ? 'last_project' : 'conflict'],
  invalid: () => [422, 'invalid'],
  too_large: () => [413, 'too_large'],
  type_refused: () => [415, 'unsupported_media_type'],
  quota_exceeded: () => [403, 'quota_exceeded'],
  rate_limited: () => [429, 'rate_limited'],
  disk_full: () => [507, 'insufficient_storage'],
  busy: () => [503, 'busy'],
  internal: () => [500, 'internal'],
}

/** What is wrong with a request has a shape of its own here, which names the place. */
export function failure(failed: AnyFailure): Rendered {
  const [status, code] = render(words, failed)
  if (failed.code === 'invalid') return { status, body: { detail: failed.detail.issues.map(detailOf) } }
  return { status, body: { success: false, data: {}, error: { code, message: textOf(failed) } } }
}

function detailOf({ in: place = 'body', path, problem, kind }: Issue) {
  return { loc: [place, ...path], msg: problem, type: kind === 'missing' ? 'missing' : `${kind}_error` }
}

import { type AnyFailure, type FailureTable, render } from '../core/failure.ts'

const needs: Record<string, string> = {
  scope: 'this key lacks the scope',
  prefix: 'this key is held to the folder',
  login: 'this asks for a log-in',
  active_account: 'this account is disabled',
  same_origin: 'this form was sent from another site',
}

const reasons: Record<string, string> = {
  missing: 'send an API key: "Authorization: Bearer KEY" or "X-API-Key: KEY"',
  malformed:
    'this is not an API key, or one that was mistyped: a key is its prefix, "_" and 36 characters, without anything around it',
  wrong: 'this key or log-in is not known',
  expired: 'this key or log-in has expired',
  revoked: 'this key was revoked',
}

/** One sentence for people on every failure, that says what to do where something can be done. */
const texts: FailureTable<string> = {
  unauthenticated: ({ reason }) => reasons[reason] ?? reason,
  forbidden: (detail) => [needs[detail.needs] ?? detail.needs, detail.detail].filter(Boolean).join(' '),
  not_found: ({ what }) => `there is no such ${what}`,
  method_not_allowed: ({ allowed }) => `this address answers ${allowed.join(', ')} only`,
  conflict: ({ why }) => why,
  invalid: ({ issues }) =>
    issues.map(({ path, problem }) => (path.length > 0 ? `${path.join('.')}: ${problem}` : problem)).join('; '),
  too_large: ({ of, limit, unit }) => `the ${of} is too large: at most ${limit} ${unit}`,
  type_refused: ({ type, because }) =>
    because === 'unreadable'
      ? `the picture (${type}) cannot be decoded`
      : `files of type ${type} are not taken here (uploads.allowed_content_types)`,
  quota_exceeded: ({ of, limit, used }) => `the quota of ${limit} ${of} does not allow for it: ${used} are in use`,
  rate_limited: ({ limit, windowSeconds, retryAfterSeconds }) =>
    `at most ${limit} requests in ${windowSeconds} seconds; try again in ${retryAfterSeconds}`,
  disk_full: ({ why }) => `${why}; nothing was kept`,
  busy: ({ why, retryAfterSeconds }) => `${why}; try again in ${retryAfterSeconds} seconds`,
  internal: ({ incident }) => `something went wrong here; the log tells more of ${incident}`,
}

export function textOf(failure: AnyFailure): string {
  return render(texts, failure)
}

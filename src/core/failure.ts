/** Which part of a request a fault stands in. */
export type Place = 'body' | 'query' | 'header' | 'path'

/** One fault in what a caller sent: where it stands, what is wrong, and a word for programs. */
export interface Issue {
  /** The body where absent. */
  readonly in?: Place
  readonly path: readonly (string | number)[]
  readonly problem: string
  readonly kind: string
}

/**
 * Why nobody is let in: no credential or one in no known form of header, a text that is neither key nor token, one that is not
 * known, over, revoked; a log-in that was ended; a wrong password or e-mail; a wrong code; a wrong signature
 * of a challenge; a share that is not known or over, or its wrong password.
 */
export type Unauthenticated =
  | 'missing'
  | 'malformed'
  | 'unreadable'
  | 'unknown'
  | 'expired'
  | 'revoked'
  | 'ended'
  | 'password'
  | 'code'
  | 'signature'
  | 'share'
  | 'share_password'
  | 'no_share_password'

/** What is lacking: `full_key` is a log-in or a key without scopes, `plan` a trial that is not over. */
export type Needed =
  | 'scope'
  | 'prefix'
  | 'login'
  | 'full_key'
  | 'bounds'
  | 'active_account'
  | 'verified_email'
  | 'open_registration'
  | 'plan'
  | 'same_origin'
  | 'bot_check'
  | 'signed_url'

/** Everything that can go wrong, in the core's own words: no status codes, no wire wording. */
export interface Failures {
  unauthenticated: { reason: Unauthenticated }
  forbidden: { needs: Needed; detail?: string }
  not_found: {
    what:
      | 'file'
      | 'folder'
      | 'upload'
      | 'share'
      | 'key'
      | 'project'
      | 'account'
      | 'challenge'
      | 'link'
      | 'blob'
      | 'mail'
      | 'route'
    id: string
    /** What is there instead, or what to do. */
    hint?: string
  }
  method_not_allowed: { allowed: readonly string[] }
  conflict: { what: 'file' | 'folder' | 'upload' | 'account' | 'project'; id: string; why: string }
  invalid: { issues: readonly Issue[] }
  too_large: { of: 'file' | 'body' | 'picture'; limit: number; unit: 'bytes' | 'pixels' | 'frames' }
  /** `mismatch`: the bytes are of another type than is said; `found` is what they are, if that can be told. */
  type_refused: { type: string; because: 'not_allowed' | 'unreadable' | 'mismatch'; found?: string }
  quota_exceeded: { of: 'bytes' | 'files' | 'links' | 'image_ops' | 'origin_reads'; limit: number; used: number }
  rate_limited: { limit: number; windowSeconds: number; retryAfterSeconds: number }
  disk_full: { why: string }
  busy: { why: string; retryAfterSeconds: number }
  internal: { incident: string }
}

export type Code = keyof Failures

/** One entry for every code: a new code does not compile until each door has a word for it. */
export type FailureTable<Wire> = { readonly [C in Code]: (detail: Failures[C]) => Wire }

/** The one way to say no. `detail` is fit to be shown; a cause, if any, is for the log alone. */
export class Failure<C extends Code = Code> extends Error {
  readonly code: C
  readonly detail: Failures[C]

  constructor(code: C, detail: Failures[C], options?: ErrorOptions) {
    super(code, options)
    this.name = 'Failure'
    this.code = code
    this.detail = detail
  }
}

/** One member per code, so that a test of `code` narrows `detail`. */
export type AnyFailure = { [C in Code]: Failure<C> }[Code]

export function isFailure(error: unknown): error is AnyFailure {
  return error instanceof Failure
}

/** What a stranger may see of any error: a Failure as it is, all else as an incident whose cause only the log tells. */
export function asFailure(error: unknown, incident: string): AnyFailure {
  return isFailure(error) ? error : (new Failure('internal', { incident }, { cause: error }) as AnyFailure)
}

/** The commonest failure: one value that is not what it should be. */
export function invalid(
  path: string | readonly (string | number)[],
  problem: string,
  kind = 'value',
  place: Place = 'body',
): Failure<'invalid'> {
  const issue = { in: place, path: typeof path === 'string' ? [path] : path, problem, kind }
  return new Failure('invalid', { issues: [issue] })
}

/** Looks a failure up in a door's table. */
export function render<Wire>(table: FailureTable<Wire>, failure: AnyFailure): Wire {
  const entry = table[failure.code] as (detail: unknown) => Wire
  return entry(failure.detail)
}

/** One fault in what a caller sent: where it stands, what is wrong, and a word for programs. */
export interface Issue {
  readonly path: readonly (string | number)[]
  readonly problem: string
  readonly kind: string
}

/** Everything that can go wrong, in the core's own words: no status codes, no wire wording. */
export interface Failures {
  unauthenticated: { reason: 'missing' | 'malformed' | 'wrong' | 'expired' | 'revoked' }
  forbidden: { needs: 'scope' | 'prefix' | 'login' | 'active_account' | 'same_origin'; detail?: string }
  not_found: { what: 'file' | 'folder' | 'key' | 'account' | 'link' | 'blob' | 'route'; id: string }
  method_not_allowed: { allowed: readonly string[] }
  conflict: { what: 'file' | 'folder' | 'account'; id: string; why: string }
  invalid: { issues: readonly Issue[] }
  too_large: { of: 'file' | 'body' | 'picture'; limit: number; unit: 'bytes' | 'pixels' | 'frames' }
  type_refused: { type: string; because: 'not_allowed' | 'unreadable' }
  quota_exceeded: { of: 'bytes' | 'files'; limit: number; used: number }
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
): Failure<'invalid'> {
  return new Failure('invalid', { issues: [{ path: typeof path === 'string' ? [path] : path, problem, kind }] })
}

/** Looks a failure up in a door's table. */
export function render<Wire>(table: FailureTable<Wire>, failure: AnyFailure): Wire {
  const entry = table[failure.code] as (detail: unknown) => Wire
  return entry(failure.detail)
}

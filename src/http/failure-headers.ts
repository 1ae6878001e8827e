import type { AnyFailure } from '../core/failure.ts'

/** Headers that HTTP itself wants beside a failure, the same at every door. */
export function failureHeaders(failure: AnyFailure): Record<string, string> {
  switch (failure.code) {
    case 'rate_limited': {
      const { limit, retryAfterSeconds } = failure.detail
      return {
        'Retry-After': String(retryAfterSeconds),
        'RateLimit-Limit': String(limit),
        'RateLimit-Remaining': '0',
        'RateLimit-Reset': String(retryAfterSeconds),
      }
    }
    case 'busy':
      return { 'Retry-After': String(failure.detail.retryAfterSeconds) }
    case 'method_not_allowed':
      return { Allow: failure.detail.allowed.join(', ') }
    case 'unauthenticated':
      // A link's password is sent as browsers and curl know how to ask for one.
      return failure.detail.reason.endsWith('share_password')
        ? { 'WWW-Authenticate': 'Basic realm="link", charset="UTF-8"' }
        : { 'WWW-Authenticate': 'Bearer' }
    default:
      return {}
  }
}

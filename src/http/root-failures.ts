import { type AnyFailure, type FailureTable, render } from '../core/failure.ts'
import type { Rendered } from './door.ts'
import { textOf } from './failure-texts.ts'

/** Every code that an answer at the root may carry, for programs: Atiru's, whose routes these are, and what it has no word for. */
export const errorCodes = {
  MISSING_AUTH: [401, 'No credential, or not in a known form of header'],
  INVALID_OR_EXPIRED_TOKEN: [401, 'A key or token that is not known, has expired or was revoked'],
  INVALID_CREDENTIALS: [401, 'The e-mail address or the password is wrong'],
  EMAIL_NOT_VERIFIED: [403, 'The link in the confirmation mail was not followed yet'],
  JWT_REQUIRED: [403, 'An API key where only a log-in is taken'],
  REGISTRATION_CLOSED: [403, 'Strangers may not register here'],
  FORBIDDEN: [403, 'The key lacks a scope, or is held to another folder; or the account is disabled'],
  TRIAL_ENDED: [403, 'The trial is over: what is stored can be read, and nothing changed'],
  STORAGE_LIMIT_REACHED: [403, 'The bytes that the account may store are used up'],
  FILE_COUNT_LIMIT_REACHED: [403, 'The number of files that the account may store is reached'],
  FILE_NOT_FOUND: [404, 'No such file'],
  NOT_FOUND: [404, 'No such other thing, or no such address'],
  METHOD_NOT_ALLOWED: [405, 'The address answers other methods only, named in Allow'],
  CONFLICT: [409, 'Something else stands in the way'],
  FILE_TOO_LARGE: [413, 'The body is larger than may be uploaded'],
  IMAGE_TOO_LARGE: [413, 'The picture has more pixels than are opened here'],
  CONTENT_TYPE_NOT_ALLOWED: [400, 'The type is not on the list of allowed ones'],
  CONTENT_VERIFICATION_FAILED: [400, 'The bytes are not of the type that is said'],
  IMAGE_UNREADABLE: [415, 'The picture cannot be decoded'],
  INVALID_REQUEST: [400, 'Anything else that is wrong with the request'],
  RATE_LIMITED: [429, 'Too many requests: wait as many seconds as Retry-After says'],
  IMAGE_OPS_LIMIT_REACHED: [429, "The plan's pictures of this month are used up"],
  ORIGIN_READS_LIMIT_REACHED: [429, "The plan's reads of this month are used up"],
  SERVER_BUSY: [503, 'Try again after as many seconds as Retry-After says'],
  INSUFFICIENT_STORAGE: [507, "The server's disk is full"],
  INTERNAL_ERROR: [500, 'A fault of the server, which its log tells more of'],
} as const satisfies Record<string, readonly [status: number, description: string]>

export type ErrorCode = keyof typeof errorCodes

const refusals: Record<string, ErrorCode> = {
  login: 'JWT_REQUIRED',
  verified_email: 'EMAIL_NOT_VERIFIED',
  open_registration: 'REGISTRATION_CLOSED',
  plan: 'TRIAL_ENDED',
}

const limits = {
  bytes: 'STORAGE_LIMIT_REACHED',
  files: 'FILE_COUNT_LIMIT_REACHED',
  links: 'CONFLICT',
  image_ops: 'IMAGE_OPS_LIMIT_REACHED',
  origin_reads: 'ORIGIN_READS_LIMIT_REACHED',
} as const

const typeRefusals = {
  not_allowed: 'CONTENT_TYPE_NOT_ALLOWED',
  mismatch: 'CONTENT_VERIFICATION_FAILED',
  unreadable: 'IMAGE_UNREADABLE',
} as const

/** The code of everything that can go wrong. */
export const words: FailureTable<ErrorCode> = {
  unauthenticated: ({ reason }) => {
    if (reason === 'password' || reason === 'code') return 'INVALID_CREDENTIALS'
    return reason === 'missing' || reason === 'malformed' ? 'MISSING_AUTH' : 'INVALID_OR_EXPIRED_TOKEN'
  },
  forbidden: ({ needs }) => refusals[needs] ?? 'FORBIDDEN',
  not_found: ({ what }) => (what === 'file' ? 'FILE_NOT_FOUND' : 'NOT_FOUND'),
  method_not_allowed: () => 'METHOD_NOT_ALLOWED',
  conflict: () => 'CONFLICT',
  invalid: () => 'INVALID_REQUEST',
  too_large: ({ of }) => (of === 'picture' ? 'IMAGE_TOO_LARGE' : 'FILE_TOO_LARGE'),
  type_refused: ({ because }) => typeRefusals[because],
  quota_exceeded: ({ of }) => limits[of],
  rate_limited: () => 'RATE_LIMITED',
  disk_full: () => 'INSUFFICIENT_STORAGE',
  busy: () => 'SERVER_BUSY',
  internal: () => 'INTERNAL_ERROR',
}

/** The shape that all failures have at the root: at Atiru's door, on `/m` and `/d`, and where there is nothing. */
export function failure(failed: AnyFailure): Rendered {
  const code = render(words, failed)
  const [statusCode] = errorCodes[code]
  return { status: statusCode, body: { error: textOf(failed), statusCode, code } }
}

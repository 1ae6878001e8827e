import {
  type AnyFailure,
  type Failures,
  type FailureTable,
  type Issue,
  type Needed,
  render,
  type Unauthenticated,
} from '../core/failure.ts'

const needs: Record<Needed, string> = {
  scope: 'this key lacks the scope',
  prefix: 'this key is held to the folder',
  login: 'this asks for a log-in: an access token, not an API key',
  full_key: 'this asks for a log-in or a key without scopes',
  bounds: 'a key cannot make, or remove, what reaches further or lives longer than itself',
  active_account: 'this account is disabled',
  verified_email: 'follow the link in the mail that confirms your address first',
  open_registration: 'registration is closed here; whoever runs this server makes accounts',
  plan: 'the trial of this account is over: it can read what it stored, and change nothing',
  same_origin: 'this form was sent from another site',
  bot_check: 'the check that you are no robot failed; load the page anew and try again',
  signed_url: 'this address was changed, is for something else, or is over; ask for a new one',
}

const reasons: Record<Unauthenticated, string> = {
  missing: 'send an API key or an access token: "Authorization: Bearer …", or a key as "X-API-Key: …"',
  malformed: 'the Authorization header is not of the form "Bearer …"',
  unreadable:
    'this is neither an API key nor an access token, or one that was mistyped: a key is its prefix, "_" and 36 characters',
  unknown: 'this key or token is not known',
  expired: 'this key or token has expired',
  revoked: 'this key was revoked',
  ended: 'this log-in has ended: sign in again',
  password: 'the e-mail address or the password is not right',
  signature: 'the signature is not that of the account over this nonce; ask for a new challenge',
  share: 'this link is not known, or is over',
  share_password: 'this link has a password, and this is not the one',
  no_share_password: 'this link has a password: send it as curl -u x:PASSWORD does',
  code: 'the code is not right, was used already, or has expired: ask for a new one',
}

const mismatches = (type: string, found: string | undefined): string =>
  found === undefined ? `the bytes are not ${type}` : `the bytes are ${found}, not ${type}`

const noRoom = (limit: string, used: number): string =>
  `the quota of ${limit} does not allow for it: ${used} are in use`
const usedUp = (limit: string): string => `the ${limit} of this month are used up`

const quotas: Record<Failures['quota_exceeded']['of'], (limit: number, used: number) => string> = {
  bytes: (limit, used) => noRoom(`${limit} bytes`, used),
  files: (limit, used) => noRoom(`${limit} files`, used),
  links: (limit) => `there may be ${limit} links of this kind at a time: end some, or wait until some are over`,
  image_ops: (limit) => usedUp(`${limit} pictures`),
  origin_reads: (limit) => usedUp(`${limit} reads`),
}

/** One sentence for people on every failure, that says what to do where something can be done. */
const texts: FailureTable<string> = {
  unauthenticated: ({ reason }) => reasons[reason],
  forbidden: ({ needs: needed, detail }) => [needs[needed], detail].filter(Boolean).join(' '),
  not_found: ({ what, hint }) => `there is no such ${what}${hint === undefined ? '' : `: ${hint}`}`,
  method_not_allowed: ({ allowed }) => `this address answers ${allowed.join(', ')} only`,
  conflict: ({ why }) => why,
  invalid: ({ issues }) => issues.map(issueInWords).join('; '),
  too_large: ({ of, limit, unit }) => `the ${of} is too large: at most ${limit} ${unit}`,
  type_refused: ({ type, because, found }) => {
    if (because === 'mismatch') return mismatches(type, found)
    if (because === 'unreadable') return `the picture (${type}) cannot be decoded`
    const isOfForms = /^multipart\/|^application\/x-www-form-urlencoded$/.test(type)
    return isOfForms
      ? `${type} is the type of a form, and not of a file: say the file's own type in Content-Type, as in image/png`
      : `files of type ${type} are not taken here (uploads.allowed_content_types)`
  },
  quota_exceeded: ({ of, limit, used }) => quotas[of](limit, used),
  rate_limited: ({ limit, windowSeconds, retryAfterSeconds }) =>
    `at most ${limit} requests in ${windowSeconds} seconds; try again in ${retryAfterSeconds} seconds`,
  disk_full: ({ why }) => `${why}; nothing was kept`,
  busy: ({ why, retryAfterSeconds }) => `${why}; try again in ${retryAfterSeconds} seconds`,
  internal: ({ incident }) => `something went wrong here; the log tells more of ${incident}`,
}

export function textOf(failure: AnyFailure): string {
  return render(texts, failure)
}

/** Where a fault stands and what it is, as one half sentence: most problems are told of a field, some are a sentence already. */
function issueInWords({ path, problem }: Issue): string {
  const name = path.join('.')
  if (name === '' || problem.includes(String(path.at(-1)))) return problem
  return /^(is|knows) /.test(problem) ? `${name} ${problem}` : `${name}: ${problem}`
}

import { type AnyFailure, type Failures, type FailureTable, isFailure, render } from '../../core/failure.ts'
import { html } from '../html.ts'
import { type Page, page } from './visit.ts'
import { counted, sentence, sizeInWords } from './words.ts'

/** What somebody at a browser is told of a failure: what is the matter, and what to do. */
export interface Told {
  readonly status: number
  readonly title: string
  readonly text: string
}

const told = (status: number, title: string, text: string): Told => ({ status, title, text })

const refusals: Record<Failures['forbidden']['needs'], string> = {
  scope: 'This is not within what you may do here.',
  prefix: 'This is not within what you may do here.',
  full_key: 'This is not within what you may do here.',
  bounds: 'This is not within what you may do here.',
  login: 'Sign in first.',
  verified_email: 'Follow the link in the mail that we sent you first: it confirms your address.',
  open_registration: 'Registration is closed here. Whoever runs this server can make an account for you.',
  plan: 'Your trial is over: what you stored can be seen and downloaded, and nothing changed.',
  active_account: 'This account is disabled. Whoever runs this server can enable it again: larder user enable.',
  same_origin:
    'The form came from another site, so nothing was done. If it was you: open this page anew under the address you see now, and send it again.',
}

const missing: Partial<Record<Failures['not_found']['what'], string>> = {
  file: 'There is no such file. It may have been deleted meanwhile.',
  key: 'There is no such key. It may have been revoked meanwhile.',
  link: 'The link was used already, or it has expired.',
}

/** The dashboard's word for everything that can go wrong. */
export const words: FailureTable<Told> = {
  unauthenticated: ({ reason }) =>
    reason === 'password'
      ? told(401, 'Not signed in', 'The e-mail address or the password is not right.')
      : told(401, 'Not signed in', 'Sign in first.'),
  forbidden: ({ needs }) => told(403, 'Refused', refusals[needs]),
  not_found: ({ what }) => told(404, 'Not found', missing[what] ?? 'There is no page at this address.'),
  method_not_allowed: () => told(405, 'Not like this', 'This address does not take what was sent to it.'),
  conflict: ({ why }) => told(409, 'Taken already', sentence(why)),
  invalid: ({ issues }) => told(400, 'Not quite right', issues.map(({ problem }) => sentence(problem)).join(' ')),
  too_large: ({ of, limit, unit }) =>
    told(
      413,
      'Too large',
      `A ${of} may have ${unit === 'bytes' ? sizeInWords(limit) : counted(limit, unit.slice(0, -1))} at most.`,
    ),
  type_refused: ({ type, because }) =>
    because === 'mismatch'
      ? told(415, 'Not what it says', `The file is said to be of the type ${type}, and its content is not.`)
      : told(415, 'Not taken here', `Files of the type ${type} are not taken here.`),
  quota_exceeded: ({ of, limit, used }) =>
    told(403, 'No room left', of === 'bytes' ? fullOfBytes(limit, used) : fullOfFiles(limit, used)),
  rate_limited: ({ retryAfterSeconds }) =>
    told(429, 'Too many at once', `Wait ${counted(retryAfterSeconds, 'second')}, then try again.`),
  disk_full: () =>
    told(507, "The server's disk is full", 'Nothing of this was kept. What is stored is safe, and can be deleted.'),
  busy: ({ retryAfterSeconds }) =>
    told(503, 'Busy', `The server has too much to do. Try again in ${counted(retryAfterSeconds, 'second')}.`),
  internal: ({ incident }) =>
    told(500, 'Something went wrong here', `It is not your fault. The server's log tells more under ${incident}.`),
}

function fullOfBytes(limit: number, used: number): string {
  return `Your account may hold ${sizeInWords(limit)}, and ${sizeInWords(used)} are in use. Nothing of this upload was kept.`
}

function fullOfFiles(limit: number, used: number): string {
  return `Your account may hold ${counted(limit, 'file')}, and there are ${used}. Nothing of this upload was kept.`
}

export function toldOf(failure: AnyFailure): Told {
  return render(words, failure)
}

/** What to tell above a form that is shown once more; what a form cannot mend is thrown on. */
export function mendable(error: unknown): Told {
  if (isFailure(error) && ['invalid', 'conflict', 'unauthenticated'].includes(error.code)) return toldOf(error)
  throw error
}

export function failurePage(failure: AnyFailure, base: string): Page {
  const { status, title, text } = toldOf(failure)
  const body = html`<section class="card narrow">
<h1>${title}</h1>
<p>${text}</p>
<p><a class="button" href="${base}/app/">Back to the files</a></p>
</section>`
  return page(title, body, { status })
}

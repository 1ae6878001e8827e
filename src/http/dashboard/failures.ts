import type { Caller } from '../../core/caller.ts'
import { type AnyFailure, type Failures, type FailureTable, isFailure, render } from '../../core/failure.ts'
import { failureHeaders } from '../failure-headers.ts'
import { type Html, html } from '../html.ts'
import { counted, durationInWords, sentence, sizeInWords } from '../words.ts'
import { narrowCard } from './controls.ts'
import { type Page, type PageOptions, page } from './visit.ts'

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
  verified_email:
    'Your address is not confirmed yet: follow the link in the mail that we sent you. If that mail is lost, ask for a new password, which confirms the address, too.',
  open_registration: 'Registration is closed here. Whoever runs this server can make an account for you.',
  plan: 'Your trial is over: what you stored can be seen and downloaded, and nothing changed.',
  active_account: 'This account is disabled. Whoever runs this server can enable it again: larder user enable.',
  same_origin:
    'The form came from another site, so nothing was done. If it was you: open this page anew under the address you see now, and send it again.',
  bot_check: 'The check that you are no robot failed. Load the page anew and try again.',
  signed_url: 'This address was changed, is for something else, or is over.',
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
  quota_exceeded: ({ of, limit, used }) => quotas[of](limit, used),
  rate_limited: ({ retryAfterSeconds }) =>
    told(429, 'Too often', `That was too often. Wait ${durationInWords(retryAfterSeconds)}, then try again.`),
  disk_full: () =>
    told(507, "The server's disk is full", 'Nothing of this was kept. What is stored is safe, and can be deleted.'),
  busy: ({ retryAfterSeconds }) =>
    told(503, 'Busy', `The server has too much to do. Try again in ${durationInWords(retryAfterSeconds)}.`),
  internal: ({ incident }) =>
    told(500, 'Something went wrong here', `It is not your fault. The server's log tells more under ${incident}.`),
}

const quotas: Record<Failures['quota_exceeded']['of'], (limit: number, used: number) => Told> = {
  bytes: (limit, used) => noRoom(sizeInWords(limit), `${sizeInWords(used)} are in use`),
  files: (limit, used) => noRoom(counted(limit, 'file'), `there are ${used}`),
  links: (limit) => told(403, 'Too many links', `There may be ${limit} links of this kind at a time. End some first.`),
  image_ops: (limit) => usedUp(counted(limit, 'picture')),
  origin_reads: (limit) => usedUp(counted(limit, 'download')),
}

function noRoom(limit: string, used: string): Told {
  return told(403, 'No room left', `Your account may hold ${limit}, and ${used}. Nothing of this upload was kept.`)
}

function usedUp(limit: string): Told {
  return told(429, 'Used up', `Your plan has ${limit} a month, and they are used up. They begin anew on the first.`)
}

export function toldOf(failure: AnyFailure): Told {
  return render(words, failure)
}

/** What is told above a form that is shown once more. */
export interface Problem extends Told {
  readonly headers: Readonly<Record<string, string>>
}

const mendableCodes: readonly string[] = ['invalid', 'conflict', 'unauthenticated', 'rate_limited', 'busy']

/** What to tell above a form that is shown once more; what nobody can mend by sending it again is thrown on. */
export function mendable(error: unknown): Problem {
  if (isFailure(error) && isMendable(error)) return { ...toldOf(error), headers: failureHeaders(error) }
  throw error
}

function isMendable(failure: AnyFailure): boolean {
  if (failure.code === 'forbidden') return failure.detail.needs === 'verified_email'
  return mendableCodes.includes(failure.code)
}

/** A page with a form: it is answered as the problem has it, if there is one. */
export function formPage(title: string, body: Html, problem: Problem | undefined, more: PageOptions = {}): Page {
  return page(title, body, { ...more, ...(problem && { status: problem.status, headers: problem.headers }) })
}

export function failurePage(failure: AnyFailure, base: string, caller: Caller | undefined): Page {
  const { status, title, text } = toldOf(failure)
  const back = caller ? 'Back to the files' : 'To the start'
  const body = narrowCard(
    title,
    html`<p>${text}</p>
<p><a class="button" href="${base}/app/">${back}</a></p>`,
  )
  return page(title, body, { status })
}

import { type Html, html } from '../html.ts'
import { counted } from '../words.ts'
import type { Told } from './failures.ts'
import type { Visit } from './visit.ts'

type Text = string | ((visit: Visit) => string)

const notices: Readonly<Record<string, Text>> = {
  ended: 'Your session has ended. Sign in again.',
  out: 'You are signed out.',
  confirmed: 'Your address is confirmed. Sign in.',
  'link-over': ({ core }) =>
    `That link was used already, or it has expired. If you cannot sign in, ${core.registration.isOpen ? 'register again, ' : ''}ask for another link, or for a new password.`,
  reset: 'Your password is changed. Sign in with the new one.',
  password: 'Your password is changed, and you are signed out everywhere else.',
  deleted: 'The file is deleted.',
  public: 'The file is public: whoever has its link can open it.',
  private: 'The file is private: its link opens nothing any more. Who opened it before may have kept a copy.',
  revoked: 'The key is revoked: it opens nothing any more.',
  once: 'A new key is shown once, right after it is made. If you did not keep it, revoke it and make another.',
}

/** Those that nobody hoped for. */
const unwelcome: ReadonlySet<string> = new Set(['link-over'])

/** What a form that was sent has done, told on the page it led to. The address says which; the words are ours. */
export function noticeOf(visit: Visit): Html | undefined {
  const name = visit.query.get('notice') ?? ''
  const text = storedText(visit) ?? namedText(visit, name)
  if (text === undefined) return undefined
  return html`<p class="${unwelcome.has(name) ? 'problem' : 'notice'}" role="status">${text}</p>`
}

function storedText({ query }: Visit): string | undefined {
  const stored = query.get('stored') ?? ''
  return /^[1-9]\d{0,3}$/.test(stored) ? `${counted(Number(stored), 'file')} stored.` : undefined
}

function namedText(visit: Visit, name: string): string | undefined {
  const text = Object.hasOwn(notices, name) ? notices[name] : undefined
  return typeof text === 'function' ? text(visit) : text
}

/** What was wrong with a form, above it. */
export function problemOf(told: Told | undefined): Html | undefined {
  return told && html`<p class="problem" role="alert">${told.text}</p>`
}

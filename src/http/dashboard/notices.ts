import { type Html, html } from '../html.ts'
import type { Told } from './failures.ts'
import { counted } from './words.ts'

const notices: Readonly<Record<string, string>> = {
  ended: 'Your session has ended. Sign in again.',
  out: 'You are signed out.',
  deleted: 'The file is deleted.',
  revoked: 'The key is revoked: it opens nothing any more.',
}

/** What a form that was sent has done, told on the page it led to. The address says which; the words are ours. */
export function noticeOf(query: URLSearchParams): Html | undefined {
  const stored = query.get('stored') ?? ''
  const name = query.get('notice') ?? ''
  const text = /^[1-9]\d{0,3}$/.test(stored)
    ? `${counted(Number(stored), 'file')} stored.`
    : Object.hasOwn(notices, name) && notices[name]
  return text ? html`<p class="notice" role="status">${text}</p>` : undefined
}

/** What was wrong with a form, above it. */
export function problemOf(told: Told | undefined): Html | undefined {
  return told && html`<p class="problem" role="alert">${told.text}</p>`
}

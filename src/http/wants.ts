import Negotiator from 'negotiator'

/** Whether the client would rather have a page than JSON: a browser that sent a form, not a program. */
export function wantsHtml(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes('text/html')) return false
  return new Negotiator({ headers: { accept } }).mediaType(['application/json', 'text/html']) === 'text/html'
}

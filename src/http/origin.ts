import type { IncomingMessage } from 'node:http'
import { Failure } from '../core/failure.ts'
import type { RequestContext } from './context.ts'

/**
 * A cookie comes along with whatever sends a form, so a change is taken from our own pages alone: by `Origin`, by
 * `Sec-Fetch-Site` where an old browser sends none, by `Referer` where neither is there. Our own is the address that the
 * outside knows, and any name under which this very request came: a server on a LAN has several.
 * @throws Failure `forbidden`.
 */
export function requireSameOrigin(request: IncomingMessage, context: RequestContext): void {
  const { origin, referer, 'sec-fetch-site': site } = request.headers
  if (origin !== undefined ? isOwn(origin, request, context) : isSameSite(site, referer, request, context)) return
  throw new Failure('forbidden', { needs: 'same_origin' })
}

function isSameSite(
  site: string | string[] | undefined,
  referer: string | undefined,
  request: IncomingMessage,
  context: RequestContext,
): boolean {
  // `none`: the reader's own doing, as from the address line.
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return referer !== undefined && isOwn(referer, request, context)
}

/** `null`, which a browser sends for a page that must not say where it is from, is nobody's own. */
function isOwn(sent: string, request: IncomingMessage, context: RequestContext): boolean {
  const url = webUrl(sent)
  if (!url) return false
  return url.origin === new URL(context.baseUrl).origin || url.host === askedHost(request, url.protocol)
}

/** The `Host` of the request as a URL of that scheme has it: in lower case, without the scheme's own port. */
function askedHost(request: IncomingMessage, protocol: string): string | undefined {
  return webUrl(`${protocol}//${request.headers.host ?? ''}`)?.host
}

function webUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}

/**
 * Whether the browser itself stands on https. With an https `public_url` people still come in by the box's plain names on
 * the LAN, where it would throw a `Secure` cookie away and nobody could sign in.
 */
export function isSecureFor(request: IncomingMessage, context: RequestContext): boolean {
  const origin = webUrl(request.headers.origin ?? '')
  const isPlainName = origin?.protocol === 'http:' && origin.host !== new URL(context.baseUrl).host
  return context.isSecure && !isPlainName
}

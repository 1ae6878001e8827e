import { Failure } from '../../../core/failure.ts'
import type { OpenShare } from '../../../core/shares.ts'
import { addressGroup } from '../../address.ts'
import type { OpenCall } from '../../door.ts'

/** What of a call is needed to let it pass. */
type Visitor = Pick<OpenCall, 'core' | 'request' | 'context' | 'attempt'>

/** Where a link was come by: the path of the link itself, as the browser knows it, and the link's token. */
export interface At {
  readonly token: string
  /** `/s/{token}`, with all that stands before. */
  readonly address: string
  /** What follows the link's own slash, percent-decoded once; none where there is no slash. */
  readonly below: string | undefined
}

const form = /^((?:\/storage)?\/s\/([^/]*))(?:\/(.*))?$/

/** Which link is meant, and what below it. */
export function placeOf({ basePath, context }: Pick<OpenCall, 'basePath' | 'context'>): At {
  const [, link = '', token = '', below] = form.exec(context.path) ?? []
  return { token, address: basePath + link, below: below === undefined ? undefined : decodeURIComponent(below) }
}

/**
 * Lets whoever knows the link's password on: by the pass that a browser was given for it, or by `Authorization: Basic`.
 * @throws Failure `unauthenticated`, `rate_limited`.
 */
export async function requirePass(call: Visitor, open: OpenShare): Promise<void> {
  if (!open.share.hasPassword) return
  const pass = cookieOf(call.request.headers.cookie, cookieName(open))
  if (pass !== undefined && (await call.core.shares.isPass(open, pass))) return
  const password = basicPassword(call.request.headers.authorization)
  if (password === undefined) throw new Failure('unauthenticated', { reason: 'no_share_password' })
  if (!call.core.shares.wasRight(open, password, addressOf(call))) await tryPassword(call, open, password)
}

/** Each link and address by itself: whoever guesses waits, and nobody else. @throws Failure `unauthenticated`, `rate_limited`. */
export function tryPassword(call: Visitor, open: OpenShare, password: string): Promise<void> {
  // Tries are counted by e-mail addresses; nobody can have one of this domain (RFC 2606).
  const work = () => call.core.shares.requirePassword(open, password, addressOf(call))
  return call.attempt(`${open.share.id}@share.invalid`, work)
}

/** Whoever tries, as the limits count them. */
const addressOf = ({ context }: Visitor): string => addressGroup(context.address)

/** `Set-Cookie` with a pass, for this link alone and all below it. */
export async function passCookie(call: Visitor, open: OpenShare, { address }: At): Promise<string> {
  const { text, expiresAt } = await call.core.shares.pass(open)
  const life = Math.max(0, Math.floor((expiresAt - call.core.clock.now()) / 1_000))
  const attributes = [`Path=${address}`, `Max-Age=${life}`, 'HttpOnly', 'SameSite=Lax']
  return [`${cookieName(open)}=${text}`, ...attributes, ...(isSecure(call) ? ['Secure'] : [])].join('; ')
}

const cookieName = ({ share }: OpenShare): string => `larder_share_${share.id}`

/**
 * Whether the browser itself stands on https: under a plain name on the LAN it would throw a `Secure` cookie away. These pages
 * send no `Origin`; but only on a safe connection do browsers tell of `Sec-Fetch-Site`.
 */
function isSecure({ request, context }: Visitor): boolean {
  const isPublicName = request.headers.host === new URL(context.baseUrl).host
  return context.isSecure && (isPublicName || request.headers['sec-fetch-site'] !== undefined)
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  const pairs = header?.split(';').map((pair) => pair.trim()) ?? []
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** The password of `Authorization: Basic`, whatever name comes with it (RFC 7617). */
function basicPassword(header: string | undefined): string | undefined {
  const [, sent] = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header ?? '') ?? []
  const text = sent === undefined ? '' : Buffer.from(sent, 'base64').toString('utf8')
  const cut = text.indexOf(':')
  return cut < 0 ? undefined : text.slice(cut + 1)
}

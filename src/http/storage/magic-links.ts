import type { IncomingMessage } from 'node:http'
import type { Core } from '../../core/core.ts'
import { isFailure } from '../../core/failure.ts'
import { credentialOf } from '../credentials.ts'
import { found, type OpenCall, ok, openRoute, type Reply, type Route } from '../door.ts'
import { html } from '../html.ts'
import { requireSameOrigin } from '../origin.ts'
import { sessionHeaders, signedInCaller } from '../session.ts'
import { wantsHtml } from '../wants.ts'
import * as schemas from './auth-schemas.ts'
import { card, linkPage } from './pages/layout.ts'

/** Links to sign in by, in letters. */
export const magicLinks: readonly Route[] = [
  openRoute(
    'post',
    '/auth/magic-link',
    {
      summary: 'Sends a link to sign in by, good once and for 15 minutes; the answer is always the same.',
      counts: 'auth',
      body: schemas.magicLinkWish,
      answer: schemas.message,
      codes: ['forbidden', 'busy'],
      example: { body: { email: 'you@example.com' } },
    },
    async ({ core, body, context, request }) => {
      const response = body['cf-turnstile-response'] ?? undefined
      const isKnown = await isByKnownCaller(core, request)
      await core.registration.sendMagicLink(body.email, isKnown ? undefined : { response, address: context.address })
      return ok({ message: 'If this address may sign in here, a link is on its way.' })
    },
  ),

  openRoute(
    'get',
    '/auth/magic/:token',
    {
      summary: "Follows the link of a mail: signs in to the server's own pages, and leads there.",
      status: 302,
      codes: ['not_found', 'forbidden'],
      example: { params: { token: 'FROM_THE_MAIL' } },
    },
    async ({ core, params, basePath, context, request }) => {
      // Something that looks ahead at links must not use them up.
      if (request.method === 'HEAD') return found(`${basePath}/app/sign-in`)
      // Whoever is signed in may have been sent somebody else's link, to store there what is its own.
      if (await signedInCaller(core, request)) return askPage()
      return follow({ core, params, basePath, context, request })
    },
  ),

  openRoute(
    'post',
    '/auth/magic/:token',
    {
      summary: 'The same from the page that asks whoever is signed in already.',
      gives: 'text/html',
      status: 302,
      takes: 'application/x-www-form-urlencoded',
      codes: ['not_found', 'forbidden'],
      example: { params: { token: 'FROM_THE_MAIL' } },
    },
    async (call) => {
      requireSameOrigin(call.request, call.context)
      return follow(call)
    },
  ),
]

type Follower = Pick<OpenCall<{ token: string }>, 'core' | 'params' | 'basePath' | 'context' | 'request'>

async function follow({ core, params, basePath, context, request }: Follower): Promise<Reply> {
  try {
    const { token } = await core.registration.redeemMagicLink(params.token)
    return found(`${basePath}/app/`, sessionHeaders(token, request, context))
  } catch (error) {
    const isOver = isFailure(error) && error.code === 'not_found'
    if (isOver && wantsHtml(request.headers.accept)) return found(`${basePath}/app/sign-in?notice=link-over`)
    throw error
  }
}

/** Its form must say where it is from, and nobody else is to know the address. */
function askPage(): Reply {
  const content = html`<p>You are signed in here already. Following the link signs you in anew, as whoever it was sent to.</p>
<form method="post"><button>Sign in by the link</button></form>`
  return linkPage('Sign in', card('Sign in anew?', content), { headers: { 'Referrer-Policy': 'same-origin' } })
}

/** Whether a key or token comes along that is good: programs with one need not show that they are none. */
async function isByKnownCaller(core: Core, request: IncomingMessage): Promise<boolean> {
  try {
    await core.access.authenticate(credentialOf(request))
    return true
  } catch (error) {
    if (isFailure(error)) return false
    throw error
  }
}

import type { IncomingMessage } from 'node:http'
import type { Core } from '../../core/core.ts'
import { isFailure } from '../../core/failure.ts'
import { credentialOf } from '../credentials.ts'
import { found, ok, openRoute, type Route } from '../door.ts'
import { sessionHeaders } from '../session.ts'
import { wantsHtml } from '../wants.ts'
import * as schemas from './auth-schemas.ts'

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
      try {
        const { token } = await core.registration.redeemMagicLink(params.token)
        return found(`${basePath}/app/`, sessionHeaders(token, basePath, request, context))
      } catch (error) {
        const isOver = isFailure(error) && error.code === 'not_found'
        if (isOver && wantsHtml(request.headers.accept)) return found(`${basePath}/app/sign-in?notice=link-over`)
        throw error
      }
    },
  ),
]

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

import type { IncomingMessage } from 'node:http'
import type { Core } from '../../core/core.ts'
import { Failure, isFailure } from '../../core/failure.ts'
import { credentialOf } from '../credentials.ts'
import { created, ok, openRoute, type Route } from '../door.ts'
import { requireSameOrigin } from '../origin.ts'
import { hasSessionCookie, sessionHeaders, signedInCaller } from '../session.ts'
import * as schemas from './auth-schemas.ts'
import { magicLinks } from './magic-links.ts'

const actor = 'alice'
const codes = ['not_found']

const actors: readonly Route[] = [
  openRoute(
    'post',
    '/auth/register',
    {
      summary: 'Makes an account that signs in with an Ed25519 key pair of its own.',
      counts: 'auth',
      body: schemas.registration,
      status: 201,
      answer: schemas.registered,
      codes: ['forbidden', 'conflict'],
      example: { body: { actor, type: 'human', public_key: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=' } },
    },
    async ({ core, body }) => {
      const type = body.type ?? 'human'
      const account = await core.actors.register(body.actor, type, body.public_key)
      return created({ actor: account.actor, type: account.actorType })
    },
  ),

  openRoute(
    'post',
    '/auth/challenge',
    {
      summary: 'A nonce to be signed, good once and for five minutes.',
      counts: 'auth',
      body: schemas.challengeWish,
      answer: schemas.challenge,
      codes,
      example: { body: { actor } },
    },
    async ({ core, body }) => {
      const { id, nonce, expiresAt } = await core.actors.challenge(body.actor)
      return ok({ challenge_id: id, nonce, expires_at: expiresAt })
    },
  ),

  openRoute(
    'post',
    '/auth/verify',
    {
      summary: 'Signs in by a signature over the nonce of a challenge, which is used up by it: a token for 30 days.',
      counts: 'auth',
      body: schemas.signed,
      answer: schemas.session,
      codes: ['unauthorized', 'forbidden', ...codes],
      example: {
        body: { challenge_id: '84fc585f-073e-4b30-8f74-e650d50c8622', actor, signature: `${'A'.repeat(86)}==` },
      },
    },
    async ({ core, body }) => {
      const { account, accessToken, expiresAt } = await core.actors.verify(
        body.challenge_id,
        body.actor,
        body.signature,
      )
      return ok({ token: accessToken, actor: account.actor, expires_at: expiresAt })
    },
  ),
]

const logOut = openRoute(
  'post',
  '/auth/logout',
  {
    summary: "Ends the session of the token, or else of the page's cookie, at once.",
    answer: schemas.loggedOut,
    codes: ['unauthorized', 'forbidden'],
    headers: {
      Authorization: 'The token whose session ends, after `Bearer`',
      Cookie: "The session of the server's own pages; then `Origin` must be the server's own",
    },
  },
  async ({ core, request, context }) => {
    const { authorization, 'x-api-key': apiKey } = request.headers
    if (authorization !== undefined || apiKey !== undefined) {
      await endSessionOf(core, credentialOf(request))
      return ok({ ok: true })
    }
    if (!hasSessionCookie(request)) return ok({ ok: true })
    requireSameOrigin(request, context)
    await endPageSession(core, request)
    return ok({ ok: true }, sessionHeaders(null, request, context))
  },
)

async function endSessionOf(core: Core, credential: string): Promise<void> {
  await core.access.logOutBy(credential).catch((error) => {
    const isKey = isFailure(error) && error.code === 'forbidden' && error.detail.needs === 'login'
    if (!isKey) throw error
    throw new Failure('forbidden', { needs: 'login', detail: '(a key is revoked by DELETE /auth/keys/{id})' })
  })
}

async function endPageSession(core: Core, request: IncomingMessage): Promise<void> {
  const caller = await signedInCaller(core, request)
  if (caller) await core.access.logOut(caller)
}

export const auth: readonly Route[] = [...actors, logOut, ...magicLinks]

import { accepted, json, ok, openRoute, type Route } from '../door.ts'
import * as schemas from './schemas.ts'
import { tokensView } from './views.ts'

const email = 'you@example.com'

export const verification: readonly Route[] = [
  openRoute(
    'post',
    '/auth/verification/send-code',
    {
      summary: 'Sends a code of six digits to sign in by; the answer is always the same.',
      counts: 'auth',
      body: schemas.codeWish,
      status: 202,
      answer: schemas.codeSent,
      example: { body: { email } },
    },
    async ({ core, body }) => {
      await core.registration.sendCode(body.email)
      return accepted({ message: 'If this address may sign in here, a code is on its way.' })
    },
  ),

  openRoute(
    'post',
    '/auth/verification/verify-code',
    {
      summary: 'Signs in by a code.',
      counts: 'auth',
      body: schemas.code,
      answer: schemas.tokens,
      codes: ['invalid_code'],
      example: { body: { email, code: '965395' } },
    },
    async ({ core, body, attempt }) => {
      const issued = await attempt(body.email, () => core.registration.redeemCode(body.email, body.code))
      return ok(tokensView(issued))
    },
  ),

  openRoute(
    'post',
    '/auth/verification/refresh-token',
    {
      summary: 'The next access token for a refresh token, which is used up by it.',
      body: schemas.refreshing,
      answer: schemas.tokens,
      codes: ['unauthorized'],
      example: { body: { refresh_token: 'FROM_VERIFY_CODE', user_uuid: '84fc585f-073e-4b30-8f74-e650d50c8622' } },
    },
    async ({ core, body }) =>
      ok(tokensView(await core.access.refresh(body.refresh_token, body.user_uuid.toLowerCase()))),
  ),

  openRoute(
    'post',
    '/auth/verification/revoke-token',
    {
      summary: 'Ends the session of a refresh token, and its access tokens, at once.',
      body: schemas.revoking,
      answer: schemas.nothing,
      example: { body: { refresh_token: 'FROM_VERIFY_CODE' } },
    },
    async ({ core, body }) => {
      await core.access.revoke(body.refresh_token)
      return json({})
    },
  ),
]

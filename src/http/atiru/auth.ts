import { z } from 'zod'
import { invalid, isFailure } from '../../core/failure.ts'
import { created, found, noContent, ok, openRoute, type Route, route } from '../door.ts'
import { wantsHtml } from '../wants.ts'
import * as schemas from './schemas.ts'
import { sessionView } from './views.ts'

const confirmed = '/app/sign-in?notice=confirmed'
const linkOver = '/app/sign-in?notice=link-over'

const account = { email: 'you@example.com', password: 'your_password' }

export const auth: readonly Route[] = [
  openRoute(
    'post',
    '/auth/register',
    {
      summary: 'Registers an e-mail address; the link in the mail that it is sent makes the account usable.',
      counts: 'auth',
      body: schemas.registration,
      status: 201,
      answer: schemas.registered,
      codes: ['REGISTRATION_CLOSED', 'SERVER_BUSY'],
      example: { body: { ...account, redirect_to: 'https://app.example.com/auth/confirm-success' } },
    },
    async ({ core, body: { email, password, redirect_to: redirectTo } }) => {
      const user = await core.registration.register(email, password, redirectTo ?? undefined)
      return created({ message: 'Check your email to confirm your account.', user })
    },
  ),

  openRoute(
    'get',
    '/auth/confirm',
    {
      summary: 'Follows the link of a confirmation mail, and leads on to redirect_to or to the sign-in page.',
      query: z.object({ token: z.string() }),
      status: 302,
      codes: ['NOT_FOUND', 'FORBIDDEN'],
      example: { query: { token: 'FROM_THE_MAIL' } },
    },
    async ({ core, query, context, request }) => {
      // Something that looks ahead at links must not follow them.
      if (request.method === 'HEAD') return found(context.baseUrl + confirmed)
      try {
        const { redirectTo, choosePath } = await core.registration.confirm(query.token)
        return found(redirectTo ?? context.baseUrl + (choosePath ?? confirmed))
      } catch (error) {
        const isOver = isFailure(error) && error.code === 'not_found'
        if (isOver && wantsHtml(request.headers.accept)) return found(context.baseUrl + linkOver)
        throw error
      }
    },
  ),

  openRoute(
    'post',
    '/auth/login',
    {
      summary: 'Signs in: an access token for an hour, and a refresh token for the next one.',
      counts: 'auth',
      body: schemas.credentials,
      answer: schemas.signedIn,
      codes: ['INVALID_CREDENTIALS', 'EMAIL_NOT_VERIFIED', 'FORBIDDEN', 'SERVER_BUSY'],
      example: { body: account },
    },
    async ({ core, body: { email, password }, attempt }) =>
      ok(sessionView(await attempt(email, () => core.access.logInForTokens(email, password)))),
  ),

  openRoute(
    'post',
    '/auth/refresh',
    {
      summary: 'The next access token for a refresh token, which is used up by it.',
      body: schemas.refreshing,
      answer: schemas.signedIn,
      codes: ['INVALID_OR_EXPIRED_TOKEN'],
      example: { body: { refresh_token: 'FROM_LOGIN' } },
    },
    async ({ core, body }) => ok(sessionView(await core.access.refresh(body.refresh_token))),
  ),

  route(
    'post',
    '/auth/logout',
    { summary: 'Ends the session of the access token, at once.', need: 'login', status: 204, codes: ['JWT_REQUIRED'] },
    async ({ core, caller }) => {
      await core.access.logOut(caller)
      return noContent()
    },
  ),

  openRoute(
    'post',
    '/auth/forgot-password',
    {
      summary: 'Sends a link to choose a new password by, if there is an account; the answer is always the same.',
      counts: 'auth',
      body: schemas.forgetting,
      answer: schemas.message,
      example: { body: { email: account.email } },
    },
    async ({ core, body }) => {
      await core.registration.forgot(body.email)
      return ok({ message: 'If an account has this address, a link to choose a new password is on its way.' })
    },
  ),

  openRoute(
    'post',
    '/auth/reset-password',
    {
      summary: 'Chooses a new password by the link of the mail, and ends all sessions.',
      counts: 'auth',
      body: schemas.resetting,
      answer: schemas.message,
      codes: ['FORBIDDEN', 'SERVER_BUSY'],
      example: { body: { token: 'FROM_THE_MAIL', password: 'your_new_password' } },
    },
    async ({ core, body: { token, password } }) => {
      await core.registration.completeReset(token, password).catch((error) => {
        if (!isFailure(error) || error.code !== 'not_found') throw error
        throw invalid('token', 'the token was used already, has expired, or was not copied whole: ask for a new link')
      })
      return ok({ message: 'The password is changed. Sign in with the new one.' })
    },
  ),
]

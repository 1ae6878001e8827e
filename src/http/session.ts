import type { IncomingMessage } from 'node:http'
import { sessionLifeMs } from '../core/access.ts'
import type { Caller } from '../core/caller.ts'
import type { Core } from '../core/core.ts'
import { isFailure } from '../core/failure.ts'
import type { RequestContext } from './context.ts'
import { isSecureFor } from './origin.ts'

const cookieName = 'larder_session'
const tokenForm = /^[A-Za-z0-9_-]{43}$/

/** The session's token in a `Cookie` header. Of several cookies of the name the first counts: it has the closest path. */
export function sessionToken(header: string | undefined): string | undefined {
  const value = cookieValue(header)
  return value !== undefined && tokenForm.test(value) ? value : undefined
}

/** Whether the browser holds a session's cookie, whatever it is worth. */
export function hasSessionCookie(request: IncomingMessage): boolean {
  return cookieValue(request.headers.cookie) !== undefined
}

function cookieValue(header: string | undefined): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const cut = pair.indexOf('=')
    if (cut >= 0 && pair.slice(0, cut).trim() === cookieName) return pair.slice(cut + 1).trim()
  }
  return undefined
}

/** `Set-Cookie` that keeps a token for as long as the session may live, or takes it away (null). */
export function sessionCookie(token: string | null, basePath: string, isSecure: boolean): string {
  const life = token === null ? 0 : sessionLifeMs / 1_000
  const attributes = [`Path=${basePath}/`, `Max-Age=${life}`, 'HttpOnly', 'SameSite=Lax']
  return [`${cookieName}=${token ?? ''}`, ...attributes, ...(isSecure ? ['Secure'] : [])].join('; ')
}

/** The header by which the browser of a request keeps a session, or gives it up (null). */
export function sessionHeaders(
  token: string | null,
  request: IncomingMessage,
  context: RequestContext,
): Record<string, string> {
  // What is taken away needs no `Secure`, with which a browser on plain HTTP would not even listen.
  const isSecure = token !== null && isSecureFor(request, context)
  return { 'Set-Cookie': sessionCookie(token, context.basePath, isSecure) }
}

/** Who is signed in. Nobody, where the session has ended or its account is disabled. */
export async function signedInCaller(core: Core, request: IncomingMessage): Promise<Caller | undefined> {
  const token = sessionToken(request.headers.cookie)
  if (token === undefined) return undefined
  try {
    return await core.access.byCookie(token)
  } catch (error) {
    if (isFailure(error) && (error.code === 'unauthenticated' || error.code === 'forbidden')) return undefined
    throw error
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AnyFailure, asFailure, Failure } from '../core/failure.ts'
import { ClientGone } from './body.ts'
import { contextOf, type RequestContext } from './context.ts'
import { answerEarly } from './linger.ts'

/**
 * The failure that an error is answered with, the same way everywhere: noted for the log, and the answer prepared to come
 * before a body that nobody has read. Undefined where nobody is left to be answered: then the connection is broken off.
 */
export function refusalOf(error: unknown, request: IncomingMessage, response: ServerResponse): AnyFailure | undefined {
  const context = contextOf(request)
  context.error = error
  if (error instanceof ClientGone || response.headersSent || response.destroyed) {
    response.destroy()
    return undefined
  }
  answerEarly(request, response)
  return asFailure(translated(error), context.id)
}

/** A failure in a door's words. Words that cannot be found are an incident of their own, in the same shape. */
export function rendered<T>(render: (failure: AnyFailure) => T, failure: AnyFailure, context: RequestContext): T {
  try {
    return render(failure)
  } catch (error) {
    context.error = error
    return render(asFailure(error, context.id))
  }
}

/** Express's own refusal: a path that is no valid percent-encoding. */
function translated(error: unknown): unknown {
  return error instanceof URIError ? new Failure('not_found', { what: 'route', id: '' }) : error
}

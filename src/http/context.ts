import type { IncomingMessage } from 'node:http'
import type { Caller } from '../core/caller.ts'

/** What is known of a request from its first line and headers, before anybody looks at its path's meaning. */
export interface RequestContext {
  readonly id: string
  /** Milliseconds of a clock that never goes back. */
  readonly startedMs: number
  /** The client's address: the connection's, or what a trusted proxy says of it. */
  readonly address: string
  /** The path below the base path, still percent-encoded, exactly as it was sent. */
  readonly path: string
  readonly query: URLSearchParams
  /** Where the outside sees this server, without a final slash; the base path included. */
  readonly baseUrl: string
  readonly isSecure: boolean
  /** Set by whoever finds it out, for the log and the account's own list of requests. */
  caller?: Caller
  /** Set by doors whose requests the account sees in its list. */
  isApiCall?: boolean
  /** What went wrong, for the log alone. */
  error?: unknown
}

const contexts = new WeakMap<IncomingMessage, RequestContext>()

export function setContext(request: IncomingMessage, context: RequestContext): void {
  contexts.set(request, context)
}

/** @throws TypeError for a request that did not come through the front. */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = contexts.get(request)
  if (!context) throw new TypeError('a request without a context')
  return context
}

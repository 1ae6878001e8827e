import type { IncomingMessage } from 'node:http'
import type { Caller } from '../core/caller.ts'

const noQuery = new URLSearchParams()

/** What is known of a request from its first line and headers, before anybody looks at its path's meaning. */
export class RequestContext {
  readonly id: string
  /** Milliseconds of a clock that never goes back. */
  readonly startedMs: number
  /** The client's address: the connection's, or what a trusted proxy says of it. */
  readonly address: string
  /** The path below the base path, still percent-encoded, exactly as it was sent. */
  readonly path: string
  /** What stands from the question mark on, it included; empty where there is none. */
  readonly search: string
  /** Where the outside sees this server, without a final slash; the base path included. */
  readonly baseUrl: string
  /** What a browser has to put before every path here, without a final slash: the path of `baseUrl`. */
  readonly basePath: string
  readonly isSecure: boolean
  /** Set by whoever finds it out, for the log and the account's own list of requests. */
  caller?: Caller
  /** Set by doors whose requests the account sees in its list. */
  isApiCall?: boolean
  /** What went wrong, for the log alone. */
  error?: unknown
  #query: URLSearchParams | undefined

  constructor(
    facts: Pick<
      RequestContext,
      'id' | 'startedMs' | 'address' | 'path' | 'search' | 'baseUrl' | 'basePath' | 'isSecure'
    >,
  ) {
    this.id = facts.id
    this.startedMs = facts.startedMs
    this.address = facts.address
    this.path = facts.path
    this.search = facts.search
    this.baseUrl = facts.baseUrl
    this.basePath = facts.basePath
    this.isSecure = facts.isSecure
  }

  /** Read by few, and on the hot path by none that has no query. */
  get query(): URLSearchParams {
    this.#query ??= this.search === '' ? noQuery : new URLSearchParams(this.search)
    return this.#query
  }
}

/** On the request itself: a WeakMap costs the hot path more than all else here. */
const key = Symbol('context')

type WithContext = IncomingMessage & { [key]?: RequestContext }

export function setContext(request: IncomingMessage, context: RequestContext): void {
  ;(request as WithContext)[key] = context
}

/** @throws TypeError for a request that did not come through the front. */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = (request as WithContext)[key]
  if (!context) throw new TypeError('a request without a context')
  return context
}

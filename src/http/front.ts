import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Core } from '../core/core.ts'
import { isFailure } from '../core/failure.ts'
import type { Proxies } from './address.ts'
import { type Bases, type DoorNames, doorPath, type Place, placeOf, withoutBase } from './base-path.ts'
import { ClientGone } from './body.ts'
import { RequestContext, setContext } from './context.ts'

/** Answers all below some paths by itself: bytes, mostly. */
export interface HotPath {
  /** Whether the path is one of its own, well-formed or not. */
  handles(path: string): boolean
  handle(request: IncomingMessage, response: ServerResponse, headers: readonly string[]): Promise<void>
}

export interface FrontOptions extends Bases, DoorNames {
  readonly core: Core
  readonly log: Logger
  readonly proxies: Proxies
  /** What is answered ahead of Express. */
  readonly hot: readonly HotPath[]
  /** Everything else. */
  readonly app: (request: IncomingMessage, response: ServerResponse) => void
}

const corsHeaders = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Expose-Headers',
  'ETag, Content-Disposition, Content-Range, Repr-Digest, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id',
]

const preflightHeaders = [
  'Access-Control-Allow-Methods',
  'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  'Access-Control-Allow-Headers',
  'Authorization, X-API-Key, X-Project-Id, Content-Type, X-File-Name, Want-Repr-Digest, Range, If-Match, If-None-Match, If-Modified-Since, If-Range',
  'Access-Control-Max-Age',
  '86400',
]

/** Nearly every request asks for the same one. */
let lastHost: string | undefined
const hostForm = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/
/** A key that somebody put into a path is still a secret. */
const keyInPath = /(ak|atiru|sk)(_|%5F)[0-9A-Z]{36}/gi
/** So is what makes a link work. */
const tokenInPath = /^((?:\/storage)?\/[sr]\/|\/storage\/(?:auth\/magic|shares|requests)\/)[^/]+/
/** A target in absolute form (RFC 9112 section 3.2.2): what proxies are sent, and every server must take. */
const absoluteForm = /^https?:\/\/[^/?#]*\/?/i
const processId = Date.now().toString(36)
let requests = 0

/**
 * Ahead of the hot path and of Express alike: request id, base path, host names, CORS, the log line. What another process
 * changed in the catalogue is looked at first, so that this very request feels it.
 */
export function createFront(options: FrontOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const place = placeOf(options)
  return (request, response) => {
    // Gone already: an address that nobody knows would have limits of its own.
    if (request.socket.remoteAddress === undefined) return void request.socket.destroy()
    const context = begin(options, place, request)
    setContext(request, context)
    const unread = refresh(options)
    response.once('close', () => end(options, request, response, context))
    const isPage = context.path === '/app' || context.path.startsWith('/app/')
    const headers = ['X-Request-Id', context.id, 'X-Content-Type-Options', 'nosniff', ...(isPage ? [] : corsHeaders)]
    if (unread !== undefined) return refuseAll(unread, context, response, headers)
    if (request.method === 'OPTIONS' && !isPage) {
      response.writeHead(204, [...headers, ...preflightHeaders])
      return void response.end()
    }
    const hot = options.hot.find((one) => one.handles(context.path))
    if (hot) void hot.handle(request, response, headers)
    else {
      for (let n = 0; n < headers.length; n += 2) response.setHeader(headers[n] as string, headers[n + 1] as string)
      options.app(request, response)
    }
  }
}

/** The error of a catalogue that cannot be read: nobody knows then whether a key still holds, so nobody is let in. */
function refresh({ core }: FrontOptions): unknown {
  try {
    core.catalogue.refresh()
    return undefined
  } catch (error) {
    return error
  }
}

function refuseAll(
  error: unknown,
  context: RequestContext,
  response: ServerResponse,
  headers: readonly string[],
): void {
  context.error = error
  response.writeHead(503, [...headers, 'Retry-After', '5', 'Content-Type', 'text/plain', 'Cache-Control', 'no-store'])
  response.end('the catalogue does not answer; try again in 5 seconds\n')
}

function begin(options: FrontOptions, place: Place, request: IncomingMessage): RequestContext {
  const target = (request.url ?? '/').replace(absoluteForm, '/')
  const cut = target.indexOf('?')
  const sent = cut < 0 ? target : target.slice(0, cut)
  const search = cut < 0 ? '' : target.slice(cut)
  const host = hostOf(options, request)
  const path = doorPath(options, withoutBase(place, sent), host)
  request.url = path + search
  const isSecure = isHttps(options, request)
  return new RequestContext({
    id: `${processId}-${(++requests).toString(36)}`,
    startedMs: performance.now(),
    address: options.proxies.clientOf(request),
    path,
    search,
    baseUrl: options.publicUrl ?? `${isSecure ? 'https' : 'http'}://${host}${options.basePath}`,
    basePath: place.basePath,
    isSecure,
  })
}

/** The host that was asked for; where it says nothing usable, the address that was connected to. */
function hostOf(options: FrontOptions, request: IncomingMessage): string {
  const host = options.proxies.forwarded(request, 'x-forwarded-host') ?? request.headers.host ?? ''
  if (host === lastHost) return host
  // A name may look like one and make no address: a port of 99999, an IPv4 of five numbers.
  if (hostForm.test(host) && URL.canParse(`http://${host}`)) {
    lastHost = host
    return host
  }
  const { localAddress = 'localhost', localPort = 80 } = request.socket
  const plain = localAddress.replace(/^::ffff:/, '')
  return `${plain.includes(':') ? `[${plain}]` : plain}:${localPort}`
}

function isHttps(options: FrontOptions, request: IncomingMessage): boolean {
  const forwarded = options.proxies.forwarded(request, 'x-forwarded-proto')
  return forwarded !== undefined ? forwarded === 'https' : (options.publicUrl?.startsWith('https:') ?? false)
}

function withoutSecrets(path: string): string {
  const plain = path.replace(tokenInPath, '$1…')
  return plain.includes('_') || plain.includes('%') ? plain.replace(keyInPath, '$1_…') : plain
}

function end(options: FrontOptions, request: IncomingMessage, response: ServerResponse, context: RequestContext): void {
  const durationMs = Math.round((performance.now() - context.startedMs) * 100) / 100
  const { caller, error, path } = context
  // 499 as other servers write it: the client left before there was an answer.
  const status = response.headersSent ? response.statusCode : 499
  // An answer that had begun when it broke has a good status, and a fault all the same.
  const isUnforeseen = error !== undefined && !isFailure(error) && !(error instanceof ClientGone)
  const isOurFault = isUnforeseen && (status >= 500 || !response.writableFinished)
  const line = {
    request: context.id,
    method: request.method,
    path: withoutSecrets(path),
    status,
    ms: durationMs,
    address: context.address,
    ...(caller && { account: caller.account.id }),
    ...(caller?.by === 'key' && { key: caller.key.id }),
    ...(!response.writableFinished && { cut: true }),
    ...(isOurFault && { err: error }),
  }
  if (isOurFault) options.log.error(line, 'request')
  else options.log.info(line, 'request')
  if (context.isApiCall && caller) record(options, request, context, caller, status, durationMs)
}

function record(
  { core }: FrontOptions,
  request: IncomingMessage,
  context: RequestContext,
  caller: NonNullable<RequestContext['caller']>,
  status: number,
  durationMs: number,
): void {
  const length = request.headers['content-length']
  core.activity.request({
    id: randomUUID(),
    accountId: caller.account.id,
    keyId: caller.by === 'key' ? caller.key.id : null,
    method: request.method ?? '',
    path: withoutSecrets(context.path).slice(0, 2_048),
    status,
    requestBytes: length === undefined ? null : Number(length),
    durationMs,
    userAgent: request.headers['user-agent']?.slice(0, 512) ?? null,
    at: core.clock.now(),
  })
}

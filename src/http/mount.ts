import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Request, type Response, Router } from 'express'
import { type Caller, requireMay } from '../core/caller.ts'
import type { Core } from '../core/core.ts'
import { Failure, invalid } from '../core/failure.ts'
import type { FileEntry } from '../core/model.ts'
import type { Upload } from '../core/upload.ts'
import { addressGroup } from './address.ts'
import { outside } from './base-path.ts'
import { ClientGone, declaredLength, parse, readFields, readJson } from './body.ts'
import { contextOf } from './context.ts'
import { credentialOf } from './credentials.ts'
import { allowedMethods, type Call, type Door, type Reply, type Route } from './door.ts'
import { failureHeaders } from './failure-headers.ts'
import { readForm } from './form.ts'
import type { Limits } from './limits.ts'
import { answerEarly, hasBody } from './linger.ts'
import { firstValues } from './query.ts'
import { readRaw } from './raw.ts'
import { refusalOf, rendered } from './refusal.ts'
import { sendPieces } from './stream.ts'

/** What a door needs of the server around it. */
export interface DoorServices {
  readonly core: Core
  readonly limits: Limits
  readonly minUploadRate: number
  sendDownload(request: IncomingMessage, response: ServerResponse, file: FileEntry): Promise<void>
}

/** Puts a door's routes into a router. Whatever happens below it is answered in the door's own shape. */
export function mount(door: Door, services: DoorServices): Router {
  const router = Router({ strict: !door.takesFinalSlash, caseSensitive: true })
  for (const path of inOrder(door.routes)) {
    const routes = door.routes.filter((one) => one.path === path)
    // No path at all is for the route to refuse, too.
    const here = router.route(path.includes('*') ? [path, path.slice(0, path.indexOf('*'))] : path)
    for (const one of routes) here[one.method]((request, response) => answer(door, one, services, request, response))
    here.all((request, _response, next) => {
      // What a route of its own has no method for may still be meant as any path there.
      if (door.routes.some((one) => one.path !== path && covers(one.path, request.path))) return next()
      const all = door.routes.filter((one) => one.path === path || one.path === request.path)
      throw new Failure('method_not_allowed', { allowed: allowedMethods(all) })
    })
  }
  router.use((request) => {
    const { path, basePath } = contextOf(request)
    const isOutside = path === door.base + outside
    const hint = isOutside ? { hint: `everything here is below ${basePath}/ (server.base_path)` } : {}
    throw new Failure('not_found', { what: 'route', id: request.path, ...hint })
  })
  router.use((error: unknown, request: Request, response: Response, _next: unknown) => {
    fail(door, error, request, response)
  })
  return router
}

/** Whether a path with a `*name` at its end stands for this one, too. */
function covers(path: string, sent: string): boolean {
  const star = path.indexOf('*')
  return star >= 0 && sent.length > star && sent.startsWith(path.slice(0, star))
}

/** Each path once; one that says a segment's name before those that take any there: they would refuse what is not theirs. */
function inOrder(routes: readonly Route[]): string[] {
  const place = (path: string): string => path.replace(/[:*]\w+/g, '\uffff')
  const paths = [...new Set(routes.map((one) => one.path))]
  return paths.sort((one, other) => (place(one) < place(other) ? -1 : 1))
}

/** A path's parameters. What a `*name` stands for is cut from what was sent: nothing has folded or split it before. */
function paramsOf(door: Door, one: Route, request: Request): Record<string, unknown> {
  const [, literal, name] = /^(.*)\*(\w+)$/.exec(door.base + one.path) ?? []
  if (literal === undefined || name === undefined) return request.params
  const steps = contextOf(request).path.split('/')
  const rest = steps.slice(literal.split('/').length - 1).join('/')
  return { ...request.params, [name]: decodeURIComponent(rest) }
}

async function answer(door: Door, one: Route, services: DoorServices, request: Request, response: Response) {
  contextOf(request).isApiCall = true
  const uploads: Upload[] = []
  try {
    const caller = await admit(one, services, request, response)
    const call = await callOf(door, one, services, request, response, caller, uploads)
    await write(door, services, request, response, await one.handle(call))
  } finally {
    for (const upload of uploads) await upload.close()
  }
}

/** Who asks, and whether it may ask as often as this. Nobody in particular, where a route is open. */
async function admit(one: Route, services: DoorServices, request: Request, response: Response) {
  const context = contextOf(request)
  const address = `address ${addressGroup(context.address)}`
  const count = (limit: 'auth' | 'api' | 'upload', key: string): Promise<void> =>
    services.limits[limit].count(key, (headers) => response.set(headers))
  if (one.counts === 'auth') await count('auth', address)
  if (one.need === null) {
    if (one.counts !== 'auth') await count('api', address)
    return undefined
  }
  const caller = await identify(services.core, request).catch(async (error) => {
    await count('api', address)
    throw error
  })
  context.caller = caller
  await count('api', caller.by === 'key' ? `key ${caller.key.id}` : `account ${caller.account.id}`)
  // Before its body is read; the core asks again, with the path.
  requireMay(caller, one.need)
  if (one.counts === 'upload') await count('upload', `account ${caller.account.id}`)
  return caller
}

async function identify(core: Core, request: Request): Promise<Caller> {
  return core.access.authenticate(credentialOf(request))
}

async function callOf(
  door: Door,
  one: Route,
  { core, limits, minUploadRate }: DoorServices,
  request: Request,
  response: Response,
  caller: Caller | undefined,
  uploads: Upload[],
): Promise<Call<never, never, never>> {
  const context = contextOf(request)
  const options = { minBytesPerSecond: minUploadRate }
  const begin = async (by: Caller, file?: { bytes?: number; replacedBytes?: number }): Promise<Upload> => {
    const upload = await core.uploads.begin(by, declaredLength(request), file?.bytes, file?.replacedBytes)
    uploads.push(upload)
    return upload
  }
  const formOf = async (by: Caller) => {
    const upload = await begin(by)
    return { upload, fields: await readForm(request, response, upload, options) }
  }
  return {
    core,
    basePath: context.basePath,
    caller: caller as Caller,
    params: paramsOf(door, one, request) as never,
    query: (one.query && parse(one.query, firstValues(context.query), 'query')) as never,
    body: (one.body &&
      parse(one.body, hasBody(request) ? await readJson(request, response, one.need === null) : {})) as never,
    context,
    request,
    rates: limits.rates,
    attempt: (email, work) => limits.attempts.guard(email, addressGroup(context.address), work),
    fields: () => readFields(request, response),
    form: () => formOf(caller as Caller),
    formOf,
    raw: async (said, replacedBytes = 0) => {
      const upload = await begin(caller as Caller, { bytes: declaredLength(request) ?? 0, replacedBytes })
      await readRaw(request, response, upload, said, options)
      return upload
    },
  }
}

async function write(door: Door, services: DoorServices, request: Request, response: Response, reply: Reply) {
  if (reply.kind === 'file') return services.sendDownload(request, response, reply.file)
  answerEarly(request, response)
  response.set('Cache-Control', 'no-store')
  switch (reply.kind) {
    case 'data':
      response.set(reply.headers ?? {})
      return sendJson(response, reply.status, door.success(reply.data))
    case 'json':
      return sendJson(response, reply.status, reply.data)
    case 'stream':
      return sendPieces(request, response, reply.pieces)
    case 'empty':
      return void response.status(204).end()
    case 'bytes':
      return sendBytes(request, response, reply.source, reply.headers)
    case 'redirect':
      return response.set(reply.headers ?? {}).redirect(reply.status, reply.to)
    case 'page':
      response.set('Content-Security-Policy', reply.policy).set(reply.headers ?? {})
      return void response
        .status(reply.status ?? 200)
        .type('html')
        .send(reply.html)
  }
}

/** What breaks off in the middle breaks the connection, too: no part is taken for the whole. */
async function sendBytes(
  request: Request,
  response: Response,
  source: Readable,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  response.writeHead(200, headers)
  if (request.method === 'HEAD') {
    source.destroy()
    return void response.end()
  }
  // Noted before the connection breaks with it: that is when the log is written.
  source.once('error', (error) => {
    contextOf(request).error = error
  })
  await pipeline(source, response).catch((error) => {
    throw response.destroyed && error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? new ClientGone() : error
  })
}

function fail(door: Door, error: unknown, request: Request, response: Response): void {
  const isPath = error instanceof URIError && door.routes.some((one) => covers(one.path, request.path))
  const cause = isPath ? invalid('path', 'is no percent-encoded UTF-8', 'value', 'path') : error
  const failure = refusalOf(cause, request, response)
  if (!failure) return
  const { status, body } = rendered(door.failure, failure, contextOf(request))
  response.set(failureHeaders(failure)).set('Cache-Control', 'no-store')
  sendJson(response, status, body)
}

function sendJson(response: Response, status: number, body: object): void {
  response.status(status).json(body)
}

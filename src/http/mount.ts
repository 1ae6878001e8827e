import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Request, type Response, Router } from 'express'
import { type Caller, requireMay } from '../core/caller.ts'
import type { Core } from '../core/core.ts'
import { Failure } from '../core/failure.ts'
import type { FileEntry } from '../core/model.ts'
import type { Upload } from '../core/uploads.ts'
import { addressGroup } from './address.ts'
import { parse, readJson } from './body.ts'
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
    const here = router.route(path)
    for (const one of routes) here[one.method]((request, response) => answer(door, one, services, request, response))
    here.all(() => {
      throw new Failure('method_not_allowed', { allowed: allowedMethods(routes) })
    })
  }
  router.use((request) => {
    throw new Failure('not_found', { what: 'route', id: request.path })
  })
  router.use((error: unknown, request: Request, response: Response, _next: unknown) => {
    fail(door, error, request, response)
  })
  return router
}

/** Each path once; one that says a segment's name before those that take any there: they would refuse what is not theirs. */
function inOrder(routes: readonly Route[]): string[] {
  const place = (path: string): string => path.replace(/:\w+/g, '\uffff')
  const paths = [...new Set(routes.map((one) => one.path))]
  return paths.sort((one, other) => (place(one) < place(other) ? -1 : 1))
}

async function answer(door: Door, one: Route, services: DoorServices, request: Request, response: Response) {
  contextOf(request).isApiCall = true
  const uploads: Upload[] = []
  try {
    const caller = await admit(one, services, request, response)
    const call = await callOf(one, services, request, response, caller, uploads)
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
  one: Route,
  { core, limits, minUploadRate }: DoorServices,
  request: Request,
  response: Response,
  caller: Caller | undefined,
  uploads: Upload[],
): Promise<Call<never, never, never>> {
  const context = contextOf(request)
  const begin = async (fileBytes?: number): Promise<Upload> => {
    const upload = await core.uploads.begin(caller as Caller, declaredLength(request), fileBytes)
    uploads.push(upload)
    return upload
  }
  const options = { minBytesPerSecond: minUploadRate }
  return {
    core,
    caller: caller as Caller,
    params: request.params as never,
    query: (one.query && parse(one.query, firstValues(context.query), 'query')) as never,
    body: (one.body &&
      parse(one.body, hasBody(request) ? await readJson(request, response, one.need === null) : {})) as never,
    context,
    request,
    rates: limits.rates,
    attempt: (email, work) => limits.attempts.guard(email, addressGroup(context.address), work),
    form: async () => {
      const upload = await begin()
      return { upload, fields: await readForm(request, response, upload, options) }
    },
    raw: async (said) => {
      const upload = await begin(declaredLength(request))
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
      return sendJson(response, reply.status, door.success(reply.data))
    case 'json':
      return sendJson(response, reply.status, reply.data)
    case 'stream':
      return sendPieces(request, response, reply.pieces)
    case 'empty':
      return void response.status(204).end()
    case 'redirect':
      return response.redirect(reply.status, reply.to)
    case 'page':
      return void response.set('Content-Security-Policy', reply.policy).type('html').send(reply.html)
  }
}

function fail(door: Door, error: unknown, request: Request, response: Response): void {
  const failure = refusalOf(error, request, response)
  if (!failure) return
  const { status, body } = rendered(door.failure, failure, contextOf(request))
  response.set(failureHeaders(failure)).set('Cache-Control', 'no-store')
  sendJson(response, status, body)
}

function sendJson(response: Response, status: number, body: object): void {
  response.status(status).json(body)
}

/** The declared length of a body, if it has one. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Request, type Response, Router } from 'express'
import { type Caller, requireMay } from '../core/caller.ts'
import type { Core } from '../core/core.ts'
import { type AnyFailure, Failure } from '../core/failure.ts'
import type { FileEntry, Scope } from '../core/model.ts'
import type { Upload } from '../core/uploads.ts'
import { addressGroup } from './address.ts'
import { readJson } from './body.ts'
import { contextOf, type RequestContext } from './context.ts'
import { failureHeaders } from './failure-headers.ts'
import { type Fields, readForm } from './form.ts'
import type { Limits } from './limits.ts'
import { answerEarly } from './linger.ts'
import { refusalOf, rendered } from './refusal.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** The parameters of a path: `/files/:id` has `id`. */
export type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string> & Params<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Record<Name, string>
    : unknown

/** What a route is given. It never sees the response. */
export interface Call<P = unknown> {
  readonly core: Core
  readonly caller: Caller
  readonly params: P
  readonly query: URLSearchParams
  readonly context: RequestContext
  readonly request: IncomingMessage
  /** The JSON body. @throws Failure `invalid`. */
  json(): Promise<unknown>
  /** Begins an upload and reads the form into it; what is not published is dropped when the route ends. */
  form(): Promise<{ upload: Upload; fields: Fields }>
}

/** What a route answers with. */
export type Reply =
  | { readonly kind: 'data'; readonly status: number; readonly data: object }
  | { readonly kind: 'file'; readonly file: FileEntry }
  | { readonly kind: 'redirect'; readonly to: string }

export const ok = (data: object = {}): Reply => ({ kind: 'data', status: 200, data })
export const created = (data: object): Reply => ({ kind: 'data', status: 201, data })
export const sendFile = (file: FileEntry): Reply => ({ kind: 'file', file })
export const seeOther = (to: string): Reply => ({ kind: 'redirect', to })

export interface Route<P = never> {
  readonly method: Method
  /** Below the door's base; `:name` stands for one segment. */
  readonly path: string
  /** One sentence for the reference. */
  readonly summary: string
  /** What the caller's key needs. The core asks again, with the path; this is for the reference and the tests. */
  readonly scope: Scope
  /** Whether it counts as an upload beside counting as an API call. */
  readonly isUpload: boolean
  handle(call: Call<P>): Promise<Reply>
}

/** Lists of routes hold routes of different parameters; each is called with what its own path says. */
export type AnyRoute = Route<never>

/** A route whose parameters are typed by its path. */
export function route<Path extends string>(
  method: Method,
  path: Path,
  about: { summary: string; scope: Scope; isUpload?: boolean },
  handle: (call: Call<Params<Path>>) => Promise<Reply>,
): AnyRoute {
  return { method, path, isUpload: false, ...about, handle } as AnyRoute
}

/** What a failure looks like at a door. */
export interface Rendered {
  readonly status: number
  readonly body: object
}

/** One of the APIs: its routes, and its words for everything. */
export interface Door {
  readonly name: string
  readonly base: string
  readonly routes: readonly AnyRoute[]
  authenticate(core: Core, request: IncomingMessage): Promise<Caller>
  success(data: object): object
  failure(failure: AnyFailure): Rendered
}

/** What a door needs of the server around it. */
export interface DoorServices {
  readonly core: Core
  readonly limits: Limits
  readonly minUploadRate: number
  sendDownload(request: IncomingMessage, response: ServerResponse, file: FileEntry): Promise<void>
}

/** Puts a door's routes into a router. Whatever happens below it is answered in the door's own shape. */
export function mount(door: Door, services: DoorServices): Router {
  const router = Router({ strict: true, caseSensitive: true })
  for (const path of new Set(door.routes.map((one) => one.path))) {
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

export function allowedMethods(routes: readonly { method: string }[]): string[] {
  const methods = routes.map((one) => one.method.toUpperCase())
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
}

async function answer(door: Door, one: AnyRoute, services: DoorServices, request: Request, response: Response) {
  const context = contextOf(request)
  context.isApiCall = true
  const { core } = services
  const open: Upload[] = []
  try {
    const caller = await admit(door, one, services, request, response)
    const call: Call<never> = {
      core,
      caller,
      params: request.params as never,
      query: context.query,
      context,
      request,
      json: () => readJson(request, response),
      form: async () => {
        const upload = await core.uploads.begin(caller, declaredLength(request))
        open.push(upload)
        const fields = await readForm(request, response, upload, { minBytesPerSecond: services.minUploadRate })
        return { upload, fields }
      },
    }
    await write(door, services, request, response, await one.handle(call))
  } finally {
    for (const upload of open) await upload.close()
  }
}

/** Who asks, and whether it may ask as often as this. */
async function admit(door: Door, one: AnyRoute, services: DoorServices, request: Request, response: Response) {
  const context = contextOf(request)
  const { limits } = services
  const count = (limit: keyof Limits, key: string): Promise<void> =>
    limits[limit].count(key, (headers) => response.set(headers))
  const caller = await door.authenticate(services.core, request).catch(async (error) => {
    await count('api', `address ${addressGroup(context.address)}`)
    throw error
  })
  context.caller = caller
  // Before its body is read; the core asks again, with the path.
  requireMay(caller, one.scope)
  await count('api', caller.by === 'key' ? `key ${caller.key.id}` : `account ${caller.account.id}`)
  if (one.isUpload) await count('upload', `account ${caller.account.id}`)
  return caller
}

async function write(door: Door, services: DoorServices, request: Request, response: Response, reply: Reply) {
  if (reply.kind === 'file') return services.sendDownload(request, response, reply.file)
  answerEarly(request, response)
  if (reply.kind === 'redirect') response.redirect(303, reply.to)
  else sendJson(response, reply.status, door.success(reply.data))
}

function fail(door: Door, error: unknown, request: Request, response: Response): void {
  const failure = refusalOf(error, request, response)
  if (!failure) return
  const { status, body } = rendered(door.failure, failure, contextOf(request))
  response.set(failureHeaders(failure))
  sendJson(response, status, body)
}

function sendJson(response: Response, status: number, body: object): void {
  response.status(status).set('Cache-Control', 'no-store').json(body)
}

/** The declared length of a body, if it has one. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

import { type Request, type Response, Router } from 'express'
import { Failure } from '../../core/failure.ts'
import type { Upload } from '../../core/upload.ts'
import { addressGroup } from '../address.ts'
import { declaredLength, readFields } from '../body.ts'
import { contextOf } from '../context.ts'
import { failureHeaders } from '../failure-headers.ts'
import { readForm } from '../form.ts'
import { answerEarly } from '../linger.ts'
import type { DoorServices } from '../mount.ts'
import { requireSameOrigin } from '../origin.ts'
import { refusalOf, rendered } from '../refusal.ts'
import { sessionHeaders, signedInCaller } from '../session.ts'
import { assetHeaders } from './assets.ts'
import { failurePage } from './failures.ts'
import { documentOf, headersOf } from './layout.ts'
import { Once } from './once.ts'
import type { Answer, Leave, MadeKey, Page, PageRoute, Visit } from './visit.ts'

/** What all visits share. */
interface Parts extends DoorServices {
  readonly madeKeys: Once<MadeKey>
}

/** Puts pages into a router. Whatever happens at them, or below `/app`, is answered by a page. */
export function mountPages(pages: readonly PageRoute[], services: DoorServices): Router {
  const parts: Parts = { ...services, madeKeys: new Once() }
  const router = Router({ strict: true, caseSensitive: true })
  for (const path of new Set(pages.map((one) => one.path))) {
    const here = router.route(path)
    const own = pages.filter((one) => one.path === path)
    for (const one of own) here[one.method]((request, response) => answer(one, parts, request, response))
    here.all(() => {
      throw new Failure('method_not_allowed', { allowed: methodsOf(own) })
    })
  }
  router.use('/app', (request) => {
    throw new Failure('not_found', { what: 'route', id: request.path })
  })
  router.use((error: unknown, request: Request, response: Response, _next: unknown) => {
    fail(error, request, response)
  })
  return router
}

function methodsOf(pages: readonly PageRoute[]): string[] {
  return pages.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : ['POST']))
}

async function answer(one: PageRoute, parts: Parts, request: Request, response: Response) {
  if (one.method === 'post') requireSameOrigin(request, contextOf(request))
  const uploads: Upload[] = []
  try {
    const answered = await one.answer(visitOf(parts, request, response, uploads))
    await write(answered, parts, request, response)
  } finally {
    for (const upload of uploads) await upload.close()
  }
}

function visitOf(
  { core, madeKeys, limits, minUploadRate }: Parts,
  request: Request,
  response: Response,
  uploads: Upload[],
): Visit {
  const context = contextOf(request)
  return {
    core,
    base: context.basePath,
    params: request.params as Record<string, string>,
    query: context.query,
    context,
    request,
    madeKeys,
    caller: async () => {
      const caller = await signedInCaller(core, request)
      if (caller) context.caller = caller
      return caller
    },
    count: (limit, key) => limits[limit].count(key, (headers) => response.set(headers)),
    attempt: (email, work) => limits.attempts.guard(email, addressGroup(context.address), work),
    fields: () => readFields(request, response),
    form: async (caller) => {
      const upload = await core.uploads.begin(caller, declaredLength(request))
      uploads.push(upload)
      return { upload, fields: await readForm(request, response, upload, { minBytesPerSecond: minUploadRate }) }
    },
  }
}

async function write(answered: Answer, { sendDownload }: Parts, request: Request, response: Response) {
  if (answered.kind === 'file') return sendDownload(request, response, answered.file)
  answerEarly(request, response)
  if (answered.kind === 'page') sendPage(answered, request, response)
  else if (answered.kind === 'leave') sendOn(answered, request, response)
  else response.set(assetHeaders(answered.asset, contextOf(request).query)).send(answered.asset.text)
}

function sendPage(page: Page, request: Request, response: Response): void {
  const { basePath, caller } = contextOf(request)
  response
    .status(page.status)
    .set(headersOf(page))
    .send(documentOf(page, basePath, caller).text)
}

function sendOn({ to, session }: Leave, request: Request, response: Response): void {
  const context = contextOf(request)
  if (session !== undefined) response.set(sessionHeaders(session, request, context))
  response
    .status(303)
    .location(context.basePath + to)
    .set('Cache-Control', 'no-store')
    .end()
}

function fail(error: unknown, request: Request, response: Response): void {
  const failure = refusalOf(error, request, response)
  if (!failure) return
  response.set(failureHeaders(failure))
  const context = contextOf(request)
  const page = rendered((told) => failurePage(told, context.basePath, context.caller), failure, context)
  sendPage(page, request, response)
}

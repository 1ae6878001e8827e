import type { LinkAt } from '../../core/catalogue.ts'
import { isFailure } from '../../core/failure.ts'
import type { RequestLink } from '../../core/model.ts'
import { created, type OpenCall, ok, openRoute, type Reply, type Route, route } from '../door.ts'
import { linkView, pageOf, pageQuery, restOf } from './links.ts'
import { failurePage, isVisitor } from './pages/layout.ts'
import { receivedPage, requestPage } from './request-pages.ts'
import * as schemas from './share-schemas.ts'

export const requests: readonly Route[] = [
  route(
    'post',
    '/requests',
    {
      summary: 'Makes a link by which somebody without an account puts files into a folder, and sees nothing.',
      need: 'files:write',
      body: schemas.requestWish,
      status: 201,
      answer: schemas.requested,
      example: { body: { path: 'inbox/', ttl: 86_400, max_files: 20 } },
    },
    async ({ core, caller, body, context }) => {
      const listed = await core.requestLinks.create(caller, {
        path: body.path,
        ttlSeconds: body.ttl ?? undefined,
        maxFiles: body.max_files ?? undefined,
        maxBytes: body.max_bytes ?? undefined,
      })
      return created(requestView(`${context.baseUrl}/r`, listed))
    },
  ),

  route(
    'get',
    '/requests',
    {
      summary: 'The links for sending files that lead somewhere still, newest first, with what came by them.',
      need: 'files:write',
      query: pageQuery,
      answer: schemas.requestList,
    },
    async ({ core, caller, query, context }) => {
      const page = await core.requestLinks.links.list(caller, pageOf(query))
      return ok({ requests: page.links.map((one) => listedView(`${context.baseUrl}/r`, one)), ...restOf(page) })
    },
  ),

  route(
    'delete',
    '/requests/:token',
    { summary: 'Ends a link for sending files, at once.', need: 'files:write', answer: schemas.revoked },
    async ({ core, caller, params }) => {
      await core.requestLinks.links.revoke(caller, params.token)
      return ok({ deleted: true })
    },
  ),
]

function requestView(at: string, listed: LinkAt<RequestLink>) {
  const { maxFiles, maxBytes } = listed.link
  return { ...linkView(at, listed), path: listed.path, max_files: maxFiles, max_bytes: maxBytes }
}

function listedView(at: string, listed: LinkAt<RequestLink>) {
  const { files, bytes } = listed.link
  return { ...requestView(at, listed), files, bytes }
}

/** Where links for sending files lead. @param at below which path. */
export const requestLinks = (at: '' | '/r'): readonly Route[] => [
  openRoute(
    'get',
    `${at}/:token`,
    { summary: 'A form for files, and how much may be sent until when.', gives: 'text/html' },
    show,
  ),
  openRoute(
    'post',
    `${at}/:token`,
    {
      summary: 'Takes files in, all of a form or none.',
      takes: 'multipart/form-data',
      headers: { Accept: '`text/html` for a page' },
      status: 201,
      answer: schemas.received,
    },
    (call) => receive(call).catch((error) => refused(call, error)),
  ),
]

async function show(call: OpenCall<{ token: string }>): Promise<Reply> {
  try {
    const { requestLinks: links } = call.core
    return requestPage(links.allowance(await links.open(call.params.token)))
  } catch (error) {
    return failurePage(call, error)
  }
}

async function receive(call: OpenCall<{ token: string }>): Promise<Reply> {
  const { requestLinks: links } = call.core
  const open = await links.open(call.params.token)
  const { upload } = await call.formOf(open.caller)
  const files = await links.publish(upload)
  if (isVisitor(call)) return receivedPage(files, links.allowance(await links.open(call.params.token)))
  return created({ files: files.map(({ name, size }) => ({ name, size })) })
}

const withheld = {
  quota_exceeded: 'there is no room left for this',
  forbidden: 'nothing can be sent by this link now',
} as const

/** How full an account is, and what else may be the matter with it, is nobody's business here. */
async function refused(call: OpenCall<{ token: string }>, error: unknown): Promise<Reply> {
  if (!isFailure(error) || (error.code !== 'quota_exceeded' && error.code !== 'forbidden'))
    return failurePage(call, error)
  const { requestLinks: links } = call.core
  if (isVisitor(call))
    return requestPage(
      links.allowance(await links.open(call.params.token)),
      'That was more than may be sent. Nothing of it was kept.',
    )
  return { kind: 'json', status: 403, data: { error: error.code, message: withheld[error.code] } }
}

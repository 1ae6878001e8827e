import { z } from 'zod'
import type { LinkAt } from '../../core/catalogue.ts'
import type { Share } from '../../core/model.ts'
import { created, ok, openRoute, type Route, route } from '../door.ts'
import { flag, nullable } from '../query.ts'
import { cursor } from './cursor.ts'
import { linkView, pageOf, pageQuery, restOf } from './links.ts'
import { send, visit } from './pages/visit.ts'
import * as schemas from './share-schemas.ts'

export const shares: readonly Route[] = [
  route(
    'post',
    '/files/share',
    {
      summary: 'Makes a link by which anybody may have a file, or look through a folder, for a while.',
      need: 'files:write',
      body: schemas.shareWish,
      status: 201,
      answer: schemas.shared,
      example: { body: { path: 'docs/report.pdf', ttl: 3_600 } },
    },
    async ({ core, caller, body, context }) => {
      const listed = await core.shares.create(caller, {
        path: body.path,
        ttlSeconds: body.ttl ?? undefined,
        folder: body.folder ?? undefined,
        password: body.password ?? undefined,
        maxDownloads: body.max_downloads ?? undefined,
      })
      return created(linkView(`${context.baseUrl}/s`, listed))
    },
  ),

  route(
    'get',
    '/shares',
    {
      summary: 'The links that lead somewhere still, newest first.',
      need: 'files:read',
      query: pageQuery,
      answer: schemas.shareList,
    },
    async ({ core, caller, query, context }) => {
      const page = await core.shares.links.list(caller, pageOf(query))
      return ok({ shares: page.links.map((one) => listedView(`${context.baseUrl}/s`, one)), ...restOf(page) })
    },
  ),

  route(
    'delete',
    '/shares/:token',
    { summary: 'Ends a link, at once.', need: 'files:write', answer: schemas.revoked },
    async ({ core, caller, params }) => {
      await core.shares.links.revoke(caller, params.token)
      return ok({ deleted: true })
    },
  ),
]

function listedView(at: string, listed: LinkAt<Share>) {
  const { hasPassword, maxDownloads, downloads } = listed.link
  return {
    ...linkView(at, listed),
    path: listed.path,
    has_password: hasPassword,
    max_downloads: maxDownloads,
    downloads,
  }
}

const asked = z.object({
  zip: nullable(flag(false).meta({ description: 'Of a folder: all of it as one zip' })),
  cursor: nullable(cursor),
})

const about = {
  query: asked,
  headers: {
    Accept: '`text/html` for pages to look at',
    Authorization: '`Basic` with the link’s password, and any name, where it has one',
  },
} as const
const forms = { query: asked, takes: 'application/x-www-form-urlencoded', gives: 'text/html' } as const

/** Where links lead. @param at below which path: they are short, and stand below the door's own base, too. */
export const shareLinks = (at: '' | '/s'): readonly Route[] => [
  openRoute('get', `${at}/:token`, { ...about, summary: 'Leads to what is shared.' }, visit),
  openRoute(
    'get',
    `${at}/:token/`,
    { ...about, summary: 'A shared folder: a page of its list.', answer: schemas.sharedFolder },
    visit,
  ),
  openRoute(
    'get',
    `${at}/:token/*path`,
    {
      ...about,
      summary: 'A folder within a shared one, or (by a redirect) a file.',
      answer: schemas.sharedFolder,
      example: { params: { path: 'drafts/' } },
    },
    visit,
  ),
  ...(['/:token', '/:token/', '/:token/*path'] as const).map((path) =>
    openRoute(
      'post',
      `${at}${path}`,
      { ...forms, summary: 'The forms of the pages there: a password, or a download of which there are only so many.' },
      send,
    ),
  ),
]

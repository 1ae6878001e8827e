import Negotiator from 'negotiator'
import { z } from 'zod'
import { prefixOf } from '../../core/caller.ts'
import { lastSegment } from '../../core/paths.ts'
import { messageFrom } from '../../core/tree.ts'
import { type Call, created, found, ok, type Route, route, sendFile } from '../door.ts'
import { nullable, wholeNumber } from '../query.ts'
import { cursor, cursorOf } from './cursor.ts'
import * as schemas from './schemas.ts'
import { entryView, eventView, hitView, metadataView, putView } from './views.ts'

const list = z.object({
  prefix: nullable(z.string().optional()),
  limit: nullable(wholeNumber({ least: 1, standard: 200, highest: 1_000 })),
  offset: nullable(wholeNumber({ least: 0, standard: 0 })),
  cursor: nullable(cursor),
})

const reading: readonly Route[] = [
  route(
    'get',
    '/files',
    {
      summary: 'One level of a folder: folders first, then files.',
      need: 'files:read',
      query: list,
      answer: schemas.listing,
    },
    async ({ core, caller, query }) => {
      const { prefix, entries, more } = await core.tree.list(caller, { ...query, after: query.cursor })
      const last = entries.at(-1)
      const next = more && last ? cursorOf(last) : null
      return ok({ prefix, entries: entries.map(entryView), truncated: more, cursor: next })
    },
  ),

  route(
    'get',
    '/files/search',
    {
      summary: 'Files by words of their names and of the folders they lie in, best first.',
      need: 'files:read',
      query: z.object({
        q: nullable(z.string().default('')),
        limit: nullable(wholeNumber({ least: 1, standard: 50, highest: 200 })),
      }),
      answer: schemas.found,
      example: { query: { q: 'report' } },
    },
    async ({ core, caller, query: { q, limit } }) =>
      ok({ query: q, results: (await core.tree.search(caller, q, limit)).map(hitView) }),
  ),

  route(
    'get',
    '/files/stats',
    { summary: 'How many files there are, and their bytes.', need: 'files:read', answer: schemas.stats },
    async ({ core, caller }) => ok(await core.tree.stats(caller)),
  ),

  route(
    'get',
    '/files/log',
    {
      summary: 'What happened, newest first; after a transaction (`since_tx`), oldest first.',
      need: 'files:read',
      query: z.object({
        path: nullable(z.string().optional()),
        since_tx: nullable(wholeNumber({ least: 0, standard: undefined })),
        limit: nullable(wholeNumber({ least: 1, standard: 50, highest: 1_000 })),
      }),
      answer: schemas.log,
    },
    async ({ core, caller, query: { path, since_tx: since, limit } }) => {
      const events = await core.tree.history(caller, { path, since, limit })
      return ok({ events: events.map((event) => eventView(event, prefixOf(caller))) })
    },
  ),

  route(
    'get',
    '/files/*path',
    {
      summary:
        'Leads to a file, by an address that is good by itself for an hour; where JSON is preferred, tells of it.',
      need: 'files:read',
      headers: { Accept: '`application/json` to be told of the file instead' },
      answer: schemas.metadata,
      example: { params: { path: 'docs/report.pdf' }, headers: { Accept: 'application/json' } },
    },
    getFile,
  ),
]

async function getFile(call: Call<{ path: string }>) {
  const { core, caller, params, request, context } = call
  const entry = await core.tree.file(caller, params.path)
  if (request.method === 'HEAD') return sendFile(entry.file)
  const url = context.baseUrl + (await core.tree.signedUrl(caller, entry))
  return prefersJson(call) ? ok(metadataView(entry, url)) : found(url)
}

/** Whether JSON is named and nothing is liked better: clients that take anything mean the file. */
function prefersJson({ request }: Pick<Call, 'request'>): boolean {
  return new Negotiator(request).mediaType(['application/octet-stream', 'application/json']) === 'application/json'
}

const writing: readonly Route[] = [
  route(
    'put',
    '/files/*path',
    {
      summary:
        'Stores a file at a path: the body is its bytes. What is there is replaced, in one step (then the status is 200).',
      need: 'files:write',
      counts: 'upload',
      takes: '*/*',
      query: z.object({ message: nullable(z.string().optional()) }),
      headers: { 'Content-Type': "The file's type; told from its bytes or its name where it is absent." },
      status: 201,
      answer: schemas.put,
      example: { params: { path: 'docs/hello.txt' }, headers: { 'Content-Type': 'text/plain' }, body: 'Hello, Larder' },
    },
    async (call) => {
      const { core, caller, params, query, request } = call
      const { path, replacedBytes } = await core.tree.placeFor(caller, params.path, 'path')
      const message = messageFrom(query.message ?? '')
      const upload = await call.raw({ name: lastSegment(path), type: request.headers['content-type'] }, replacedBytes)
      const { file, tx, at, replaced } = await upload.put(path, message, privately)
      const view = putView({ path, size: file.size, tx, at })
      return replaced ? ok(view) : created(view)
    },
  ),

  route(
    'delete',
    '/files/*path',
    {
      summary: 'Deletes a file; with a final slash a folder and all in it. For good.',
      need: 'files:write',
      answer: schemas.deleted,
      example: { params: { path: 'docs/report.pdf' } },
    },
    async ({ core, caller, params }) => {
      const { deleted, tx, at } = await core.tree.remove(caller, params.path)
      return ok({ deleted, tx, time: at })
    },
  ),

  route(
    'post',
    '/files/mkdir',
    {
      summary: 'Makes a folder.',
      need: 'files:write',
      body: schemas.folder,
      answer: schemas.folderMade,
      example: { body: { path: 'docs/drafts/' } },
    },
    async ({ core, caller, body }) => ok(await core.tree.makeFolder(caller, body.path)),
  ),

  route(
    'post',
    '/files/move',
    {
      summary: 'Moves or renames a file, or a folder (then both paths end with a slash).',
      need: 'files:write',
      body: schemas.move,
      answer: schemas.moved,
      example: { body: { from: 'docs/report.pdf', to: 'docs/final.pdf', message: 'done' } },
    },
    async ({ core, caller, body }) => {
      const { from, to, tx, at } = await core.tree.move(caller, { ...body, message: body.message ?? undefined })
      return ok({ from, to, tx, time: at })
    },
  ),
]

/** What this door stores is for nobody else. */
const privately = { description: '', tags: [], isPublic: false }

export const files: readonly Route[] = [...reading, ...writing]

import { z } from 'zod'
import { invalid } from '../../core/failure.ts'
import { descriptionFrom, tagsFrom } from '../../core/labels.ts'
import { type Call, created, ok, type Route, route, seeOther, sendFile } from '../door.ts'
import type { Fields } from '../form.ts'
import { paging } from '../query.ts'
import { wantsHtml } from '../wants.ts'
import { fileView } from './views.ts'

const listQuery = z.object({ folderId: z.string().optional(), ...paging({ standard: 50, highest: 100 }) })

/** Looked at as a whole before any of them: a million wrong tags would be a million faults to tell. */
const tagList = z
  .unknown()
  .refine((sent) => Array.isArray(sent) && sent.length <= 1_000, {
    error: 'tags is a list of at most 1,000 texts',
    abort: true,
  })
  .pipe(z.array(z.string()))

const change = z
  .strictObject({
    name: z.string(),
    description: z.string(),
    tags: tagList,
    folderId: z.string().nullable(),
    public: z.boolean(),
  })
  .partial()

export const files: readonly Route[] = [
  route(
    'get',
    '/files',
    { summary: 'Files, newest first, a page at a time.', need: 'files:read', query: listQuery },
    async ({ core, caller, query: { folderId, ...page }, context }) => {
      const { files, total } = await core.files.list(caller, folderId, page)
      return ok({ files: files.map((file) => fileView(file, context.baseUrl)), pagination: { total, ...page } })
    },
  ),

  route(
    'post',
    '/files/upload',
    {
      summary: 'Stores the files of a form.',
      need: 'files:write',
      counts: 'upload',
      takes: 'multipart/form-data',
      status: 201,
    },
    async (call) => {
      const { upload, fields } = await call.form()
      const labels = {
        description: descriptionFrom(fields.get('description') ?? ''),
        tags: tagsFrom((fields.get('tags') ?? '').split(',')),
        isPublic: flag(fields, 'public', true),
      }
      const onwards = redirectOf(call, fields)
      const destination = await call.core.folders.destination(call.caller, folderOf(fields.get('folderId')))
      const published = await upload.publish(destination, labels)
      const views = published.map((file) => fileView(file, call.context.baseUrl))
      if (onwards !== undefined) return seeOther(onwards)
      return created({ file: views[0], ...(views.length > 1 && { files: views }) })
    },
  ),

  route('get', '/files/:id', { summary: 'What is known of a file.', need: 'files:read' }, async (call) => {
    const file = await call.core.files.find(call.caller, call.params.id)
    return ok({ file: fileView(file, call.context.baseUrl) })
  }),

  route(
    'patch',
    '/files/:id',
    { summary: "Changes a file's name, place, description, tags or visibility.", need: 'files:write', body: change },
    async (call) => {
      const { public: isPublic, folderId, ...rest } = call.body
      const update = { ...rest, isPublic, folderId: folderId === null ? 'root' : folderId }
      const file = await call.core.files.update(call.caller, call.params.id, update)
      return ok({ file: fileView(file, call.context.baseUrl) })
    },
  ),

  route('delete', '/files/:id', { summary: 'Deletes a file.', need: 'files:write' }, async (call) => {
    await call.core.files.remove(call.caller, call.params.id)
    return ok()
  }),

  route(
    'get',
    '/files/:id/download',
    { summary: "A file's bytes, as an attachment.", need: 'files:read' },
    async (call) => sendFile(await call.core.files.find(call.caller, call.params.id)),
  ),
]

/** An empty field of a form is one that was not filled in. */
const folderOf = (sent: string | undefined): string | undefined => (sent === '' ? undefined : sent)

function flag(fields: Fields, name: string, otherwise: boolean): boolean {
  const sent = fields.get(name)
  if (sent === undefined || sent === '') return otherwise
  if (sent === 'true' || sent === '1' || sent === 'on') return true
  if (sent === 'false' || sent === '0') return false
  throw invalid(name, `${name} is true or false`)
}

/**
 * Where a plain form's browser goes after an upload: only one that prefers a page, and only on this very site, or an
 * upload form would be a way to send people anywhere.
 */
function redirectOf(call: Call, fields: Fields): string | undefined {
  const sent = fields.get('redirect')
  if (sent === undefined || sent === '' || !wantsHtml(call.request.headers.accept)) return undefined
  const base = new URL(call.context.baseUrl)
  const target = URL.parse(sent, base.href)
  if (target?.origin !== base.origin || !/^https?:$/.test(target.protocol))
    throw invalid('redirect', 'redirect leads to a page of this site')
  return target.pathname + target.search + target.hash
}

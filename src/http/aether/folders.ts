import { z } from 'zod'
import { created, ok, type Route, route } from '../door.ts'
import { paging } from '../query.ts'
import { folderView } from './views.ts'

/** A tree is shown whole, where it is not enormous. */
const listQuery = z.object({ parentId: z.string().optional(), ...paging({ standard: 1_000, highest: 1_000 }) })

const place = z.string().nullable()
const creation = z.strictObject({ name: z.string(), parentId: place.optional() })
const change = z.strictObject({ name: z.string(), parentId: place }).partial()

export const folders: readonly Route[] = [
  route(
    'get',
    '/folders',
    { summary: 'Folders by name: all, or those in one.', need: 'files:read', query: listQuery },
    async ({ core, caller, query: { parentId, ...page } }) => {
      const { folders, total } = await core.folders.list(caller, parentId, page)
      return ok({ folders: folders.map(folderView), pagination: { total, ...page } })
    },
  ),

  route(
    'post',
    '/folders',
    { summary: 'Makes a folder.', need: 'files:write', body: creation, status: 201 },
    async (call) => {
      const { name, parentId } = call.body
      return created({ folder: folderView(await call.core.folders.create(call.caller, name, parentId ?? undefined)) })
    },
  ),

  route(
    'patch',
    '/folders/:id',
    { summary: 'Renames or moves a folder.', need: 'files:write', body: change },
    async (call) => {
      const { name, parentId } = call.body
      const update = { name, parentId: parentId === null ? 'root' : parentId }
      return ok({ folder: folderView(await call.core.folders.update(call.caller, call.params.id, update)) })
    },
  ),

  route(
    'delete',
    '/folders/:id',
    {
      summary: 'Deletes an empty folder, or with ?recursive=true all that is in it.',
      need: 'files:write',
      query: z.object({ recursive: z.string().optional() }),
    },
    async (call) => {
      await call.core.folders.remove(call.caller, call.params.id, call.query.recursive === 'true')
      return ok()
    },
  ),
]

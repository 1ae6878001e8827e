import { z } from 'zod'
import { parse } from '../body.ts'
import { type AnyRoute, created, ok, route } from '../door.ts'
import { pagingOf } from '../paging.ts'
import { folderView } from './views.ts'

/** A tree is shown whole, where it is not enormous. */
const page = { standard: 1_000, highest: 1_000 }

const place = z.string().nullable()
const creation = z.strictObject({ name: z.string(), parentId: place.optional() })
const change = z.strictObject({ name: z.string(), parentId: place }).partial()

export const folders: readonly AnyRoute[] = [
  route('get', '/folders', { summary: 'Folders by name: all, or those in one.', scope: 'files:read' }, async (call) => {
    const paging = pagingOf(call.query, page)
    const { folders, total } = await call.core.folders.list(
      call.caller,
      call.query.get('parentId') ?? undefined,
      paging,
    )
    return ok({ folders: folders.map(folderView), pagination: { total, ...paging } })
  }),

  route('post', '/folders', { summary: 'Makes a folder.', scope: 'files:write' }, async (call) => {
    const { name, parentId } = parse(creation, await call.json())
    return created({ folder: folderView(await call.core.folders.create(call.caller, name, parentId ?? undefined)) })
  }),

  route('patch', '/folders/:id', { summary: 'Renames or moves a folder.', scope: 'files:write' }, async (call) => {
    const { name, parentId } = parse(change, await call.json())
    const update = { name, parentId: parentId === null ? 'root' : parentId }
    return ok({ folder: folderView(await call.core.folders.update(call.caller, call.params.id, update)) })
  }),

  route(
    'delete',
    '/folders/:id',
    { summary: 'Deletes an empty folder, or with ?recursive=true all that is in it.', scope: 'files:write' },
    async (call) => {
      await call.core.folders.remove(call.caller, call.params.id, call.query.get('recursive') === 'true')
      return ok()
    },
  ),
]

import { z } from 'zod'
import { invalid } from '../../core/failure.ts'
import type { Project } from '../../core/model.ts'
import { type Call, created, ok, type Route, route } from '../door.ts'
import { numberedPaging, pageOf } from '../query.ts'
import { uuidAt } from './ids.ts'
import * as schemas from './schemas.ts'
import { keyView, paginationView } from './views.ts'

const dayMs = 86_400_000
const need = 'keys:manage'
const headers = { 'x-project-id': 'Required: the project that the keys are of.' }
const codes = ['project_not_found']

export const keys: readonly Route[] = [
  route(
    'get',
    '/auth/api-keys',
    {
      summary: "A project's keys, newest first, the inactive ones, too.",
      need,
      headers,
      query: z.object(numberedPaging({ standard: 10, highest: 100 })),
      answer: schemas.keys,
      codes,
    },
    async (call) => {
      const { core, caller, query } = call
      const project = await projectOf(call)
      const wish = { projectId: project.id, withRevoked: true, page: pageOf(query) }
      const { keys: found, total } = await core.keys.list(caller, wish)
      const now = core.clock.now()
      return ok({ items: found.map((key) => keyView(key, now)), pagination: paginationView(query, total) })
    },
  ),

  route(
    'post',
    '/auth/api-keys',
    {
      summary: 'Makes a key, which is shown this once.',
      need,
      headers,
      body: schemas.keyWish,
      status: 201,
      answer: schemas.madeKey,
      codes,
      example: { body: { name: 'test', expires_in_days: null, scopes: null } },
    },
    async (call) => {
      const { core, caller, body } = call
      const project = await projectOf(call)
      const days = body.expires_in_days ?? null
      const now = core.clock.now()
      const { text, key } = await core.keys.create(caller, {
        kind: 'sk',
        name: body.name,
        scopes: body.scopes ?? undefined,
        expiresAt: days === null ? null : now + days * dayMs,
        projectId: project.id,
      })
      return created(keyView(key, now, text))
    },
  ),

  route(
    'delete',
    '/auth/api-keys/:key_id',
    {
      summary: 'Deactivates a key, for good; once more is no fault.',
      need,
      headers,
      answer: schemas.deactivated,
      codes: [...codes, 'not_found'],
    },
    async (call) => {
      const id = uuidAt('path', 'key_id', call.params.key_id)
      const project = await projectOf(call)
      const key = await call.core.keys.revoke(call.caller, id, { projectId: project.id, again: true })
      const at = new Date(key.revokedAt ?? call.core.clock.now()).toISOString()
      return ok({ id: key.id, is_active: false, deactivated_at: at })
    },
  ),
]

/** @throws Failure `invalid`, `not_found`. */
function projectOf({ core, caller, request }: Pick<Call, 'core' | 'caller' | 'request'>): Promise<Project> {
  const sent = request.headers['x-project-id']
  if (typeof sent !== 'string') throw invalid('x-project-id', 'is required', 'missing', 'header')
  return core.projects.find(caller, uuidAt('header', 'x-project-id', sent))
}

import { created, noContent, ok, type Route, route } from '../door.ts'
import * as schemas from './schemas.ts'
import { keyView } from './views.ts'

/** No key manages keys at this door, whatever it may elsewhere. */
const need = 'login'
const codes = ['JWT_REQUIRED']

export const keys: readonly Route[] = [
  route(
    'post',
    '/auth/api-keys',
    {
      summary: 'Makes an API key, which is shown this once.',
      need,
      body: schemas.keyWish,
      status: 201,
      answer: schemas.madeKey,
      codes,
      example: { body: { name: 'Production server' } },
    },
    async ({ core, caller, body }) => {
      const { text, key } = await core.keys.create(caller, { kind: 'atiru', name: body.name ?? '' })
      return created({ ...keyView(key), key: text })
    },
  ),

  route(
    'get',
    '/auth/api-keys',
    { summary: 'The API keys that are not revoked, newest first.', need, answer: schemas.keyList, codes },
    async ({ core, caller }) => {
      const { keys: all } = await core.keys.list(caller)
      const usedAt = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
      return ok({ api_keys: all.map((key) => ({ ...keyView(key), last_used_at: usedAt(key.lastUsedAt) })) })
    },
  ),

  route(
    'delete',
    '/auth/api-keys/:id',
    { summary: 'Revokes an API key, for good.', need, status: 204, codes: [...codes, 'NOT_FOUND'] },
    async ({ core, caller, params }) => {
      await core.keys.revoke(caller, params.id)
      return noContent()
    },
  ),
]

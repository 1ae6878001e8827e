import type { Key } from '../../core/model.ts'
import { folderPath } from '../../core/paths.ts'
import { created, ok, type Route, route } from '../door.ts'
import * as schemas from './auth-schemas.ts'

const need = 'keys:manage'
const codes = ['forbidden']

export const keys: readonly Route[] = [
  route(
    'post',
    '/auth/keys',
    {
      summary: 'Makes an API key, which is shown this once; one made with a key is no wider and no longer-lived.',
      need,
      body: schemas.keyWish,
      status: 201,
      answer: schemas.madeKey,
      codes,
      example: { body: { name: 'deploy-bot', prefix: 'docs/', expires_in: 86_400 } },
    },
    async ({ core, caller, body }) => {
      const { name, prefix, expires_in: seconds } = body
      const { text, key } = await core.keys.create(caller, {
        kind: 'sk',
        name: name ?? '',
        pathPrefix: folderPath(prefix ?? '', 'prefix'),
        expiresAt: seconds == null ? null : core.clock.now() + seconds * 1_000,
      })
      return created({ ...keyView(key), token: text })
    },
  ),

  route(
    'get',
    '/auth/keys',
    { summary: 'The API keys that are not revoked, newest first.', need, answer: schemas.keyList, codes },
    async ({ core, caller }) => {
      const { keys: all } = await core.keys.list(caller)
      return ok({ keys: all.map((key) => ({ ...keyView(key), created_at: key.createdAt })) })
    },
  ),

  route(
    'delete',
    '/auth/keys/:id',
    {
      summary: 'Revokes an API key, for good: the next request with it is refused.',
      need,
      answer: schemas.deleted,
      codes: [...codes, 'not_found'],
    },
    async ({ core, caller, params }) => {
      await core.keys.revoke(caller, params.id)
      return ok({ deleted: true })
    },
  ),
]

const keyView = ({ id, name, pathPrefix, expiresAt }: Key) => ({
  id,
  name,
  prefix: pathPrefix ?? '',
  expires_at: expiresAt,
})

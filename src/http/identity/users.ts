import { ok, type Route, route } from '../door.ts'
import * as schemas from './schemas.ts'
import { userView } from './views.ts'

export const users: readonly Route[] = [
  route(
    'get',
    '/auth/users/me',
    { summary: 'Whoever calls.', need: 'user:read', answer: schemas.user },
    async ({ core, caller }) => {
      const { projects } = await core.projects.list(caller)
      const { imageOps } = await core.usage.thisMonth(caller)
      const left = await core.usage.left(caller, 'imageOps')
      return ok(userView(caller.account, projects, core.plans.of(caller.account).name, { imageOps, left }))
    },
  ),
]

import { type AnyRoute, ok, route } from '../door.ts'
import { statsView } from './views.ts'

export const user: readonly AnyRoute[] = [
  route(
    'get',
    '/user/stats',
    { summary: 'Files, folders and bytes, and bytes sent this month.', scope: 'user:read' },
    async (call) => {
      const totals = await call.core.files.totals(call.caller)
      return ok({ stats: statsView(totals, await call.core.files.bytesSent(call.caller)) })
    },
  ),
]

import { ok, type Route, route } from '../door.ts'
import { statsView } from './views.ts'

export const user: readonly Route[] = [
  route(
    'get',
    '/user/stats',
    { summary: 'Files, folders and bytes, and bytes sent this month.', need: 'user:read' },
    async (call) => {
      const totals = await call.core.usage.totals(call.caller)
      const { bytesSent } = await call.core.usage.thisMonth(call.caller)
      return ok({ stats: statsView(totals, bytesSent) })
    },
  ),
]

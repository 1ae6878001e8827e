import { z } from 'zod'
import type { Account } from '../../core/model.ts'
import { boundsOfMonth } from '../../core/months.ts'
import { type Call, ok, type Route, route } from '../door.ts'
import { numberedPaging, pageOf } from '../query.ts'
import * as schemas from './schemas.ts'
import { logView, profileView } from './views.ts'

const time = (ms: number): string => new Date(ms).toISOString()

export const account: readonly Route[] = [
  route(
    'get',
    '/settings',
    { summary: 'What the account has set for itself.', need: 'user:read', answer: schemas.settings },
    async (call) => ok(settingsOf(call, call.caller.account)),
  ),

  route(
    'patch',
    '/settings',
    {
      summary: 'Changes one setting, or both.',
      need: 'settings:write',
      body: schemas.settingsChange,
      answer: schemas.settings,
      example: { body: { public_url_base: 'https://cdn.example.com', max_upload_size_bytes: 20_971_520 } },
    },
    async (call) => {
      const { public_url_base: publicUrlBase, max_upload_size_bytes: maxUploadBytes } = call.body
      const change = {
        ...(publicUrlBase !== undefined && { publicUrlBase }),
        ...(maxUploadBytes !== undefined && { maxUploadBytes }),
      }
      return ok(settingsOf(call, await call.core.settings.change(call.caller, change)))
    },
  ),

  route(
    'get',
    '/usage',
    { summary: 'What is stored, and what this calendar month brought.', need: 'user:read', answer: schemas.usage },
    async ({ core, caller }) => {
      const { bytesBelow, filesBelow } = await core.usage.totals(caller)
      const { originReads, imageOps } = await core.usage.thisMonth(caller)
      const { start, end } = boundsOfMonth(core.clock.now())
      return ok({
        storage_bytes: bytesBelow,
        files_count: filesBelow,
        origin_reads: originReads,
        image_ops: imageOps,
        period_start: time(start),
        period_end: time(end),
      })
    },
  ),

  route(
    'get',
    '/logs',
    {
      summary: "The account's API calls of the last 30 days, newest first.",
      need: 'requests:read',
      query: z.object(numberedPaging({ standard: 20, highest: 100 })),
      answer: schemas.logs,
      example: { query: { page: '1', limit: '20' } },
    },
    async ({ core, caller, query }) => {
      const { requests, total } = await core.activity.requests(caller, pageOf(query))
      return ok({ logs: requests.map(logView), total, ...query })
    },
  ),

  route(
    'get',
    '/profile',
    { summary: 'The account and its plan.', need: 'user:read', answer: schemas.profile },
    async ({ core, caller }) => ok(profileView(caller.account, core.plans)),
  ),
]

function settingsOf({ core, context }: Pick<Call, 'core' | 'context'>, of: Account): z.infer<typeof schemas.settings> {
  return {
    public_url_base: of.publicUrlBase ?? context.baseUrl,
    max_upload_size_bytes: core.plans.maxUploadOf(of),
  }
}

import { z } from 'zod'
import { scopes } from '../../core/model.ts'

/** What goes in and out, as the routes check it. */

const time = z.iso.datetime()

/** What an answer is wrapped in. */
const envelope = <S extends z.ZodType>(data: S) => z.object({ success: z.boolean(), data, error: z.null() })

export const codeWish = z.object({ email: z.string() })
export const codeSent = envelope(z.object({ message: z.string() }))
export const code = z.object({ email: z.string(), code: z.string() })
export const refreshing = z.object({ refresh_token: z.string(), user_uuid: z.string() })
export const revoking = z.object({ refresh_token: z.string() })
export const tokens = envelope(
  z.object({ access_token: z.string(), refresh_token: z.string(), token_type: z.literal('bearer') }),
)
export const nothing = z.object({})

const projectName = z.object({ id: z.uuid(), name: z.string() })
export const user = envelope(
  z.object({
    id: z.uuid(),
    email: z.string().nullable(),
    full_name: z.string().nullable(),
    is_active: z.boolean(),
    is_superuser: z.boolean(),
    is_verified: z.boolean(),
    projects: z.array(projectName),
    created_at: time,
    updated_at: time,
    billing: z.object({ token_balance: z.int(), tokens_used: z.int(), subscription_tier: z.string() }),
  }),
)

const pagination = z.object({ page: z.int(), limit: z.int(), total: z.int(), pages: z.int() })
const pageOf = <S extends z.ZodType>(item: S) => envelope(z.object({ items: z.array(item), pagination }))

export const keyWish = z.object({
  name: z.string(),
  expires_in_days: z.int().min(1).max(3_650).nullish(),
  scopes: z.array(z.string()).min(1).max(scopes.length).nullish(),
})
const key = z.object({
  id: z.uuid(),
  prefix: z.string(),
  name: z.string(),
  full_key: z.string().nullable(),
  scopes: z.array(z.string()),
  last_used_at: time.nullable(),
  expires_at: time.nullable(),
  is_active: z.boolean(),
  created_at: time,
  updated_at: time,
})
export const madeKey = envelope(key)
export const keys = pageOf(key)
export const deactivated = envelope(z.object({ id: z.uuid(), is_active: z.boolean(), deactivated_at: time }))

export const projectWish = z.object({ name: z.string() })
const project = projectName.extend({ created_at: time, updated_at: time })
export const oneProject = envelope(project)
export const projects = pageOf(project)

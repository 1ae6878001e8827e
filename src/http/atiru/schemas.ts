import { z } from 'zod'

/** What goes in and out, as the routes check it and the reference shows it. */

const time = z.iso.datetime()
const nullable = <S extends z.ZodType>(schema: S, description?: string) =>
  description === undefined ? schema.nullable() : schema.nullable().meta({ description })

export const fileView = z.object({
  id: z.uuid(),
  user_id: z.uuid(),
  file_id: z.string().meta({ description: 'The handle in paths and links' }),
  name: nullable(z.string()),
  content_type: nullable(z.string()),
  size: nullable(z.int()),
  public_url: nullable(z.string(), "Shows the file, under the account's own address where it has set one"),
  default_url: nullable(z.string(), 'Shows the file; null for a private one, like all links'),
  default_download_url: nullable(z.string()),
  public_download_url: nullable(z.string()),
  created_at: nullable(time),
  is_public: nullable(z.boolean()),
})

export const uploaded = z.object({ file: fileView, message: z.string() })
export const fileList = z.object({ files: z.array(fileView) })
export const bulkDeletion = z.object({ ids: z.array(z.string()).min(1).max(100) })
export const bulkDeleted = z.object({
  deleted: z.int(),
  errors: z.array(z.object({ id: z.string(), error: z.string() })),
})

export const credentials = z.object({ email: z.string(), password: z.string() })
export const registration = credentials.extend({
  redirect_to: z
    .url()
    .max(2_048)
    .nullish()
    .meta({ description: 'Where the link in the mail leads on to, if its origin is allowed here' }),
})
export const registered = z.object({ message: z.string(), user: z.object({ id: z.uuid(), email: z.string() }) })
export const user = z.object({ id: z.uuid(), email: z.string().nullable(), created_at: time, updated_at: time })
export const signedIn = z.object({
  user,
  session: z.object({
    access_token: z.string(),
    refresh_token: z.string(),
    expires_in: z.int().meta({ description: 'Seconds' }),
    expires_at: z.int().meta({ description: 'Unix seconds' }),
    token_type: z.literal('bearer'),
  }),
})
export const refreshing = z.object({ refresh_token: z.string() })
export const forgetting = z.object({ email: z.string() })
export const resetting = z.object({ token: z.string(), password: z.string() })
export const message = z.object({ message: z.string() })

export const keyWish = z.object({ name: z.string().nullish() })
export const keyView = z.object({ id: z.uuid(), key_prefix: z.string(), name: z.string(), created_at: time })
export const madeKey = keyView.extend({ key: z.string().meta({ description: 'Shown this once' }) })
export const keyList = z.object({ api_keys: z.array(keyView.extend({ last_used_at: time.nullable() })) })

export const settings = z.object({ public_url_base: z.string(), max_upload_size_bytes: z.int() })
export const settingsChange = z
  .object({
    public_url_base: z.string().nullable().meta({ description: "Null: the server's own address" }),
    max_upload_size_bytes: z.int().nullable().meta({ description: 'Null: as much as is taken here' }),
  })
  .partial()

export const usage = z.object({
  storage_bytes: z.int(),
  files_count: z.int(),
  origin_reads: z.int(),
  image_ops: z.int(),
  period_start: time,
  period_end: time,
})

const logLine = z.object({
  id: z.string(),
  method: z.string(),
  path: z.string(),
  status_code: z.int(),
  request_size_bytes: z.int().nullable(),
  created_at: time,
  metadata: z.object({
    duration_ms: z.number(),
    user_agent: z.string().nullable(),
    key_prefix: z.string().nullable(),
  }),
})
export const logs = z.object({ logs: z.array(logLine), total: z.int(), page: z.int(), limit: z.int() })

const limit = z.int().nullable().meta({ description: 'Null: no limit' })
export const profile = z.object({
  user,
  plan: z.object({
    name: z.string(),
    storage_limit_bytes: limit,
    file_count_limit: limit,
    image_ops_limit: limit,
    origin_reads_limit: limit,
    max_upload_size_bytes: limit,
  }),
  subscription_canceled_at: time.nullable(),
  access_until: time.nullable(),
})

export const failure = z.object({ error: z.string(), statusCode: z.int(), code: z.string() })

/** Shapes that have a name of their own in the reference. */
export const named = { File: fileView, User: user, Profile: profile, Settings: settings, Usage: usage, Error: failure }

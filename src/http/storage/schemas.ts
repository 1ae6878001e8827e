import { z } from 'zod'

/** What goes in and out, as the routes check it and the reference shows it. Times are milliseconds since 1970 UTC. */

export const time = z.int().meta({ description: 'Milliseconds since 1970 UTC' })
const tx = z.int().meta({ description: "The account's transaction: counted from 1, without gaps" })
export const message = z.string().nullish().meta({ description: 'Kept with the transaction, up to 1,024 bytes' })

export const metadata = z.object({
  path: z.string(),
  name: z.string(),
  url: z.string().meta({ description: 'Good for `expires_in` seconds, by itself' }),
  size: z.int(),
  content_type: z.string(),
  etag: z.string(),
  updated_at: time,
  tx,
  tx_time: time,
  expires_in: z.int().meta({ description: 'Seconds' }),
})

export const put = z.object({ path: z.string(), name: z.string(), size: z.int(), tx, time })

const entry = z.object({
  name: z.string().meta({ description: "A folder's ends with a slash" }),
  type: z.string().meta({ description: 'The MIME type, or `folder`' }),
  size: z.int(),
  updated_at: time,
  tx,
  tx_time: time,
})
export const listing = z.object({
  prefix: z.string(),
  entries: z.array(entry),
  truncated: z.boolean(),
  cursor: z.string().nullable().meta({ description: 'Where the next page begins; null at the end' }),
})

const hit = z.object({ path: z.string(), name: z.string(), size: z.int(), type: z.string(), updated_at: time })
export const found = z.object({ query: z.string(), results: z.array(hit) })

export const folder = z.object({ path: z.string().meta({ description: 'Ends with a slash' }) })
export const folderMade = z.object({ path: z.string(), created: z.boolean() })

export const move = z.object({ from: z.string(), to: z.string(), message })
export const moved = z.object({ from: z.string(), to: z.string(), tx, time })
export const deleted = z.object({
  deleted: z.int().meta({ description: 'Files, and folders that were empty' }),
  tx,
  time,
})
export const stats = z.object({ files: z.int(), bytes: z.int() })

const event = z.object({
  tx,
  action: z.enum(['put', 'mkdir', 'move', 'delete']),
  path: z.string(),
  to: z.string().optional().meta({ description: 'Where a move went' }),
  size: z.int(),
  msg: z.string(),
  ts: time,
  sha256: z.string().optional().meta({ description: 'Of the content that was put' }),
})
export const log = z.object({ events: z.array(event) })

import { z } from 'zod'
import { linkLifeSeconds } from '../../core/links.ts'
import { time } from './schemas.ts'

/** What goes in and out about links, as the routes check it and the reference shows it. */

const { least, standard, most } = linkLifeSeconds
const ttl = z
  .int()
  .nullish()
  .meta({ description: `Seconds, ${least} to ${most}; ${standard} where absent` })
/** A limit of something: at least one of it. */
const limit = (description: string) => z.int().min(1).nullish().meta({ description })
const nullable = z.int().nullable()

export const shareWish = z.object({
  path: z.string(),
  ttl,
  folder: z.boolean().nullish().meta({ description: 'Must be true to share a folder, with all that is in it' }),
  password: z.string().nullish(),
  max_downloads: limit('How many downloads it is good for'),
})
const link = z.object({ url: z.string(), token: z.string(), expires_at: time, ttl: z.int() })
export const shared = link
const page = { truncated: z.boolean(), cursor: z.string().nullable() }
export const shareList = z.object({
  ...page,
  shares: z.array(
    link.extend({ path: z.string(), has_password: z.boolean(), max_downloads: nullable, downloads: z.int() }),
  ),
})
export const revoked = z.object({ deleted: z.literal(true) })

export const requestWish = z.object({
  path: z.string().meta({ description: 'Of the folder that is to be filled; ends with a slash' }),
  ttl,
  max_files: limit('How many files may come, in all'),
  max_bytes: limit('How many bytes may come, in all'),
})
export const requested = link.extend({ path: z.string(), max_files: nullable, max_bytes: nullable })
export const requestList = z.object({
  ...page,
  requests: z.array(requested.extend({ files: z.int(), bytes: z.int() })),
})

const shown = z.object({
  name: z.string().meta({ description: "A folder's ends with a slash" }),
  type: z.string().meta({ description: 'The MIME type, or `folder`' }),
  size: z.int(),
  updated_at: time,
})
export const sharedFolder = z.object({
  path: z.string().meta({ description: 'Below what is shared; empty for that itself' }),
  entries: z.array(shown),
  cursor: z.string().nullable().meta({ description: 'Where the next page begins; null at the end' }),
})
export const received = z.object({ files: z.array(z.object({ name: z.string(), size: z.int() })) })

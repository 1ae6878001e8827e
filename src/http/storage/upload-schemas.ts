import { z } from 'zod'
import { partLimit } from '../../core/upload-start.ts'

/** What goes in and out of uploads, as the routes check it and the reference shows it. */

const path = z.string().meta({ description: "The file's path, as in docs/report.pdf" })
const message = z.string().nullish().meta({ description: 'What is said of it in the log' })
const partNumber = z.int().min(1).max(partLimit)
const seconds = z.int().meta({ description: 'Seconds' })
const time = z.int().meta({ description: 'Milliseconds since 1970 UTC' })

export const start = z.object({
  path,
  content_type: z
    .string()
    .nullish()
    .meta({ description: 'The only type that the bytes may be sent as; any where absent' }),
  content_hash: z
    .string()
    .nullish()
    .meta({ description: 'SHA-256 of the whole, in hex: bytes that you have already need not be sent' }),
})
export const multipartStart = start.extend({
  part_count: partNumber.nullish().meta({ description: 'How many addresses to give; 1 where absent' }),
})

const recorded = z.object({ path: z.string(), name: z.string(), size: z.int(), tx: z.int(), time })
const known = recorded.extend({
  exists: z.literal(true).meta({ description: 'The bytes of content_hash were there: the file is recorded' }),
})

export const started = z.union([z.object({ url: z.url(), content_type: z.string(), expires_in: seconds }), known])
export const multipartStarted = z.union([
  z.object({
    upload_id: z.uuid(),
    key: z.string().meta({ description: 'The path' }),
    content_type: z.string(),
    part_urls: z.array(z.url()).meta({ description: 'One for each part, in the order of their numbers' }),
    expires_in: seconds,
  }),
  known,
])

export const completion = z.object({ path, message })
export const completed = recorded

export const multipartCompletion = z.object({
  path,
  upload_id: z.string(),
  parts: z
    .array(
      z.object({
        part_number: partNumber,
        etag: z.string().max(200).meta({ description: 'As the part was answered' }),
      }),
    )
    .min(1)
    .max(partLimit),
  message,
})

export const abortion = z.object({ path, upload_id: z.string() })
export const aborted = z.object({
  aborted: z.boolean().meta({ description: 'false: it was aborted before' }),
})

export const received = z.object({
  upload_id: z.uuid(),
  path: z.string(),
  parts: z.array(z.object({ part_number: z.int(), etag: z.string(), size: z.int() })),
})

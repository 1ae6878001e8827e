import { z } from 'zod'
import type { LinkAt, LinkCursor, LinkPage } from '../../core/catalogue.ts'
import type { RequestLink, Share } from '../../core/model.ts'
import { nullable, wholeNumber } from '../query.ts'

/** Lists of links, of whichever kind. */

const form = /^(\d{1,15}) ([\w-]{1,64})$/

const cursor = z
  .string()
  .optional()
  .transform((sent, context): LinkCursor | undefined => {
    if (sent === undefined) return undefined
    const [, createdAt, id] = form.exec(Buffer.from(sent, 'base64url').toString('latin1')) ?? []
    if (createdAt !== undefined && id !== undefined) return { createdAt: Number(createdAt), id }
    context.addIssue({ code: 'custom', message: 'is none that a list has given' })
    return z.NEVER
  })
  .meta({ type: 'string', description: 'As the page before gave it' })

/** Which page of a list. */
export const pageQuery = z.object({
  limit: nullable(wholeNumber({ least: 1, standard: 200, highest: 1_000 })),
  cursor: nullable(cursor),
})

/** As the core asks for it. */
export const pageOf = ({ limit, cursor: after }: z.infer<typeof pageQuery>) => ({ limit, after })

/** What stands beside the links of a page. */
export function restOf({ links, more }: LinkPage<Share | RequestLink>) {
  const last = more ? links.at(-1)?.link : undefined
  const next = last && Buffer.from(`${last.createdAt} ${last.id}`).toString('base64url')
  return { truncated: more, cursor: next ?? null }
}

/** What is said of every link. @param at where links of the kind stand. */
export function linkView(at: string, { link }: LinkAt<Share | RequestLink>) {
  const { token, expiresAt, ttlSeconds } = link
  return { url: `${at}/${token}`, token, expires_at: expiresAt, ttl: ttlSeconds }
}

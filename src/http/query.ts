import { z } from 'zod'
import type { Page } from '../core/catalogue.ts'

/** A query as an object; of a repeated name the first value. */
export function firstValues(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...query].reverse())
}

/** A whole number in a query. One over the highest counts as the highest. */
export function wholeNumber<S extends number | undefined>({
  least,
  standard,
  highest = Number.MAX_SAFE_INTEGER,
}: Bounds<S>) {
  return z
    .unknown()
    .optional()
    .transform((sent, context): number | S => {
      if (sent === undefined) return standard
      const value = typeof sent === 'string' && /^\d{1,15}$/.test(sent) ? Number(sent) : Number.NaN
      if (value >= least) return Math.min(value, highest)
      context.addIssue({ code: 'custom', message: `is a whole number from ${least} on` })
      return z.NEVER
    })
    .meta({ type: 'integer', minimum: least, ...(standard !== undefined && { default: standard }) })
}

interface Bounds<S> {
  readonly least: number
  /** What is meant where nothing is said. */
  readonly standard: S
  readonly highest?: number
}

/** A value in a query that may also be said to be `null`: as if it were not there. */
export function nullable<T extends z.ZodType>(schema: T) {
  return z.preprocess((sent) => (sent === 'null' ? undefined : sent), schema)
}

/** `true`, `false`, `1` or `0` in a query. */
export function flag(standard: boolean) {
  return z
    .unknown()
    .optional()
    .transform((sent, context) => {
      if (sent === undefined) return standard
      if (sent === 'true' || sent === '1') return true
      if (sent === 'false' || sent === '0') return false
      context.addIssue({ code: 'custom', message: 'is true or false' })
      return z.NEVER
    })
    .meta({ type: 'boolean', default: standard })
}

/** `limit` and `offset`. */
export const paging = (limits: { standard: number; highest: number }) => ({
  limit: wholeNumber({ least: 1, ...limits }),
  offset: wholeNumber({ least: 0, standard: 0 }),
})

/** `page` and `limit`, pages counted from 1. */
export const numberedPaging = (limits: { standard: number; highest: number }) => ({
  page: wholeNumber({ least: 1, standard: 1, highest: 1_000_000_000 }),
  limit: wholeNumber({ least: 1, ...limits }),
})

export function pageOf({ page, limit }: { page: number; limit: number }): Page {
  return { limit, offset: (page - 1) * limit }
}

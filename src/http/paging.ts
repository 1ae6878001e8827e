import type { Page } from '../core/catalogue.ts'
import { invalid } from '../core/failure.ts'

/** `limit` and `offset` of a query; a limit over the highest counts as the highest. @throws Failure `invalid`. */
export function pagingOf(query: URLSearchParams, limits: { standard: number; highest: number }): Page {
  const limit = wholeNumber(query, 'limit', 1) ?? limits.standard
  return { limit: Math.min(limit, limits.highest), offset: wholeNumber(query, 'offset', 0) ?? 0 }
}

function wholeNumber(query: URLSearchParams, name: string, least: number): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least)) throw invalid(name, `${name} is a whole number from ${least} on`)
  return value
}

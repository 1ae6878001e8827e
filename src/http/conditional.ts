import type { IncomingHttpHeaders } from 'node:http'

/** What a representation is known by. `etag` comes in its quotes; `lastModifiedMs` counts by whole seconds. */
export interface Validators {
  readonly etag: string
  readonly lastModifiedMs: number
}

export type Verdict = 'send' | 'not modified' | 'precondition failed'

/** The order of RFC 9110 section 13.2.2, for methods that read. */
export function evaluate(headers: IncomingHttpHeaders, validators: Validators): Verdict {
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, validators.etag, 'strong')) return 'precondition failed'
  } else {
    const limit = dateOf(headers['if-unmodified-since'])
    if (limit !== undefined && seconds(validators.lastModifiedMs) > limit) return 'precondition failed'
  }
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, validators.etag, 'weak') ? 'not modified' : 'send'
  const since = dateOf(headers['if-modified-since'])
  return since !== undefined && seconds(validators.lastModifiedMs) <= since ? 'not modified' : 'send'
}

/** Whether a `Range` still means this very representation (RFC 9110 section 13.1.5): without `If-Range` it does. */
export function rangeApplies(ifRange: string | undefined, validators: Validators): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('"') || ifRange.startsWith('W/')) return ifRange === validators.etag
  // A date is a strong validator only where it matches exactly.
  return dateOf(ifRange) === seconds(validators.lastModifiedMs)
}

const entityTag = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g

function matches(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  const tags = list.match(entityTag) ?? []
  return tags.some((tag) => (comparison === 'weak' && tag.startsWith('W/') ? tag.slice(2) : tag) === etag)
}

const seconds = (ms: number): number => Math.floor(ms / 1000)

/** The three forms of a date that RFC 9110 section 5.6.7 knows. `Date.parse` takes much else, in local time: "5" is a day of 2001. */
const dateForm =
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$|^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$|^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/** Undefined where it is no date: a header that carries none is ignored. */
function dateOf(value: string | undefined): number | undefined {
  if (value === undefined || !dateForm.test(value)) return undefined
  const ms = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`)
  return Number.isNaN(ms) ? undefined : seconds(ms)
}

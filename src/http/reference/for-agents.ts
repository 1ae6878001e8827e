import type { Route } from '../door.ts'
import type { Rate, Rates } from '../limits.ts'
import type { Described } from './about.ts'

interface Surroundings {
  readonly baseUrl: string
  readonly rates: Rates
  readonly types: readonly string[]
}

/** A door in short, for programs that find their own way. */
export function forAgents({ door, errorCodes, auth }: Described, { baseUrl, rates, types }: Surroundings) {
  return {
    base_url: baseUrl + door.base,
    auth,
    operations: door.routes.map((one) => operation(one, rates)),
    allowed_content_types: types,
    error_codes: Object.entries(errorCodes).map(([code, [status, description]]) => ({
      code,
      http_status: status,
      description,
    })),
  }
}

function operation(one: Route, rates: Rates) {
  return {
    method: one.method.toUpperCase(),
    path: one.path,
    summary: one.summary,
    requires_auth: one.need !== null,
    request_headers: headersOf(one),
    request_body_notes: bodyNotes(one),
    response_notes: responseNotes(one),
    rate_limit_per_min: perMinute(rates[one.counts ?? 'api']),
  }
}

function headersOf({ need, body, headers = {} }: Route): Record<string, string> {
  return {
    ...(need !== null && {
      Authorization: need === 'login' ? 'Bearer ACCESS_TOKEN' : 'Bearer API_KEY_OR_ACCESS_TOKEN',
    }),
    ...(body && { 'Content-Type': 'application/json' }),
    ...headers,
  }
}

function bodyNotes({ body, takes, example }: Route): string | null {
  if (takes !== undefined) return "The file's bytes"
  return body ? `JSON, as in ${JSON.stringify(example?.body)}; the OpenAPI document has its schema` : null
}

function responseNotes({ status = 200, answer, gives }: Route): string {
  if (answer) return `${status}, JSON; the OpenAPI document has its schema`
  if (gives !== undefined) return `${status}, ${gives}`
  if (status === 302) return '302, with where it leads in Location'
  return `${status} without a body`
}

/** Null: no limit. */
function perMinute(rate: Rate): number | null {
  return rate ? Math.round((rate.count * 60_000) / rate.perMs) : null
}

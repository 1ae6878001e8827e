import type { Route } from '../../../src/http/door.ts'
import type { Who } from './callers.ts'
import type { Row } from './rows.ts'

/** A route as the matrix tries it: one of a door's, or one that has no table of its own. */
export interface RouteUnderTest {
  /** As the rows name it: door, method, path. */
  readonly name: string
  readonly door: string
  readonly method: string
  readonly need: Route['need']
  readonly answer?: Route['answer']
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly location: string
  readonly text: string
}

const withoutCredential: readonly Who[] = ['no key', "another's page session", "the owner's page session"]

/** What is wrong with a body, whoever asked: its shape, and its code where it tells of a failure. */
export function bodyFault(route: RouteUnderTest, row: Row, who: Who, answer: Answer): string | undefined {
  const { status, type, text } = answer
  if (status === 204) return text === '' ? undefined : 'has a body'
  if (status >= 400) return failureFault(route.door, status, codeOf(route, row, who, status), text)
  if (status >= 300 || !route.answer) return undefined
  if (!type.startsWith('application/json')) return `is ${type}`
  const checked = route.answer.safeParse(JSON.parse(text))
  return checked.success ? undefined : checked.error.message
}

interface Failed {
  readonly error?: { code?: unknown; message?: unknown }
  readonly code?: unknown
}

/** @param code undefined: any. */
export function failureFault(door: string, status: number, code: string | undefined, text: string): string | undefined {
  const body = JSON.parse(text)
  const isRight = door === 'identity' && status === 422 ? isDetail(body) : isFailure(door, status, code, body)
  return isRight ? undefined : `is ${text}, and should be ${code}`
}

function isFailure(door: string, status: number, code: string | undefined, body: Failed): boolean {
  const { error, ...rest } = body
  if (likeStorage.has(door))
    return isText(error) && (code === undefined || error === (code as unknown)) && hasMessage(rest)
  if (door !== 'aether' && door !== 'identity') {
    const isCode = code === undefined ? typeof rest.code === 'string' : rest.code === code
    return isCode && isText(error) && same(rest, { statusCode: status, code: rest.code })
  }
  const isCode = code === undefined ? isText(error?.code) : error?.code === code
  const wanted = door === 'aether' ? { success: false } : { success: false, data: {} }
  return isCode && isText(error?.message) && Object.keys(error ?? {}).length === 2 && same(rest, wanted)
}

function isDetail(body: { detail?: { loc?: unknown[]; msg?: unknown; type?: unknown }[] }): boolean {
  const isOne = ({ loc, msg, type, ...rest }: { loc?: unknown[]; msg?: unknown; type?: unknown }) =>
    loc?.every((step) => isText(step) || Number.isInteger(step)) && isText(msg) && isText(type) && same(rest, {})
  return Object.keys(body).length === 1 && (body.detail ?? []).length > 0 && body.detail?.every(isOne) === true
}

const likeStorage: ReadonlySet<string> = new Set(['storage', 'shares', 'requests'])
const hasMessage = (rest: { message?: unknown; code?: unknown }): boolean =>
  isText(rest.message) && Object.keys(rest).length === 1

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const same = (one: object, other: object): boolean =>
  JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort())

function codeOf(route: RouteUnderTest, row: Row, who: Who, status: number): string | undefined {
  const own = row.codes?.[status]
  if (own !== undefined) return typeof own === 'string' ? own : own(who)
  if (route.door !== 'atiru' && route.door !== 'media') return usual[status]
  if (status === 401) return withoutCredential.includes(who) ? 'MISSING_AUTH' : 'INVALID_OR_EXPIRED_TOKEN'
  if (status === 403 && route.need === 'login' && who !== "a disabled account's key") return 'JWT_REQUIRED'
  return usualAtRoot[status]
}

const usual: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
}
const usualAtRoot: Readonly<Record<number, string>> = { 400: 'INVALID_REQUEST', 403: 'FORBIDDEN', 404: 'NOT_FOUND' }

/** A body without what is new in each: where all are answered alike, these are equal. */
export function withoutTheNew(text: string): string {
  return text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replace(/[\w-]{30,}(\.[\w-]+)*/g, 'SECRET')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\b\d{10,}\b/g, 'SECONDS')
}

/** What is wrong with a page: none shows a stranger anything of the owner's. */
export function pageFault(who: Who, { status, type, text }: Answer): string | undefined {
  if (status >= 400 && !type.startsWith('text/html')) return `is ${type}`
  if (who === "the owner's page session") return undefined
  return /[abc]\.txt|owner@example\.org|key of the place/.test(text) ? 'shows what is the owner’s' : undefined
}

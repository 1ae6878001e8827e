import type { IncomingMessage, ServerResponse } from 'node:http'
import { json as jsonParser, urlencoded } from 'express'
import type { z } from 'zod'
import { Failure, type Issue, invalid, type Place } from '../core/failure.ts'
import { cutToBytes } from '../core/text.ts'

export const jsonLimitBytes = 2 * 1024 * 1024
/** Where nobody needs to say who calls: an e-mail and a password are short, and reading JSON holds everybody else up. */
const openJsonLimitBytes = 16 * 1024
const formLimitBytes = 64 * 1024
/** How long a small body may take, however large it may be: nobody needs longer for a form's fields or a piece of JSON. */
const smallBodyMs = 30_000

/** Faults that an answer tells of; a body can have more of them than bytes. */
const toldAtMost = 20

/** A client that went away before its body was whole. Nobody is left to be answered. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

type Parser = ReturnType<typeof jsonParser>

const json = jsonParser({ limit: jsonLimitBytes, strict: false })
const openJson = jsonParser({ limit: openJsonLimitBytes, strict: false })
const form = urlencoded({ limit: formLimitBytes, extended: false, parameterLimit: 100 })

/** Tells a client that waits for it (`Expect: 100-continue`) to send its body. Called when the body is about to be read. */
export function askForBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect?.toLowerCase() === '100-continue' && !response.headersSent) response.writeContinue()
}

/** The declared length of a body, if it has one. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/** The JSON body. @throws Failure `invalid` or `too_large`. */
export async function readJson(request: IncomingMessage, response: ServerResponse, isOpen = false): Promise<unknown> {
  const [parser, limit] = isOpen ? [openJson, openJsonLimitBytes] : [json, jsonLimitBytes]
  const body = await parseWith(parser, request, response, limit)
  if (body === undefined) throw invalid([], 'send JSON, with Content-Type: application/json', 'json')
  return body
}

/** The fields of a plain form; of a repeated one, all values. @throws Failure `invalid` or `too_large`. */
export async function readFields(request: IncomingMessage, response: ServerResponse): Promise<URLSearchParams> {
  const body = ((await parseWith(form, request, response, formLimitBytes)) ?? {}) as Record<string, string | string[]>
  return new URLSearchParams(
    Object.entries(body).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
  )
}

function parseWith(
  parser: Parser,
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
): Promise<unknown> {
  askForBody(request, response)
  return new Promise((resolve, reject) => {
    const message = request as IncomingMessage & { body?: unknown }
    const timer = setTimeout(() => {
      reject(invalid([], `the body took longer than ${smallBodyMs / 1000} seconds`, 'rate'))
    }, smallBodyMs)
    parser(message as Parameters<Parser>[0], response as Parameters<Parser>[1], (error?: unknown) => {
      clearTimeout(timer)
      if (error === undefined || error === null) resolve(message.body)
      else reject(fromParser(error, limit))
    })
  })
}

/** The parser's errors by their `type`. */
function fromParser(error: unknown, limit: number): unknown {
  const { type, status } = error as { type?: string; status?: number }
  if (type === 'request.aborted') return new ClientGone()
  if (type === 'entity.too.large') return new Failure('too_large', { of: 'body', limit, unit: 'bytes' })
  if (type === 'entity.parse.failed') return invalid([], 'the body is not valid JSON', 'json')
  if (status !== undefined && status < 500)
    return invalid([], `the body cannot be read (${type ?? 'malformed'})`, 'body')
  return error
}

/** Checks what was sent against its schema. @throws Failure `invalid`, with every fault and where it stands. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, place: Place = 'body'): z.infer<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issues = result.error.issues.slice(0, toldAtMost).map((issue) => told(issue, value, place))
  throw new Failure('invalid', { issues: issues.filter(isFirstOfItsPlace) })
}

/** A text where a list should be is also too long for one: the first fault of a place says enough. */
function isFirstOfItsPlace({ path }: Issue, at: number, all: readonly Issue[]): boolean {
  return all.findIndex((other) => other.path.join('.') === path.join('.')) === at
}

function told(issue: z.core.$ZodIssue, value: unknown, place: Place): Issue {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  const isMissing = path.length > 0 && valueAt(value, path) === undefined
  return {
    in: place,
    path,
    problem: isMissing ? 'is required' : problemOf(issue),
    kind: isMissing ? 'missing' : issue.code === 'custom' ? 'value' : issue.code,
  }
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, step) => (at as Record<string, unknown> | null | undefined)?.[step], value)
}

/** The library's own words are for programmers. */
function problemOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `is not ${words[issue.expected] ?? issue.expected}`
    case 'unrecognized_keys':
      return `knows no ${unknownKeys(issue.keys)}`
    case 'too_small':
      return `is ${issue.origin === 'string' || issue.origin === 'array' ? 'shorter' : 'less'} than ${issue.minimum}`
    case 'too_big':
      return `is ${issue.origin === 'string' || issue.origin === 'array' ? 'longer' : 'more'} than ${issue.maximum}`
    case 'invalid_value':
      return `is not one of ${issue.values.join(', ')}`
    default:
      return issue.message
  }
}

/** A body may have more of them, and longer ones, than anybody wants to be told. */
function unknownKeys(keys: readonly string[]): string {
  const shown = keys.slice(0, toldAtMost).map((key) => JSON.stringify(cutToBytes(key, 64)))
  return [...shown, ...(keys.length > toldAtMost ? ['…'] : [])].join(', ')
}

const words: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

import { z } from 'zod'
import type { Route } from '../door.ts'
import type { Described } from './about.ts'

type Json = Record<string, unknown>

export interface OpenApi {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Json
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security: readonly Json[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Json>> }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Json }>>
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: Json
  readonly example?: string
}

const documents = new WeakMap<Described['door'], Omit<OpenApi, 'servers'>>()

/** A door as an OpenAPI 3.0.3 document, made from the very table that serves it. */
export function openApi(about: Described, baseUrl: string): OpenApi {
  const known = documents.get(about.door) ?? documentOf(about)
  documents.set(about.door, known)
  const { openapi, info, ...rest } = known
  return { openapi, info, servers: [{ url: baseUrl + about.door.base }], ...rest }
}

function documentOf(about: Described): Omit<OpenApi, 'servers'> {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const one of about.door.routes) {
    const path = one.path.replace(/[:*](\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [one.method]: operationOf(one, about) }
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'Larder',
      version: '1',
      description: 'Files on your own disk. A 2xx means that what was sent, or what was changed, is on that disk.',
    },
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(about.named).map(([name, schema]) => [name, wholeSchema(schema, about, 'output')]),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or the access token of a log-in' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
    },
  }
}

function operationOf(one: Route, about: Described): Operation {
  const parameters = [...pathParameters(one), ...queryParameters(one, about), ...headerParameters(one)]
  const requestBody = bodyOf(one, about)
  return {
    operationId: `${one.method}${one.path.replace(/[^a-z]+(\w)?/gi, (_, next = '') => next.toUpperCase())}`,
    summary: one.summary,
    security: securityOf(one),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: { ...success(one, about), ...failures(one, about) },
  }
}

/** What asks for a log-in takes no key. */
function securityOf({ need }: Route): Json[] {
  if (need === null) return []
  return need === 'login' ? [{ bearer: [] }] : [{ bearer: [] }, { apiKey: [] }]
}

function pathParameters({ path }: Route): Parameter[] {
  const names = [...path.matchAll(/[:*](\w+)/g)].map((match) => match[1] ?? '')
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

function queryParameters({ query, example }: Route, about: Described): Parameter[] {
  if (!query) return []
  const { properties = {}, required = [] } = jsonSchema(query, about, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
    ...(example?.query?.[name] !== undefined && { example: example.query[name] }),
  }))
}

/** `Content-Type` is told by the body, and OpenAPI wants it nowhere else (section 4.7.12.1). */
function headerParameters({ headers = {}, example }: Route): Parameter[] {
  return Object.entries(headers)
    .filter(([name]) => name.toLowerCase() !== 'content-type')
    .map(([name, description]) => ({
      name,
      in: 'header',
      required: description.startsWith('Required'),
      description,
      schema: { type: 'string' },
      ...(example?.headers?.[name] !== undefined && { example: example.headers[name] }),
    }))
}

function bodyOf({ body, takes, example }: Route, about: Described): Operation['requestBody'] {
  const shown = example?.body === undefined ? {} : { example: example.body }
  if (takes !== undefined) {
    return { required: true, content: { [takes]: { schema: { type: 'string', format: 'binary' }, ...shown } } }
  }
  return body && { required: true, content: jsonContent(jsonSchema(body, about, 'input'), shown) }
}

function success({ status = 200, answer, gives }: Route, about: Described): Operation['responses'] {
  const description = status === 302 ? 'Leads on' : status === 204 ? 'Done' : 'Success'
  if (gives !== undefined) return { [status]: { description, content: { [gives]: { schema: { type: 'string' } } } } }
  return {
    [status]: { description, ...(answer && { content: jsonContent(jsonSchema(answer, about, 'output')) }) },
  }
}

/** Those that are the route's own, and those that any may answer with. */
function failures({ need, codes = [], body, query, takes }: Route, about: Described): Operation['responses'] {
  const anywhere = ['RATE_LIMITED', 'INTERNAL_ERROR']
  const byCaller = need === null ? [] : ['MISSING_AUTH', 'INVALID_OR_EXPIRED_TOKEN', 'FORBIDDEN']
  const byInput = [...(body || query || takes ? ['INVALID_REQUEST'] : []), ...(body ? ['FILE_TOO_LARGE'] : [])]
  const all = [...new Set([...codes, ...byCaller, ...byInput, ...anywhere])]
  const statuses = [...new Set(all.map((code) => about.errorCodes[code]?.[0] ?? 500))].sort((a, b) => a - b)
  const described = (status: number) =>
    all.flatMap((code) =>
      about.errorCodes[code]?.[0] === status ? [`\`${code}\`: ${about.errorCodes[code]?.[1]}`] : [],
    )
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: described(status).join('\n'), content: jsonContent(jsonSchema(about.failure, about, 'output')) },
    ]),
  )
}

const jsonContent = (schema: Json, more: Json = {}) => ({ 'application/json': { schema, ...more } })

/** A schema as OpenAPI has it, by its name where it has one. */
function jsonSchema(schema: z.ZodType, about: Described, io: 'input' | 'output'): Json {
  const [name] = Object.entries(about.named).find(([, one]) => one === schema) ?? []
  return name === undefined ? wholeSchema(schema, about, io) : refTo(name)
}

function wholeSchema(schema: z.ZodType, about: Described, io: 'input' | 'output'): Json {
  const names = new Map(Object.entries(about.named).map(([name, one]) => [one as unknown, name]))
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io,
    reused: 'inline',
    override: ({ zodSchema, jsonSchema: target, path }) => {
      const name = path.length > 0 ? names.get(zodSchema) : undefined
      if (name !== undefined) replace(target, refTo(name))
      const standard = z.globalRegistry.get(zodSchema)?.default
      if (standard !== undefined) Object.assign(target, { default: standard })
    },
  }) as Json
  return made
}

const refTo = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

function replace(target: object, by: Json): void {
  for (const key of Object.keys(target)) delete (target as Json)[key]
  Object.assign(target, by)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import SwaggerParser from '@apidevtools/swagger-parser'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { atiru as door } from '../../src/http/atiru/index.ts'
import type { Example, Route } from '../../src/http/door.ts'
import { errorCodes } from '../../src/http/root-failures.ts'
import { openTestApp, type TestApp } from '../support/app.ts'
import { type AtiruAnswer, atiru, newPerson, refusal, signedIn, store } from '../support/atiru.ts'
import { lastLetterTo, tokenIn } from '../support/outbox.ts'
import { thisFile } from '../support/shared.ts'

interface Operation {
  readonly security: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>
}

interface Document {
  readonly openapi: string
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const open = { 'auth.registration': 'open', 'auth.allowed_redirects': 'https://app.example.com' }
const app = await openTestApp(thisFile, open)
const { session } = await newPerson(app)

const read = async <T>(name: string, of: TestApp = app): Promise<T> => {
  const answer = await atiru(of, 'GET', `/reference/${name}`, { key: null })
  assert.equal(answer.status, 200)
  return answer.body as unknown as T
}
const served = await read<Document>('openapi.json')
/** The same with every reference replaced by what it refers to. */
const whole = (await SwaggerParser.dereference(structuredClone(served) as never)) as unknown as Document

const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true }))
const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`
const operationOf = ({ method, path }: Route): Operation =>
  whole.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method] as Operation

/** An answer must be one that the document tells of: by its status, its type and its shape. */
function isAsDocumented(route: Route, answer: AtiruAnswer): void {
  const said = operationOf(route).responses[answer.status]
  assert.ok(said, `${nameOf(route)} answers ${answer.status}, which is not documented: ${answer.bytes}`)
  // Of a redirect only the way is of interest.
  if (answer.status === 302 || answer.bytes.length === 0) {
    assert.equal(said.content, undefined)
    return
  }
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  const content = said.content?.[type]
  assert.ok(content, `${nameOf(route)} answers with ${type}, which is not documented`)
  if (type !== 'application/json') return
  const isValid = ajv.compile(content.schema)
  assert.ok(isValid(answer.body), `${nameOf(route)}: ${ajv.errorsText(isValid.errors)}`)
}

test('The allowed types are a list of names, as they are configured', async (t) => {
  const types = await read<string[]>('allowed-content-types')
  assert.ok(Array.isArray(types))
  for (const type of types) assert.match(type, /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/)
  for (const type of [
    'image/jpeg',
    'image/png',
    'image/gif',
    'application/pdf',
    'video/mp4',
    'video/webm',
    'video/ogg',
  ])
    assert.ok(types.includes(type), type)
  for (const type of ['audio/mpeg', 'audio/wav', 'audio/ogg', 'font/woff', 'font/woff2', 'font/ttf', 'text/plain'])
    assert.ok(types.includes(type), type)
  assert.ok(!types.includes('application/x-msdownload'))
  assert.deepEqual(types, [...new Set(types)].sort())
  const strict = await openTestApp(t, { 'uploads.allowed_content_types': 'image/png,application/x-own' })
  assert.deepEqual(await read('allowed-content-types', strict), ['application/x-own', 'image/png'])
})

test('The document is a valid OpenAPI 3.0.3 document, at the address where the server is', async (t) => {
  assert.equal(served.openapi, '3.0.3')
  assert.deepEqual(served.servers, [{ url: app.url }])
  await SwaggerParser.validate(structuredClone(served) as never)
  const named = await openTestApp(t, { 'server.public_url': 'https://files.example.org' })
  assert.deepEqual((await read<Document>('openapi.json', named)).servers, [{ url: 'https://files.example.org' }])
  assert.deepEqual((await read<Document>('openapi.json')).servers, [{ url: app.url }])
})

test('Every route is in the document, and nothing else', () => {
  const documented = Object.entries(served.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => nameOf({ method, path: path.replace(/\{(\w+)\}/g, ':$1') } as Route)),
  )
  assert.deepEqual(documented.sort(), door.routes.map(nameOf).sort())
})

test('Who needs a credential, and which, is in the document as the routes have it', () => {
  for (const route of door.routes) {
    const schemes = operationOf(route).security.flatMap((one) => Object.keys(one))
    const expected = route.need === null ? [] : route.need === 'login' ? ['bearer'] : ['bearer', 'apiKey']
    assert.deepEqual(schemes, expected, nameOf(route))
  }
})

/** What a route's example leaves to its reader: tokens, and the names of things that there are. */
const fillings: Record<string, (example: Example) => Promise<Example>> = {
  'get /auth/confirm': async () => ({ query: { token: await tokenOf('confirm') } }),
  'post /auth/refresh': async () => ({ body: { refresh_token: (await mine()).refresh_token } }),
  'post /auth/reset-password': async ({ body }) => ({ body: { ...(body as object), token: await tokenOf('reset') } }),
  'delete /auth/api-keys/:id': async () => ({ params: { id: (await newKey()).id } }),
  'get /files/:id': async () => ({ params: { id: (await store(app, 'x')).file_id } }),
  'delete /files/:id': async () => ({ params: { id: (await store(app, 'x')).file_id } }),
}

const tokenOf = async (purpose: string) => tokenIn(await lastLetterTo(app, 'you@example.com', purpose))
const mine = () => signedIn(app, 'ada@example.org')
const newKey = async () => (await atiru(app, 'POST', '/auth/api-keys', { json: {}, key: session.access_token })).body

/** Sends what the reference shows, with the reader's own credential. */
async function sent(route: Route, example: Example, to: TestApp = app): Promise<AtiruAnswer> {
  const { params = {}, query = {}, headers = {}, body } = example
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => params[name] ?? 'unknown')
  const search = Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query)}`
  const key = route.need === null ? null : route.need === 'login' ? (await mine()).access_token : to.key
  const content = route.takes === undefined ? { json: body } : { bytes: String(body) }
  return atiru(to, route.method.toUpperCase(), path + search, { ...content, headers, key })
}

for (const route of door.routes) {
  test(`The example of ${nameOf(route)} does what it shows, and is answered as the document says`, async () => {
    const example = route.example ?? {}
    const answer = await sent(route, { ...example, ...(await fillings[nameOf(route)]?.(example)) })
    assert.equal(answer.status, route.status ?? 200, answer.bytes.toString())
    isAsDocumented(route, answer)
  })
}

test('A request that is refused is answered as the document says, too', async () => {
  for (const route of door.routes) {
    const path = route.path.replace(':id', 'unknown')
    const method = route.method.toUpperCase()
    if (route.need !== null) {
      const none = await atiru(app, method, path, { key: null })
      refusal(none, 401, 'MISSING_AUTH')
      isAsDocumented(route, none)
    } else if (route.body || route.query) {
      const empty = await atiru(app, method, path, { key: null, ...(route.body && { json: {} }) })
      refusal(empty, 400, 'INVALID_REQUEST')
      isAsDocumented(route, empty)
    }
  }
})

test('Whoever asks too often is answered as the document says, whatever it is that they ask', async (t) => {
  const slow = await openTestApp(t, { 'limits.api': '1/1h', 'limits.auth': '1/1h' })
  for (const key of [slow.key, null]) await atiru(slow, 'GET', '/files', { key })
  await atiru(slow, 'POST', '/auth/forgot-password', { json: { email: 'a@example.org' }, key: null })
  for (const route of door.routes.filter(({ need }) => need !== 'login')) {
    const answer = await sent(route, route.example ?? {}, slow)
    refusal(answer, 429, 'RATE_LIMITED')
    assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    isAsDocumented(route, answer)
  }
})

test('In short: where the server is, how to sign, all operations, all types, all codes', async (t) => {
  const limited = await openTestApp(t, { 'limits.api': '600/1m', 'limits.auth': '10/1m', 'limits.upload': '2/1s' })
  const short = await read<Record<string, unknown> & { operations: Record<string, unknown>[] }>('for-agents', limited)
  const { operations } = short
  assert.deepEqual(Object.keys(short), ['base_url', 'auth', 'operations', 'allowed_content_types', 'error_codes'])
  assert.equal(short.base_url, limited.url)
  const auth = short.auth as Record<string, string>
  assert.deepEqual(Object.keys(auth), ['type', 'header', 'description', 'x_api_key_note'])
  assert.deepEqual([auth.type, auth.header], ['Bearer', 'Authorization'])
  assert.deepEqual(
    operations.map(({ method, path }) => nameOf({ method: String(method).toLowerCase(), path: String(path) } as Route)),
    door.routes.map(nameOf),
  )
  const fields =
    'method path summary requires_auth request_headers request_body_notes response_notes rate_limit_per_min'
  for (const one of operations) assert.deepEqual(Object.keys(one).join(' '), fields)
  const of = (name: string) => operations.find(({ method, path }) => `${method} ${path}` === name)
  const limits = ['GET /files', 'POST /auth/login', 'POST /files'].map((name) => of(name)?.rate_limit_per_min)
  assert.deepEqual(limits, [600, 10, 120])
  assert.deepEqual([of('POST /auth/login')?.requires_auth, of('POST /files')?.requires_auth], [false, true])
  assert.deepEqual(short.allowed_content_types, await read('allowed-content-types'))
  const codes = Object.entries(errorCodes).map(([code, [status, description]]) => ({
    code,
    http_status: status,
    description,
  }))
  assert.deepEqual(short.error_codes, codes)
})

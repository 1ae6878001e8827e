import { gzipSync } from 'node:zlib'
import fc, { type Arbitrary } from 'fast-check'
import { z } from 'zod'

/** What no client should send, and some day does. */

const awkward = [
  ...['', ' ', '\0', '\n', '\ud800', 'a\udfff', '\u202e', '\ufeff', '.', '..', '../../etc/passwd', 'a/b', 'a\\b'],
  ...['__proto__', 'constructor', 'toString', 'null', 'undefined', 'true', 'NaN', '-1', '1e309', '0x10', '1.5'],
  ...['99999999999999999999', 'root', "' OR 1=1 --", '%', '%00', '%zz', '<script>', 'https://example.org/?a#b'],
  ...['javascript:alert(1)', 'http://[', 'x@y.z', 'a@b@c', 'ﬀ@ß.é', 'search', 'files:read', 'a.b.c', 'ak_0', 'stats/'],
  ...['00000000-0000-0000-0000-000000000000', 'é'.repeat(600), 'a'.repeat(5_000), '\u{1f600}'.repeat(70)],
]

const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
export const string = fc.oneof(
  fc.constantFrom(...awkward),
  fc.string({ unit: 'binary', maxLength: 40 }),
  units.map((codes) => String.fromCharCode(...codes)),
  fc.tuple(fc.string(), fc.string()).map(([user, host]) => `${user}@${host}`),
  fc.emailAddress(),
)

export const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`
const hugeNumbers = ['1e400', '-1e400', '-0', '0.1', '1e308', '9007199254740993', '-1', `1${'0'.repeat(400)}`]

/** JSON as text: values have no way to say half of what JSON can. */
export const json: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.json({ stringUnit: 'binary', maxDepth: 3 }) },
  { weight: 4, arbitrary: string.map((text) => JSON.stringify(text)) },
  { weight: 3, arbitrary: fc.constantFrom(...hugeNumbers, 'null', 'true', '[]', '{}', '[[]]', '[null]', '["a"]') },
  { weight: 1, arbitrary: fc.constantFrom(nested('[', ']', 200), nested('{"a":', '}', 200)) },
)

/** A part of a request. */
export interface Piece {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

type JsonSchema = { type?: string; properties?: Record<string, JsonSchema>; items?: JsonSchema; anyOf?: JsonSchema[] }

export const shapeOf = (schema: z.ZodType | undefined): JsonSchema =>
  schema ? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema) : {}

/** Texts of JSON that mostly have the type that is asked for, so that what comes after the schema is reached. */
export function fitting({ type, properties, items, anyOf }: JsonSchema): Arbitrary<string> {
  if (anyOf) return fc.oneof(...anyOf.map(fitting))
  if (properties) return objectOf(properties)
  if (items) return fc.array(fitting(items), { maxLength: 4 }).map((list) => `[${list}]`)
  if (type === 'string') return string.map((text) => JSON.stringify(text))
  if (type === 'integer')
    return fc.oneof(fc.integer().map(String), fc.maxSafeInteger().map(String), fc.nat(9).map(String))
  if (type === 'boolean') return fc.constantFrom('true', 'false')
  return type === 'null' ? fc.constant('null') : json
}

/** An object with keys of the schema's own, each there or not, fitting or not, and perhaps one that has no business there. */
function objectOf(properties: Record<string, JsonSchema>): Arbitrary<string> {
  const own = Object.entries(properties).map(([name, schema]) => {
    const value = fc.oneof({ weight: 8, arbitrary: fitting(schema) }, { weight: 1, arbitrary: json })
    return fc.option(
      value.map((text) => `${JSON.stringify(name)}:${text}`),
      { freq: 12 },
    )
  })
  const strange = fc.tuple(fc.oneof(fc.constantFrom('__proto__', 'constructor', 'prototype', ''), string), json)
  const other = strange.map(([name, text]) => `${JSON.stringify(name)}:${text}`)
  const others = fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: other })
  return fc.tuple(...own, others).map((entries) => `{${entries.filter((one) => one !== null)}}`)
}

export const types = [
  ...['application/json', 'application/json; charset=utf-8', 'application/json; charset=UTF-16LE', 'text/plain', ''],
  ...['application/json; charset=utf-7', 'application/json; charset=nonsense', 'application/json; charset="', ';'],
  ...['application/vnd.api+json', 'APPLICATION/JSON', 'application/x-www-form-urlencoded', 'multipart/form-data'],
  ...['multipart/form-data; boundary=x', 'application/json, text/html', '/', 'application/json;'],
]
const encodings = ['identity', 'gzip', 'deflate', 'br', 'zstd', 'nonsense', 'gzip, gzip']

/** Bytes that are no JSON, or not said to be; a little of each. */
export const spoilt = (text: Arbitrary<string>): Arbitrary<Piece> => {
  const bytes = fc.oneof(
    text.map((whole) => Buffer.from(whole)),
    fc.tuple(text, fc.nat()).map(([whole, at]) => Buffer.from(whole).subarray(0, at % (whole.length + 1))),
    text.map((whole) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(whole)])),
    text.map((whole) => Buffer.from(`\ufeff${whole}`, 'utf16le')),
    text.map((whole) => gzipSync(whole)),
    fc.uint8Array({ maxLength: 60 }).map((raw) => Buffer.from(raw)),
    fc
      .constantFrom('', '{', '{"a":1}}', '{"a":1,}', "{'a':1}", '[1,]', 'undefined', '\0')
      .map((raw) => Buffer.from(raw)),
  )
  const headers = fc.record(
    { 'Content-Type': fc.constantFrom(...types), 'Content-Encoding': fc.constantFrom(...encodings) },
    { requiredKeys: [] },
  )
  return fc.record({ body: bytes, headers })
}

export const asForm = { 'Content-Type': 'application/x-www-form-urlencoded' }
export const asJson = (body: string) => ({ body, headers: { 'Content-Type': 'application/json' } })

export const escaped = fc.oneof(
  string.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constantFrom(
    ...['%', '%zz', '%ff', '%00', '%E0%A4%A', '%2e%2e', '%2F', '%25', '..', '.', ';', ':', '~', '\u00e9', '*'],
  ),
)

/** A query: of names that mean something and others, repeated, as lists, as objects, and of what is none at all. */
export function queryWith(names: readonly string[]): Arbitrary<string> {
  const name = fc.oneof(fc.constantFrom(...names, 'token'), escaped)
  const suffix = fc.constantFrom('', '', '', '', '[]', '[a]', '[__proto__]', '.', '%5B%5D')
  const value = fc.oneof(
    escaped,
    fc.constantFrom('0', '1', '-1', '100000000000000', '999999999999999', 'true', '1;2', '+1'),
  )
  const pair = fc.tuple(name, suffix, fc.constantFrom('=', '=', '=', '==', ''), value).map((parts) => parts.join(''))
  return fc.oneof(
    { weight: 9, arbitrary: fc.array(pair, { maxLength: 5 }).map((pairs) => `?${pairs.join('&')}`) },
    { weight: 1, arbitrary: fc.constantFrom('?', '?&&&', '?=', '?%', '??', '?a', `?${'a=1&'.repeat(2_000)}`) },
  )
}

/** Everything that Node's client lets into a header's value. */
export const headerValue = fc.oneof(
  fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
  }),
  string.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constantFrom(
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a.b.c',
    'Basic YTpi',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    ...types,
  ),
)
export const headerNames = [
  ...['Authorization', 'X-Api-Key', 'Content-Type', 'x-file-name', 'x-project-id', 'Accept', 'Cookie', 'User-Agent'],
  ...['Host', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Range', 'If-None-Match', 'If-Match'],
]

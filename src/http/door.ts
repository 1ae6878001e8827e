import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Caller, Need } from '../core/caller.ts'
import type { Core } from '../core/core.ts'
import type { AnyFailure } from '../core/failure.ts'
import type { FileEntry } from '../core/model.ts'
import type { Upload } from '../core/upload.ts'
import type { RequestContext } from './context.ts'
import type { Fields } from './form.ts'
import type { Rates } from './limits.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** The parameters of a path: `/files/:id` has `id`, and `/files/*path` all that stands there, percent-decoded once. */
export type Params<Path extends string> = Path extends `${infer Before}*${infer Name}`
  ? Record<Name, string> & Params<Before>
  : Path extends `${string}:${infer Name}/${infer Rest}`
    ? Record<Name, string> & Params<`/${Rest}`>
    : Path extends `${string}:${infer Name}`
      ? Record<Name, string>
      : unknown

type Schema = z.ZodType
/** What a schema makes of what was sent; without one there is nothing to be had. */
type Parsed<S> = S extends Schema ? z.infer<S> : undefined

/** What a route is given that anybody may call. It never sees the response. */
export interface OpenCall<P = unknown, B = undefined, Q = undefined> {
  readonly core: Core
  /** The path that stands before every address of the server's own, without a final slash. */
  readonly basePath: string
  readonly params: P
  /** As the route's schemas have them. */
  readonly body: B
  readonly query: Q
  readonly context: RequestContext
  readonly request: IncomingMessage
  readonly rates: Rates
  /** Tries a secret that belongs to an e-mail: whoever fails too often waits. @throws Failure `rate_limited`, and the work's own. */
  attempt<T>(email: string, work: () => Promise<T>): Promise<T>
  /** The fields of a plain form. @throws Failure `invalid`, `too_large`. */
  fields(): Promise<URLSearchParams>
  /** Begins an upload of a caller that the route itself has let in, and reads the form into it. */
  formOf(caller: Caller): Promise<{ upload: Upload; fields: Fields }>
}

export interface Call<P = unknown, B = undefined, Q = undefined> extends OpenCall<P, B, Q> {
  readonly caller: Caller
  /** Begins an upload and reads the form into it; what is not published is dropped when the route ends. */
  form(): Promise<{ upload: Upload; fields: Fields }>
  /** The same for a body that is one file. */
  raw(said: { name: string | undefined; type: string | undefined }, replacedBytes?: number): Promise<Upload>
}

/** What a route answers with. */
export type Reply =
  /** In the door's envelope. */
  | {
      readonly kind: 'data'
      readonly status: number
      readonly data: object
      readonly headers?: Readonly<Record<string, string>>
    }
  /** As it is. */
  | { readonly kind: 'json'; readonly status: number; readonly data: object }
  /** JSON in pieces, for what may be longer than memory should hold. */
  | { readonly kind: 'stream'; readonly pieces: AsyncIterable<string> }
  | { readonly kind: 'empty' }
  | { readonly kind: 'file'; readonly file: FileEntry }
  /** Bytes as they come, of which nobody knows how many there will be. */
  | { readonly kind: 'bytes'; readonly source: Readable; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly kind: 'page'
      readonly html: string
      readonly policy: string
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'redirect'
      readonly status: 302 | 303
      readonly to: string
      readonly headers?: Readonly<Record<string, string>>
    }

export const ok = (data: object = {}, headers: Readonly<Record<string, string>> = {}): Reply => ({
  kind: 'data',
  status: 200,
  data,
  headers,
})
export const created = (data: object): Reply => ({ kind: 'data', status: 201, data })
export const accepted = (data: object): Reply => ({ kind: 'data', status: 202, data })
export const json = (data: object): Reply => ({ kind: 'json', status: 200, data })
export const stream = (pieces: AsyncIterable<string>): Reply => ({ kind: 'stream', pieces })
export const noContent = (): Reply => ({ kind: 'empty' })
export const sendFile = (file: FileEntry): Reply => ({ kind: 'file', file })
export const bytes = (source: Readable, headers: Readonly<Record<string, string>>): Reply => ({
  kind: 'bytes',
  source,
  headers,
})
export const page = (
  html: string,
  policy: string,
  more: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Reply => ({ kind: 'page', html, policy, ...more })
export const found = (to: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  kind: 'redirect',
  status: 302,
  to,
  headers,
})
export const seeOther = (to: string): Reply => ({ kind: 'redirect', status: 303, to })

/** How a call may look, for people who read and tests that send it. Parameters in `:name` are the reader's to fill in. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What is said of a route, once: for checking what comes in, for the reference, and for the tests. */
export interface About<
  B extends Schema | undefined = Schema | undefined,
  Q extends Schema | undefined = Schema | undefined,
> {
  /** One sentence. */
  readonly summary: string
  /** Beside counting as an API call: as a try of a secret (by address), or as an upload (by account). */
  readonly counts?: 'auth' | 'upload'
  readonly body?: B
  readonly query?: Q
  /** Headers that mean something here, each with a sentence; a required one's begins with `Required`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Of a body that is no JSON. */
  readonly takes?: string
  readonly status?: number
  /** Of an answer that is no JSON. */
  readonly gives?: string
  /** The answer of a success; none where it has no body. */
  readonly answer?: Schema
  /** The door's own codes that this route may answer with, beside those that any may. */
  readonly codes?: readonly string[]
  readonly example?: Example
}

/** One of a door's routes. */
export interface Route extends About {
  readonly method: Method
  /** Below the door's base; `:name` stands for one segment, `*name` at the end for all that follows. */
  readonly path: string
  /** What its caller needs; the core asks again, with the path. Null: nobody needs to say who calls. */
  readonly need: Need | null
  handle(call: Call<never, never, never>): Promise<Reply>
}

/** A route whose parameters, body and query are typed by its path and its schemas. */
export function route<
  Path extends string,
  B extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
>(
  method: Method,
  path: Path,
  about: About<B, Q> & { readonly need: Need },
  handle: (call: Call<Params<Path>, Parsed<B>, Parsed<Q>>) => Promise<Reply>,
): Route {
  return { ...about, method, path, handle: handle as Route['handle'] }
}

/** A route for which nobody needs to say who calls. */
export function openRoute<
  Path extends string,
  B extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
>(
  method: Method,
  path: Path,
  about: About<B, Q>,
  handle: (call: OpenCall<Params<Path>, Parsed<B>, Parsed<Q>>) => Promise<Reply>,
): Route {
  return { ...about, need: null, method, path, handle: handle as unknown as Route['handle'] }
}

/** What a failure looks like at a door. */
export interface Rendered {
  readonly status: number
  readonly body: object
}

/** One of the APIs: its routes, and its words for everything. */
export interface Door {
  readonly name: string
  readonly base: string
  /** Whether `/keys/` means `/keys`. */
  readonly takesFinalSlash?: boolean
  readonly routes: readonly Route[]
  success(data: object): object
  failure(failure: AnyFailure): Rendered
}

export function allowedMethods(routes: readonly { method: string }[]): string[] {
  const methods = [...new Set(routes.map((one) => one.method.toUpperCase()))]
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
}

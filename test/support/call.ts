import { withKey } from './app.ts'

export interface Sent {
  /** None where null. */
  readonly key: string | null
  readonly json?: unknown
  /** Instead of JSON. */
  readonly body?: RequestInit['body']
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** What an API answered: its bytes, and the same as JSON where they are said to be. */
export interface Answer<Body> {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  readonly body: Body
}

/** One request of an API's client, as it comes back: redirects are not followed. */
export async function call<Body>(
  url: string,
  method: string,
  { key, json, body, headers }: Sent,
): Promise<Answer<Body>> {
  const content = body ?? (json === undefined ? undefined : JSON.stringify(json))
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(key !== null && withKey(key)),
      ...(json !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(content !== undefined && { body: content }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && bytes.length > 0
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    body: (isJson ? JSON.parse(bytes.toString()) : {}) as Body,
  }
}

export interface CallOptions {
  /** A key or a token; the owner's key where absent, none where null. */
  readonly key?: string | null
  readonly json?: unknown
  /** A body that is no JSON; its type is among the headers. */
  readonly bytes?: Uint8Array | string
  readonly headers?: Readonly<Record<string, string>>
}

/** The same, as a test's owner where nobody else is named. */
export function callAs<Body>(
  app: { readonly key: string },
  url: string,
  method: string,
  { key = app.key, bytes, ...rest }: CallOptions,
): Promise<Answer<Body>> {
  const body = bytes as RequestInit['body'] | undefined
  return call(url, method, { ...rest, key, ...(body !== undefined && { body }) })
}

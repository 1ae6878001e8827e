import assert from 'node:assert/strict'
import { type TestApp, withKey } from './app.ts'
import { type Answer, type CallOptions, callAs } from './call.ts'
import { lastLetterTo, linkIn } from './outbox.ts'
import { RawConnection, requestHead } from './raw.ts'
import { stateOf, until } from './state.ts'

export interface FileBody {
  id: string
  user_id: string
  file_id: string
  name: string
  content_type: string
  size: number
  public_url: string | null
  default_url: string | null
  default_download_url: string | null
  public_download_url: string | null
  created_at: string
  is_public: boolean
}

export interface Session {
  access_token: string
  refresh_token: string
  expires_in: number
  expires_at: number
  token_type: string
}

export interface LogLine {
  id: string
  method: string
  path: string
  status_code: number
  request_size_bytes: number | null
  created_at: string
  metadata: { duration_ms: number; user_agent: string | null; key_prefix: string | null }
}

/** Everything that an answer of Atiru's door may hold. A test names what it expects, and fails where it is not there. */
export interface AtiruBody {
  message: string
  user: { id: string; email: string; created_at: string; updated_at: string }
  session: Session
  id: string
  name: string
  key: string
  key_prefix: string
  api_keys: { id: string; key_prefix: string; name: string; created_at: string; last_used_at: string | null }[]
  file: FileBody
  files: FileBody[]
  deleted: number
  errors: { id: string; error: string }[]
  plan: Record<string, string | number | null>
  access_until: string | null
  logs: LogLine[]
  total: number
  page: number
  limit: number
  error: string
  statusCode: number
  code: string
}

export type AtiruAnswer = Answer<AtiruBody>

type Server = Pick<TestApp, 'url' | 'key'>

/** Calls a route of Atiru's door by its path; follows nothing. */
export async function atiru(
  app: Server,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<AtiruAnswer> {
  return callAs(app, app.url + path, method, options)
}

/** The whole answer of a refusal: status, shape, code, a sentence, and what every answer of this kind carries. */
export function refusal(answer: AtiruAnswer, status: number, code: string, message: string | RegExp = /./): void {
  assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body))
  assert.deepEqual(Object.keys(answer.body), ['error', 'statusCode', 'code'])
  assert.equal(answer.body.statusCode, status)
  if (typeof message === 'string') assert.equal(answer.body.error, message)
  else assert.match(answer.body.error, message)
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(answer.headers.get('access-control-allow-origin'), '*')
}

/** Stores a file and gives the answered one. */
export async function store(
  app: Server,
  bytes: Uint8Array | string,
  options: { name?: string; type?: string; isPublic?: boolean; key?: string } = {},
): Promise<FileBody> {
  const { name, type = 'text/plain', isPublic, key = app.key } = options
  const headers = { 'Content-Type': type, ...(name !== undefined && { 'x-file-name': encodeURIComponent(name) }) }
  const query = isPublic === undefined ? '' : `?isPublic=${isPublic}`
  const answer = await atiru(app, 'POST', `/files${query}`, { bytes, headers, key })
  assert.equal(answer.status, 201, answer.bytes.toString())
  return answer.body.file
}

/**
 * Sends an upload by hand: one character of a header is one byte on the wire. Resolves to the first answer, a 100 included, and
 * the connection, which is still open.
 */
export async function sendRaw(
  app: Server,
  headers: Readonly<Record<string, string | number>>,
  body: Uint8Array = Buffer.alloc(0),
) {
  const connection = await RawConnection.open(app.url)
  connection.send(Buffer.from(requestHead('POST', '/files', { ...withKey(app.key), ...headers }), 'latin1'))
  if (body.length > 0) connection.send(body)
  const { status, body: bytes } = await connection.answer()
  return { connection, status, body: (bytes.length > 0 ? JSON.parse(bytes.toString()) : {}) as AtiruBody }
}

/** Everything that uploads under way hold is given back soon after they ended. */
export async function nothingUnderWay(app: TestApp): Promise<void> {
  await until('uploads to be over', async () => !(await app.isUploading()))
}

/** Does something that must leave no row, no blob and nothing in tmp. */
export async function leavesNothing<T>(app: TestApp, what: () => Promise<T>): Promise<T> {
  const before = await stateOf(app)
  const result = await what()
  await nothingUnderWay(app)
  assert.deepEqual(await stateOf(app), before)
  return result
}

export const password = 'correct horse'

/** Registers an address and follows the link in the letter. */
export async function registered(app: TestApp, email: string, own = password): Promise<void> {
  const { status } = await atiru(app, 'POST', '/auth/register', { json: { email, password: own }, key: null })
  assert.equal(status, 201)
  assert.equal((await followed(app, linkIn(await lastLetterTo(app, email, 'confirm')))).status, 302)
}

/** Follows a link of a letter at the address where the test's server is. */
export function followed(app: Pick<TestApp, 'url'>, link: URL, init: RequestInit = {}): Promise<Response> {
  return fetch(app.url + link.pathname + link.search, { redirect: 'manual', ...init })
}

/** The answer to a log-in. */
export function logIn(app: Server, email: string, own = password): Promise<AtiruAnswer> {
  return atiru(app, 'POST', '/auth/login', { json: { email, password: own }, key: null })
}

/** Somebody's session, who must be let in. */
export async function signedIn(app: Server, email: string, own = password): Promise<Session> {
  const answer = await logIn(app, email, own)
  assert.equal(answer.status, 200, answer.bytes.toString())
  return answer.body.session
}

/** Somebody with an account that was made beforehand, and a session. */
export async function newPerson(app: TestApp, email = 'ada@example.org') {
  const account = await app.newAccount(email)
  return { account, session: await signedIn(app, email) }
}

/** Gives a refresh token up for the next one. */
export function refreshed(app: Server, refreshToken: string): Promise<AtiruAnswer> {
  return atiru(app, 'POST', '/auth/refresh', { json: { refresh_token: refreshToken }, key: null })
}

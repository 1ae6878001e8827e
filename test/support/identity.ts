import assert from 'node:assert/strict'
import type { Account } from '../../src/core/model.ts'
import { type TestApp, withKey } from './app.ts'
import { codeIn, lettersTo } from './outbox.ts'

export interface Tokens {
  access_token: string
  refresh_token: string
  token_type: string
}

export interface ProjectBody {
  id: string
  name: string
  created_at: string
  updated_at: string
}

export interface UserBody {
  id: string
  email: string | null
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
  is_verified: boolean
  projects: Pick<ProjectBody, 'id' | 'name'>[]
  created_at: string
  updated_at: string
  billing: { token_balance: number; tokens_used: number; subscription_tier: string }
}

export interface KeyBody {
  id: string
  prefix: string
  name: string
  full_key: string | null
  scopes: string[]
  last_used_at: string | null
  expires_at: string | null
  is_active: boolean
  created_at: string
  updated_at: string
}

export interface PageBody<Item> {
  items: Item[]
  pagination: { page: number; limit: number; total: number; pages: number }
}

export interface Detail {
  loc: (string | number)[]
  msg: string
  type: string
}

/** Everything that an answer of Identity's door may hold. A test names what it expects, and fails where it is not there. */
export interface IdentityAnswer<Data> {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: {
    success: boolean
    data: Data
    error: { code: string; message: string } | null
    detail: Detail[]
  }
}

export interface IdentityCall {
  /** A token or a key. */
  readonly as?: string
  readonly project?: string
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it stands, said to be JSON. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Calls a route of Identity's door by its path below `/identity`. */
export async function identity<Data = object>(
  app: Pick<TestApp, 'url'>,
  method: string,
  path: string,
  { as, project, json, body, headers = {} }: IdentityCall = {},
): Promise<IdentityAnswer<Data>> {
  const sent = json === undefined ? body : JSON.stringify(json)
  const response = await fetch(`${app.url}/identity${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(as !== undefined && withKey(as)),
      ...(project !== undefined && { 'x-project-id': project }),
      ...(sent !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(sent !== undefined && { body: sent }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== ''
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} }
}

/** Asks for a code. */
export function sendCode(app: Pick<TestApp, 'url'>, email: string): Promise<IdentityAnswer<{ message: string }>> {
  return identity(app, 'POST', '/auth/verification/send-code', { json: { email } })
}

/** Tries a code. */
export function verifyCode(app: Pick<TestApp, 'url'>, email: string, code: string): Promise<IdentityAnswer<Tokens>> {
  return identity(app, 'POST', '/auth/verification/verify-code', { json: { email, code } })
}

/** The code that an address was mailed last; empty where it had no letter. */
export async function lastCode(app: Pick<TestApp, 'catalogue' | 'folder'>, email: string): Promise<string> {
  const letter = (await lettersTo(app, email)).at(-1)
  return letter ? codeIn(letter) : ''
}

/** Asks for a code and reads it from its letter. */
export async function codeFor(app: TestApp, email: string): Promise<string> {
  assert.equal((await sendCode(app, email)).status, 202)
  return lastCode(app, email)
}

/** A code that is not this one. */
export function otherThan(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0')
}

/** Somebody with an account of their own, who has signed in by a code. */
export interface Person extends Tokens {
  readonly email: string
  readonly account: Account
  /** Of the account's first project. */
  readonly project: string
}

/** Signs somebody in by a code. */
export async function signIn(app: TestApp, email: string): Promise<Tokens> {
  const { status, body } = await verifyCode(app, email, await codeFor(app, email))
  assert.equal(status, 200)
  return body.data
}

/** Makes an account with the password `correct horse` and signs its owner in by a code. */
export async function newPerson(app: TestApp, email: string): Promise<Person> {
  const account = await app.newAccount(email)
  const tokens = await signIn(app, email)
  const { projects } = await app.catalogue.read.projects(account.id)
  return { ...tokens, email, account, project: projects[0]?.id ?? '' }
}

/** Makes a key in a project. */
export async function newKeyIn(
  app: Pick<TestApp, 'url'>,
  { as, project }: { as: string; project: string },
  wish: { name?: string; expires_in_days?: number; scopes?: string[] } = {},
): Promise<KeyBody & { full_key: string }> {
  const json = { name: 'a key', ...wish }
  const { status, body } = await identity<KeyBody>(app, 'POST', '/auth/api-keys/', { as, project, json })
  assert.equal(status, 201, JSON.stringify(body))
  return { ...body.data, full_key: body.data.full_key ?? '' }
}

/** An answer that says no in the door's envelope. */
export function refused(
  answer: IdentityAnswer<unknown>,
  status: number,
  code: string,
  message?: string | RegExp,
): void {
  assert.equal(answer.status, status, answer.text)
  const { error } = answer.body
  assert.deepEqual(answer.body, { success: false, data: {}, error: { code, message: error?.message } })
  assert.equal(typeof error?.message, 'string')
  if (typeof message === 'string') assert.equal(error?.message, message)
  else if (message) assert.match(error?.message ?? '', message)
}

/** An answer that says what is wrong with what was sent: one fault, at this place. */
export function faulty(answer: IdentityAnswer<unknown>, loc: (string | number)[], type?: string): void {
  assert.equal(answer.status, 422, answer.text)
  assert.deepEqual(Object.keys(answer.body), ['detail'])
  const [fault, ...others] = answer.body.detail
  assert.deepEqual(others, [])
  assert.deepEqual(Object.keys(fault ?? {}), ['loc', 'msg', 'type'])
  assert.deepEqual(fault?.loc, loc)
  assert.ok(typeof fault?.msg === 'string' && fault.msg !== '')
  if (type === undefined) assert.ok(typeof fault?.type === 'string' && fault.type !== '')
  else assert.equal(fault?.type, type)
}

import assert from 'node:assert/strict'
import type { TestApp } from './app.ts'
import { type Answer, call } from './call.ts'

export interface FileBody {
  id: string
  name: string
  size: number
  mimeType: string
  url: string
  downloadUrl: string
  folderId: string | null
  description: string
  tags: string[]
  createdAt: string
  updatedAt: string
}

export interface FolderBody {
  id: string
  name: string
  parentId: string | null
  createdAt: string
  updatedAt: string
}

/** Everything that an answer of AetherCDN's door may hold. A test names what it expects, and fails where it is not there. */
export interface AetherBody {
  success: boolean
  file: FileBody
  files: FileBody[]
  folder: FolderBody
  folders: FolderBody[]
  pagination: { total: number; limit: number; offset: number }
  stats: { totalFiles: number; totalSize: number; totalFolders: number; storageUsed: string; bandwidthUsed: string }
  error: { code: string; message: string }
}

export type AetherAnswer = Answer<AetherBody>

export interface CallOptions {
  /** The owner's where absent; none where null. */
  readonly key?: string | null
  readonly json?: unknown
  readonly form?: FormData
  readonly headers?: Readonly<Record<string, string>>
}

/** Calls a route of AetherCDN's door by its path below `/api/v1`. */
export async function aether(
  app: Pick<TestApp, 'url' | 'key'>,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<AetherAnswer> {
  const { key = app.key, form, ...rest } = options
  return call(`${app.url}/api/v1${path}`, method, { ...rest, key, ...(form && { body: form }) })
}

/** Makes a folder and gives its id. */
export async function makeFolder(
  app: Pick<TestApp, 'url' | 'key'>,
  name: string,
  parentId?: string,
  key?: string,
): Promise<string> {
  const { body } = await aether(app, 'POST', '/folders', { json: { name, parentId }, ...(key && { key }) })
  if (!body.folder) throw new Error(`no folder: ${JSON.stringify(body)}`)
  return body.folder.id
}

/** The whole answer of a refusal: status, shape, code, a sentence, and what every answer of this kind carries. */
export function refusal(answer: AetherAnswer, status: number, code: string, message: string | RegExp): void {
  assert.equal(answer.status, status)
  assert.deepEqual(Object.keys(answer.body), ['success', 'error'])
  assert.equal(answer.body.success, false)
  assert.deepEqual(Object.keys(answer.body.error), ['code', 'message'])
  assert.equal(answer.body.error.code, code)
  if (typeof message === 'string') assert.equal(answer.body.error.message, message)
  else assert.match(answer.body.error.message, message)
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(answer.headers.get('access-control-allow-origin'), '*')
  assert.match(answer.headers.get('x-request-id') ?? '', /^\w+-\w+$/)
}

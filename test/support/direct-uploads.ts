import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Overrides } from '../../src/config/index.ts'
import type { TestApp } from './app.ts'
import type { CallOptions } from './call.ts'
import { MovingClock } from './clock.ts'
import { thisFile } from './shared.ts'
import { namesBelow, until } from './state.ts'
import { type StorageAnswer, type StorageBody, storage } from './storage.ts'

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export const dayMs = 86_400_000

/** `openTestApp`, or `openInnerApp`. */
type Opens<A> = (t: typeof thisFile, overrides: Overrides, parts: { clock: MovingClock }) => Promise<A>

/** A server for all tests of a file, with a clock that they may set, and files of any type of up to 8 MiB. */
export async function openUploadServer<A extends TestApp = TestApp>(open: Opens<A>) {
  const clock = new MovingClock()
  const config = { 'uploads.max_size': '8 MiB', 'uploads.allowed_content_types': ['*'] }
  return { app: await open(thisFile, config, { clock }), clock }
}

type Server = Pick<TestApp, 'url' | 'key'>
type Json = Readonly<Record<string, unknown>>

const post = (app: Server, path: string, json: Json, { key }: Pick<CallOptions, 'key'> = {}) =>
  storage(app, 'POST', path, { json, ...(key !== undefined && { key }) })

/** Begins an upload in one body. */
export const start = (app: Server, json: Json, options?: Pick<CallOptions, 'key'>) =>
  post(app, '/files/uploads', json, options)

export const complete = (app: Server, json: Json, options?: Pick<CallOptions, 'key'>) =>
  post(app, '/files/uploads/complete', json, options)

export const startParts = (app: Server, json: Json, options?: Pick<CallOptions, 'key'>) =>
  post(app, '/files/uploads/multipart', json, options)

export const completeParts = (app: Server, json: Json, options?: Pick<CallOptions, 'key'>) =>
  post(app, '/files/uploads/multipart/complete', json, options)

export const abort = (app: Server, json: Json, options?: Pick<CallOptions, 'key'>) =>
  post(app, '/files/uploads/multipart/abort', json, options)

/** An upload that must begin. */
export async function started(app: Server, json: Json, options?: Pick<CallOptions, 'key'>): Promise<StorageBody> {
  return ok(await start(app, json, options))
}

export async function startedParts(app: Server, json: Json, options?: Pick<CallOptions, 'key'>): Promise<StorageBody> {
  return ok(await startParts(app, json, options))
}

/** What must have been answered with 200. */
export function ok(answer: StorageAnswer): StorageBody {
  assert.equal(answer.status, 200, answer.bytes.toString())
  return answer.body
}

export interface Sent {
  readonly status: number
  readonly headers: Headers
  readonly etag: string
  readonly bytes: Buffer
  readonly body: StorageBody
}

/** PUTs a body to a signed address, with nothing else to say who sends it. */
export async function send(url: string, bytes: Uint8Array | string, type?: string): Promise<Sent> {
  const headers = type === undefined ? undefined : { 'Content-Type': type }
  const body = (typeof bytes === 'string' && type === undefined ? Buffer.from(bytes) : bytes) as RequestInit['body']
  const response = await fetch(url, { method: 'PUT', ...(body !== undefined && { body }), ...(headers && { headers }) })
  const answered = Buffer.from(await response.arrayBuffer())
  return {
    status: response.status,
    headers: response.headers,
    etag: response.headers.get('etag') ?? '',
    bytes: answered,
    body: (answered.length > 0 ? JSON.parse(answered.toString()) : {}) as StorageBody,
  }
}

/** One that must be taken. Resolves to the part as a client lists it. */
export async function sent(url: string, bytes: Uint8Array | string, number = 1, type?: string) {
  const { status, etag, bytes: answered } = await send(url, bytes, type)
  assert.equal(status, 200, answered.toString())
  return { part_number: number, etag }
}

/** The status and word of a refused PUT. */
export function refusedWith({ status, body }: Sent): [number, string] {
  assert.deepEqual(Object.keys(body), ['error', 'message'])
  return [status, body.error]
}

/** The content that is at a path. */
export async function contentAt(app: Server, path: string): Promise<Buffer> {
  const { url } = ok(await storage(app, 'GET', `/files/${path}`, { headers: { Accept: 'application/json' } }))
  const response = await fetch(url)
  assert.equal(response.status, 200)
  return Buffer.from(await response.arrayBuffer())
}

/** Files of open uploads on the disk, by upload and name. */
export const partFiles = (app: Pick<TestApp, 'folder'>): Promise<string[]> => namesBelow(join(app.folder, 'uploads'))

/** Folders of uploads on the disk. */
export const uploadFolders = (app: Pick<TestApp, 'folder'>): Promise<string[]> => readdir(join(app.folder, 'uploads'))

/** What is under way has ended, and holds nothing of the quota or the disk. */
export async function nothingUnderWay(app: TestApp): Promise<void> {
  await until('uploads to be over', async () => !(await app.isUploading()))
}

/** Bytes of the quota that open uploads use. */
export async function uploadBytes(app: TestApp): Promise<number> {
  const { read } = app.catalogue
  return (await read.used(app.owner.id)).bytes - (await read.root(app.owner.id)).bytesBelow
}

/** Begins an upload and sends its parts at once, in no order. */
export async function sentParts(server: Server, path: string, bodies: readonly Uint8Array[], wish: object = {}) {
  const upload = await startedParts(server, { path, part_count: bodies.length, ...wish })
  const all = bodies.map((body, at) => ({ body, at })).sort(() => Math.random() - 0.5)
  const parts = await Promise.all(all.map(({ body, at }) => sent(upload.part_urls[at] ?? '', body, at + 1)))
  return { upload, parts, wish: { path, upload_id: upload.upload_id, parts } }
}

/** Bodies of these sizes, in bytes, of which no two are alike. */
export const random = (...sizes: number[]): Buffer[] => sizes.map((size) => randomBytes(size))

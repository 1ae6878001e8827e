import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Core } from '../../core/core.ts'
import { Failure } from '../../core/failure.ts'
import type { FileEntry } from '../../core/model.ts'
import { contextOf } from '../context.ts'
import { failureHeaders } from '../failure-headers.ts'
import type { HotPath } from '../front.ts'
import { refusalOf, rendered } from '../refusal.ts'
import { failure } from './failures.ts'
import { receivePart } from './parts.ts'

/** `/o/{file_id}/{name}`: a file for whoever has a signed address; the name is for people. */
const filePath = /^\/o\/([A-Za-z0-9_-]{16})(?:\/[^/]*)?$/
/** `/o/uploads/{upload_id}/{part}`: a body of an upload. */
const partPath = /^\/o\/uploads\/([0-9a-f-]{36})\/([1-9]\d{0,4})$/

/** Sends a file's bytes under a name. */
type SendFile = (
  request: IncomingMessage,
  response: ServerResponse,
  file: FileEntry,
  name: string,
  headers: readonly string[],
) => Promise<void>

/** Signed addresses, ahead of Express: no limits but their own. */
export function createObjects(core: Core, send: SendFile, minUploadRate: number): HotPath {
  async function answer(request: IncomingMessage, response: ServerResponse, headers: readonly string[]): Promise<void> {
    const { path, query } = contextOf(request)
    const [, uploadId, part] = partPath.exec(path) ?? []
    if (uploadId !== undefined) {
      requireMethod(request, ['PUT', 'OPTIONS'])
      const signed = await core.signedUrls.put(uploadId, Number(part), query)
      return receivePart(core, signed, request, response, { headers, minBytesPerSecond: minUploadRate })
    }
    const [, fileId] = filePath.exec(path) ?? []
    if (fileId === undefined) throw new Failure('not_found', { what: 'route', id: path })
    requireMethod(request, ['GET', 'HEAD', 'OPTIONS'])
    const signed = await core.signedUrls.get(fileId, query)
    const { file, name } = await core.tree.bySignedUrl(signed)
    await send(request, response, file, name, headers)
  }

  return {
    handles: (path) => path.startsWith('/o/'),
    handle: (request, response, headers) =>
      answer(request, response, headers).catch((error) => fail(error, request, response, headers)),
  }
}

function requireMethod(request: IncomingMessage, allowed: readonly string[]): void {
  if (!allowed.includes(request.method ?? '')) throw new Failure('method_not_allowed', { allowed })
}

function fail(error: unknown, request: IncomingMessage, response: ServerResponse, headers: readonly string[]): void {
  const failed = refusalOf(error, request, response)
  if (!failed) return
  const { status, body } = rendered(failure, failed, contextOf(request))
  sendJson(response, status, body, [...headers, ...Object.entries(failureHeaders(failed)).flat()])
}

/** A small answer, written at once. */
export function sendJson(response: ServerResponse, status: number, body: object, headers: readonly string[]): void {
  const text = JSON.stringify(body)
  response.writeHead(status, [
    ...headers,
    'Content-Type',
    'application/json; charset=utf-8',
    'Cache-Control',
    'no-store',
    'Content-Length',
    String(Buffer.byteLength(text)),
  ])
  response.end(text)
}

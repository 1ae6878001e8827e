import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Core } from '../../core/core.ts'
import { Failure } from '../../core/failure.ts'
import type { FileEntry } from '../../core/model.ts'
import type { Release } from '../../core/usage.ts'
import { contentPolicy, contentTypeHeader, disposition } from '../content.ts'
import { contextOf } from '../context.ts'
import { type Content, deliver } from '../delivery.ts'
import { failureHeaders } from '../failure-headers.ts'
import type { HotPath } from '../front.ts'
import { refusalOf, rendered } from '../refusal.ts'
import { failure } from '../root-failures.ts'
import { Contents, type Presentation } from './contents.ts'

/** `/m/{file_id}` and `/d/{file_id}`; whatever name follows is for people and the browser's address line. */
const mediaPath = /^\/([md])\/([A-Za-z0-9_-]{16})(?:\/[^/]*)?$/

const allowed = ['GET', 'HEAD', 'OPTIONS']
/** Leave may end at any time. */
const notShared = ['Cache-Control', 'private, no-cache']

export interface Media extends HotPath {
  /** A file's bytes for whoever has leave to see them: shown where that is safe, and kept by no cache that others share. */
  object(
    request: IncomingMessage,
    response: ServerResponse,
    file: FileEntry,
    name: string,
    headers: readonly string[],
  ): Promise<void>
  /** A file's bytes for its owner (AetherCDN's download): an attachment that no shared cache may keep. */
  download(request: IncomingMessage, response: ServerResponse, file: FileEntry): Promise<void>
}

/** The hot path: public files and pictures made of them, ahead of Express. */
export function createMedia(core: Core): Media {
  const contents = new Contents(core)

  async function answer(request: IncomingMessage, response: ServerResponse, headers: readonly string[]): Promise<void> {
    const { path, query } = contextOf(request)
    if (!allowed.includes(request.method ?? '')) throw new Failure('method_not_allowed', { allowed })
    const [, route, fileId] = mediaPath.exec(path) ?? []
    if (fileId === undefined) throw new Failure('not_found', { what: 'file', id: path })
    const file = await core.media.find(fileId)
    await send(
      request,
      response,
      file,
      await prepare(file, query, request, route === 'd' ? 'attachment' : 'inline'),
      headers,
    )
  }

  /** Sends a file's bytes, or a picture made of them, where its account's plan allows for one more read. */
  async function send(
    request: IncomingMessage,
    response: ServerResponse,
    file: FileEntry,
    content: Content,
    headers: readonly string[],
  ): Promise<void> {
    let giveBack: Release | undefined
    const take = async (): Promise<void> => {
      giveBack = await core.media.takeRead(file)
    }
    let sent = 0
    try {
      sent = await deliver(request, response, content, headers, core.media.hasReadLimits() ? take : undefined)
      if (sent > 0) core.activity.sent(file, sent, 0)
    } finally {
      if (sent === 0) giveBack?.()
    }
  }

  async function prepare(
    file: FileEntry,
    query: URLSearchParams,
    request: IncomingMessage,
    as: Presentation,
  ): Promise<Content> {
    const recipe = core.media.recipe(file, query, request.headers.accept)
    return recipe ? contents.variant(file, recipe, as) : contents.original(file, as)
  }

  return {
    handles: (path) => path.startsWith('/m/') || path.startsWith('/d/'),
    handle: (request, response, headers) =>
      answer(request, response, headers).catch((error) => fail(error, request, response, headers)),
    object: async (request, response, file, name, headers) => {
      const content = await contents.original({ ...file, name }, 'inline')
      await send(request, response, file, { ...content, cacheHeaders: notShared }, headers)
    },
    download: async (request, response, file) => {
      const { contentType, digest, size, contentAt } = file
      const content = {
        etag: `"${digest}"`,
        digest,
        lastModifiedMs: contentAt,
        size,
        cacheHeaders: ['Cache-Control', 'private'],
        headers: [
          'Content-Type',
          contentTypeHeader(contentType),
          'Content-Disposition',
          disposition('attachment', file.name),
          'Content-Security-Policy',
          contentPolicy(contentType),
        ],
        open: (range: { start: number; end: number }) => core.media.open(file, range),
      }
      await send(request, response, file, content, [])
    },
  }
}

function fail(error: unknown, request: IncomingMessage, response: ServerResponse, headers: readonly string[]): void {
  const failed = refusalOf(error, request, response)
  if (!failed) return
  const { status, body } = rendered(failure, failed, contextOf(request))
  const text = JSON.stringify(body)
  const own = {
    ...failureHeaders(failed),
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
  }
  response.writeHead(status, [
    ...headers,
    ...Object.entries(own).flat(),
    'Content-Length',
    String(Buffer.byteLength(text)),
  ])
  response.end(text)
}

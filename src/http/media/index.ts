import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Core } from '../../core/core.ts'
import { Failure } from '../../core/failure.ts'
import type { FileEntry } from '../../core/model.ts'
import { contentPolicy, contentTypeHeader, disposition } from '../content.ts'
import { contextOf } from '../context.ts'
import { deliver } from '../delivery.ts'
import { failureHeaders } from '../failure-headers.ts'
import { refusalOf, rendered } from '../refusal.ts'
import { failure } from '../root-failures.ts'
import { Contents, type Prepared, type Presentation } from './contents.ts'

/** `/m/{file_id}` and `/d/{file_id}`; whatever name follows is for people and the browser's address line. */
const mediaPath = /^\/([md])\/([A-Za-z0-9_-]{16})(?:\/[^/]*)?$/

const allowed = ['GET', 'HEAD', 'OPTIONS']

export interface Media {
  /** Whether the path is one of media's, well-formed or not. */
  handles(path: string): boolean
  handle(request: IncomingMessage, response: ServerResponse, headers: readonly string[]): Promise<void>
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
    await counted(file, async () => {
      const as = route === 'd' ? 'attachment' : 'inline'
      const { content, imageOps } = await prepare(contents, file, query, request, as)
      return { sent: await deliver(request, response, content, headers), imageOps }
    })
  }

  /** A read that its account's plan allows for; given back where no byte was sent. */
  async function counted(file: FileEntry, answer: () => Promise<{ sent: number; imageOps: number }>): Promise<void> {
    const giveBack = await core.media.takeRead(file)
    let sent = 0
    try {
      const done = await answer()
      sent = done.sent
      if (sent > 0 || done.imageOps > 0) core.activity.sent(file, sent, done.imageOps)
    } finally {
      if (sent === 0) giveBack()
    }
  }

  async function prepare(
    from: Contents,
    file: FileEntry,
    query: URLSearchParams,
    request: IncomingMessage,
    as: Presentation,
  ): Promise<Prepared> {
    const recipe = core.media.recipe(file, query, request.headers.accept)
    return recipe ? from.variant(file, recipe, as) : from.original(file, as)
  }

  return {
    handles: (path) => path.startsWith('/m/') || path.startsWith('/d/'),
    handle: (request, response, headers) =>
      answer(request, response, headers).catch((error) => fail(error, request, response, headers)),
    download: async (request, response, file) => {
      const { contentType, digest, size, createdAt } = file
      const content = {
        etag: `"${digest}"`,
        lastModifiedMs: createdAt,
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
      await counted(file, async () => ({ sent: await deliver(request, response, content, []), imageOps: 0 }))
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

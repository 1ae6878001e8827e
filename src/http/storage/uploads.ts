import { unknownType } from '../../core/content-types.ts'
import type { PutResult } from '../../core/model.ts'
import { lastSegment } from '../../core/paths.ts'
import type { UploadWish } from '../../core/upload-start.ts'
import { type Call, ok, type Route, route } from '../door.ts'
import * as schemas from './upload-schemas.ts'

const need = 'files:write'
const examplePath = 'docs/report.pdf'
const exampleUpload = '00000000-0000-4000-8000-000000000000'

export const uploads: readonly Route[] = [
  route(
    'post',
    '/files/uploads',
    {
      summary: 'Begins an upload: gives an address that one PUT of the bytes goes to. Complete it afterwards.',
      need,
      counts: 'upload',
      body: schemas.start,
      answer: schemas.started,
      example: { body: { path: examplePath, content_type: 'application/pdf' } },
    },
    async (call) => {
      const { body } = call
      const started = await begin(call, 'single', body, 1)
      if ('recorded' in started) return ok({ ...resultView(started.recorded), exists: true })
      const [url] = started.urls
      return ok({ url, content_type: started.contentType, expires_in: started.expiresInSeconds })
    },
  ),

  route(
    'post',
    '/files/uploads/complete',
    {
      summary: 'Completes an upload: what was sent becomes the file at its path. The same answer again within a day.',
      need,
      body: schemas.completion,
      answer: schemas.completed,
      example: { body: { path: examplePath, message: 'The final version' } },
    },
    async ({ core, caller, body }) =>
      ok(resultView(await core.directUploads.complete(caller, body.path, body.message ?? ''))),
  ),

  route(
    'post',
    '/files/uploads/multipart',
    {
      summary:
        'Begins an upload in parts: gives an address for each, for PUTs in any order and at once, again if need be.',
      need,
      counts: 'upload',
      body: schemas.multipartStart,
      answer: schemas.multipartStarted,
      example: { body: { path: examplePath, content_type: 'application/pdf', part_count: 2 } },
    },
    async (call) => {
      const { body } = call
      const started = await begin(call, 'multipart', body, body.part_count ?? 1)
      if ('recorded' in started) return ok({ ...resultView(started.recorded), exists: true })
      const { upload, contentType, urls, expiresInSeconds } = started
      return ok({
        upload_id: upload.id,
        key: upload.path,
        content_type: contentType,
        part_urls: urls,
        expires_in: expiresInSeconds,
      })
    },
  ),

  route(
    'post',
    '/files/uploads/multipart/complete',
    {
      summary: 'Completes an upload in parts: those listed become the file, in the order of their numbers.',
      need,
      body: schemas.multipartCompletion,
      answer: schemas.completed,
      example: {
        body: {
          path: examplePath,
          upload_id: exampleUpload,
          parts: [{ part_number: 1, etag: '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"' }],
        },
      },
    },
    async ({ core, caller, body }) => {
      const parts = body.parts.map(({ part_number: number, etag }) => ({ number, etag }))
      const { path, upload_id: uploadId, message } = body
      const sent = { path, uploadId, parts, message: message ?? undefined }
      return ok(resultView(await core.directUploads.completeParts(caller, sent)))
    },
  ),

  route(
    'post',
    '/files/uploads/multipart/abort',
    {
      summary: 'Aborts an upload in parts, and removes what was sent.',
      need,
      body: schemas.abortion,
      answer: schemas.aborted,
      example: { body: { path: examplePath, upload_id: exampleUpload } },
    },
    async ({ core, caller, body }) =>
      ok({ aborted: await core.directUploads.abort(caller, { path: body.path, uploadId: body.upload_id }) }),
  ),

  route(
    'get',
    '/uploads/:upload_id',
    { summary: 'The parts that an open upload has received.', need, answer: schemas.received },
    async ({ core, caller, params }) => {
      const { upload, parts } = await core.directUploads.received(caller, params.upload_id)
      const views = parts.map(({ number, digest, size }) => ({ part_number: number, etag: `"${digest}"`, size }))
      return ok({ upload_id: upload.id, path: upload.path, parts: views })
    },
  ),
]

interface Sent {
  readonly path: string
  readonly content_type?: string | null | undefined
  readonly content_hash?: string | null | undefined
}

async function begin(
  { core, caller, context }: Pick<Call, 'core' | 'caller' | 'context'>,
  kind: UploadWish['kind'],
  sent: Sent,
  partCount: number,
) {
  const { path } = await core.tree.placeFor(caller, sent.path, 'body')
  const started = await core.directUploads.start(caller, {
    kind,
    path,
    contentType: sent.content_type ?? undefined,
    contentHash: sent.content_hash ?? undefined,
    partCount,
  })
  if ('recorded' in started) return started
  const urls = started.addresses.map((address) => context.baseUrl + address)
  return { ...started, urls, contentType: started.upload.contentType ?? unknownType }
}

function resultView({ path, size, tx, at }: PutResult) {
  return { path, name: lastSegment(path), size, tx, time: at }
}

import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { declaredType, unknownType } from '../../core/content-types.ts'
import { invalid } from '../../core/failure.ts'
import type { FileEntry } from '../../core/model.ts'
import { type Call, created, noContent, ok, type Route, route, stream } from '../door.ts'
import { textOf } from '../failure-texts.ts'
import { flag } from '../query.ts'
import { listInPieces } from '../stream.ts'
import * as schemas from './schemas.ts'
import { fileView } from './views.ts'

export const files: readonly Route[] = [
  route(
    'post',
    '/files',
    {
      summary: 'Stores a file: the body is its bytes.',
      need: 'files:write',
      counts: 'upload',
      takes: '*/*',
      query: z.object({ isPublic: flag(true) }),
      headers: {
        'Content-Type': "Required: the file's type, one of the allowed ones.",
        'x-file-name': "The file's name, plain or percent-encoded UTF-8.",
      },
      status: 201,
      answer: schemas.uploaded,
      codes: [
        'CONTENT_TYPE_NOT_ALLOWED',
        'CONTENT_VERIFICATION_FAILED',
        'FILE_TOO_LARGE',
        'STORAGE_LIMIT_REACHED',
        'FILE_COUNT_LIMIT_REACHED',
        'TRIAL_ENDED',
        'INSUFFICIENT_STORAGE',
      ],
      example: { headers: { 'Content-Type': 'text/plain', 'x-file-name': 'example.txt' }, body: 'Hello, Larder' },
    },
    async (call) => {
      const upload = await call.raw({ name: sentName(call), type: sentType(call) })
      const labels = { description: '', tags: [], isPublic: call.query.isPublic }
      const [file] = await upload.publish(undefined, labels)
      return created({ file: viewOf(call)(file as FileEntry), message: 'File uploaded' })
    },
  ),

  route(
    'get',
    '/files',
    { summary: 'All files, newest first.', need: 'files:read', answer: schemas.fileList },
    async (call) => stream(listInPieces('files', viewsOf(call))),
  ),

  route(
    'get',
    '/files/:id',
    { summary: 'A file by its file_id.', need: 'files:read', answer: schemas.fileView, codes: ['FILE_NOT_FOUND'] },
    async (call) => ok(viewOf(call)(await call.core.files.find(call.caller, call.params.id))),
  ),

  route(
    'delete',
    '/files/:id',
    { summary: 'Deletes a file.', need: 'files:write', status: 204, codes: ['FILE_NOT_FOUND', 'TRIAL_ENDED'] },
    async ({ core, caller, params }) => {
      await core.files.remove(caller, params.id)
      return noContent()
    },
  ),

  route(
    'post',
    '/files/bulk-delete',
    {
      summary: 'Deletes up to 100 files; what could not be deleted is told with its reason.',
      need: 'files:write',
      body: schemas.bulkDeletion,
      answer: schemas.bulkDeleted,
      codes: ['TRIAL_ENDED'],
      example: { body: { ids: ['abc123', 'def456'] } },
    },
    async ({ core, caller, body }) => {
      const refused = await core.files.removeMany(caller, body.ids)
      const errors = [...refused].map(([id, failure]) => ({
        id,
        error: failure.code === 'not_found' ? 'File not found' : textOf(failure),
      }))
      return ok({ deleted: new Set(body.ids).size - errors.length, errors })
    },
  ),
]

type AnyCall = Pick<Call, 'core' | 'caller' | 'context' | 'request'>

const viewOf =
  ({ caller, context }: AnyCall) =>
  (file: FileEntry) =>
    fileView(file, caller.account, context.baseUrl)

async function* viewsOf(call: AnyCall) {
  for await (const page of call.core.files.each(call.caller)) yield page.map(viewOf(call))
}

/** @throws Failure `invalid` without a usable one: this door asks for it. */
function sentType({ request }: AnyCall): string {
  const sent = request.headers['content-type']
  const type = declaredType(sent)
  const isUsable = type !== unknownType || sent?.trim().toLowerCase() === unknownType
  if (!isUsable)
    throw invalid('Content-Type', "say the file's type in Content-Type, as in image/png", 'missing', 'header')
  return type
}

/** Header fields come as Latin-1, and what was sent plain may be UTF-8; what was percent-encoded is UTF-8 for sure. */
function sentName({ request }: AnyCall): string | undefined {
  const sent = request.headers['x-file-name']
  if (typeof sent !== 'string' || sent.trim() === '') return undefined
  const bytes = Buffer.from(sent, 'latin1')
  const plain = isUtf8(bytes) ? bytes.toString() : sent
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

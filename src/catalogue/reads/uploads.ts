import type { Kysely } from 'kysely'
import type { UploadReads } from '../../core/catalogue.ts'
import type { Assembled, DirectUpload, PutResult, UploadPart } from '../../core/model.ts'
import type { ReadTables, UploadPartRow, UploadRow } from '../schema.ts'

export function uploadReads(db: Kysely<ReadTables>): UploadReads {
  return {
    upload: async (id) => {
      const row = await db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst()
      return row && uploadOf(row)
    },

    uploadAt: async ({ accountId, kind, path, since }) => {
      const mine = db
        .selectFrom('uploads')
        .selectAll()
        .where('account_id', '=', accountId)
        .where('kind', '=', kind)
        .where('path', '=', path)
      const row =
        (await mine.where('state', '=', 'open').executeTakeFirst()) ??
        (await mine
          .where('state', '=', 'complete')
          .where('finished_at', '>', since)
          .orderBy('finished_at', 'desc')
          .limit(1)
          .executeTakeFirst())
      return row && uploadOf(row)
    },

    parts: async (uploadId) => {
      const rows = await db
        .selectFrom('upload_parts')
        .selectAll()
        .where('upload_id', '=', uploadId)
        .orderBy('number')
        .execute()
      return rows.map(partOf)
    },

    openUploads: async () =>
      (await db.selectFrom('uploads').selectAll().where('state', '=', 'open').execute()).map(uploadOf),
  }
}

export function uploadOf(row: UploadRow): DirectUpload {
  return {
    id: row.id,
    accountId: row.account_id,
    kind: row.kind,
    state: row.state,
    path: row.path,
    keyId: row.key_id,
    contentType: row.content_type,
    contentHash: row.content_hash,
    assembled: row.assembled === null ? null : (JSON.parse(row.assembled) as Assembled),
    result: row.result === null ? null : (JSON.parse(row.result) as PutResult),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    finishedAt: row.finished_at,
  }
}

function partOf(row: UploadPartRow): UploadPart {
  return {
    number: row.number,
    file: row.file,
    digest: row.digest,
    size: row.size,
    contentType: row.content_type,
  }
}

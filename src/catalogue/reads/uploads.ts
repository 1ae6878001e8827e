import { type Kysely, sql } from 'kysely'
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

    received: async ({ uploadId, number }) => {
      // One question: between two a part may come.
      const row = await db
        .selectFrom('uploads as u')
        .leftJoin('upload_parts as p', (join) => join.onRef('p.upload_id', '=', 'u.id').on('p.number', '=', number))
        .select(['u.bytes', 'p.size'])
        .where('u.id', '=', uploadId)
        .executeTakeFirst()
      return { bytes: row?.bytes ?? 0, ofPart: row?.size ?? 0 }
    },

    uploadsWithParts: async () => {
      const rows = await db
        .selectFrom('uploads')
        .selectAll()
        .where('state', '=', sql.lit('open'))
        .where((e) => e.exists(e.selectFrom('upload_parts').select('number').whereRef('upload_id', '=', 'uploads.id')))
        .execute()
      return rows.map(uploadOf)
    },

    overdueUploads: async ({ now, limit }) => {
      const rows = await db
        .selectFrom('uploads')
        .select('id')
        .where('state', '=', sql.lit('open'))
        .where('expires_at', '<=', now)
        .orderBy('expires_at')
        .limit(limit)
        .execute()
      return rows.map(({ id }) => id)
    },
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

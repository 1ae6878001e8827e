import { sql } from 'kysely'
import type { Db } from '../queries.ts'
import { unnameBlobs } from './blobs.ts'
import { forgetNames } from './names.ts'

/** Cuts folders off the tree: from here on nothing below them is found, and `sweepSome` removes their rows. */
export async function detach(db: Db, seqs: readonly number[]): Promise<void> {
  const these = among(seqs)
  await sql`UPDATE entries SET parent = NULL, segment = NULL WHERE seq IN ${these}`.execute(db)
  await sql`INSERT INTO detached (seq) SELECT value FROM json_each(${JSON.stringify(seqs)})`.execute(db)
}

/**
 * One step of removing detached folders, of as many at once as rows may be touched: some of their files; or, when they have
 * none left, their folders become detached themselves; or, when they have neither, their own rows go. Each step is found
 * by index, however much lies below. Resolves to how many rows it touched: none where no folder is left.
 */
export async function sweepSome(db: Db, limit: number, now: number): Promise<number> {
  const detached = (await db.selectFrom('detached').select('seq').limit(limit).execute()).map((row) => row.seq)
  if (detached.length === 0) return 0
  const files = await filesIn(db, detached, limit)
  if (files.length > 0) {
    await removeFiles(db, files, now)
    return files.length
  }
  const folders = await foldersIn(db, detached, limit)
  if (folders.length > 0) {
    await detach(db, folders)
    return folders.length
  }
  await sql`DELETE FROM detached WHERE seq IN ${among(detached)}`.execute(db)
  await removeEntries(db, detached)
  return detached.length
}

const among = (seqs: readonly number[]) => sql`(SELECT value FROM json_each(${JSON.stringify(seqs)}))`

interface FoundFile {
  readonly seq: number
  readonly file_seq: number
  readonly digest: string
}

async function filesIn(db: Db, parents: readonly number[], limit: number): Promise<FoundFile[]> {
  const found = await sql<FoundFile>`
    SELECT e.seq, f.seq AS file_seq, f.digest
    FROM json_each(${JSON.stringify(parents)}) CROSS JOIN entries e INDEXED BY files_by_segment ON e.parent = value
    JOIN files f ON f.seq = e.file WHERE e.file IS NOT NULL LIMIT ${limit}`.execute(db)
  return found.rows
}

async function foldersIn(db: Db, parents: readonly number[], limit: number): Promise<number[]> {
  const found = await sql<{ seq: number }>`
    SELECT e.seq FROM json_each(${JSON.stringify(parents)})
    CROSS JOIN entries e INDEXED BY folders_by_segment ON e.parent = value
    WHERE e.file IS NULL LIMIT ${limit}`.execute(db)
  return found.rows.map((row) => row.seq)
}

async function removeFiles(db: Db, files: readonly FoundFile[], now: number): Promise<void> {
  const seqs = files.map((file) => file.seq)
  const contents = files.map((file) => file.file_seq)
  const digests = files.map((file) => file.digest)
  await removeEntries(db, seqs)
  await sql`DELETE FROM files WHERE seq IN ${among(contents)}`.execute(db)
  await unnameBlobs(db, digests, now)
}

async function removeEntries(db: Db, seqs: readonly number[]): Promise<void> {
  await sql`DELETE FROM entries WHERE seq IN ${among(seqs)}`.execute(db)
  await forgetNames(db, seqs)
}

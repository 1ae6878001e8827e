import { sql } from 'kysely'
import { type Db, rootSeq } from '../queries.ts'
import { indexedWords, markOf } from '../words.ts'

/** Keeps an entry's words in the index, in place of those it had. */
export async function indexName(
  db: Db,
  entry: { seq: number; account_id: string; segment: string; name: string },
): Promise<void> {
  const words = indexedWords(markOf(await rootSeq(db, entry.account_id)), entry.segment, entry.name)
  await sql`INSERT OR REPLACE INTO names (rowid, words) VALUES (${entry.seq}, ${words})`.execute(db)
}

/** Takes the words of entries that are gone out of the index. */
export async function forgetNames(db: Db, seqs: readonly number[]): Promise<void> {
  await sql`DELETE FROM names WHERE rowid IN (SELECT value FROM json_each(${JSON.stringify(seqs)}))`.execute(db)
}

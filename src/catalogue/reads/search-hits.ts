import { sql } from 'kysely'
import type { Db } from '../queries.ts'

/** As many hits are looked at, of a word or of all together: what lies beyond is not ranked. */
export const hitsLimit = 10_000
/** Words that begin alike, up to which all of them are asked for. */
const alikeLimit = 8
const last = '\u{10ffff}'

/** An entry that a word was found at: its name is null where it is its segment. */
export interface Hit {
  readonly seq: number
  readonly parent: number | null
  readonly segment: string | null
  readonly name: string | null
  readonly is_file: number
  readonly files_below: number
}

export interface WordHits {
  readonly seqs: readonly number[]
  /** Whether these are all. */
  readonly complete: boolean
}

/**
 * Entries with a word that begins so, the very word first. Read along the words of the index until there are enough: an FTS5
 * query for a prefix would first gather every entry of every word that begins so.
 */
export async function hitsOf(db: Db, term: string): Promise<WordHits> {
  const found = await sql<{ doc: number }>`
    SELECT doc FROM name_words WHERE term >= ${term} AND term < ${term + last} LIMIT ${hitsLimit + 1}`.execute(db)
  const seqs = new Set(found.rows.map((row) => row.doc))
  return { seqs: [...seqs].slice(0, hitsLimit), complete: found.rows.length <= hitsLimit }
}

/** Entries that have several words at once, though each alone is at too many: of each the very word, or all few that begin so. */
export async function hitsOfAll(db: Db, terms: readonly string[], limit: number): Promise<number[]> {
  const groups: string[] = []
  for (const term of terms) groups.push((await alike(db, term)).map((word) => `"${word}"`).join(' OR '))
  const wish = groups.map((group) => `(${group})`).join(' AND ')
  const found = await sql<{ rowid: number }>`
    SELECT rowid FROM names WHERE names MATCH ${wish} LIMIT ${limit}`.execute(db)
  return found.rows.map((row) => row.rowid)
}

/** The words of the index that begin so, where they are few: each is found by one step from the one before. */
async function alike(db: Db, term: string): Promise<string[]> {
  const words: string[] = []
  for (let from = term; ; from = `${words.at(-1)}\u0001`) {
    const next = await sql<{ term: string }>`
      SELECT term FROM name_words WHERE term >= ${from} AND term < ${term + last} LIMIT 1`.execute(db)
    const word = next.rows[0]?.term
    if (word === undefined) return words.length === 0 ? [term] : words
    if (words.length === alikeLimit) return [term]
    words.push(word)
  }
}

const columns = sql`e.seq, e.parent, e.segment, nullif(e.name, e.segment) AS name, e.file IS NOT NULL AS is_file, e.files_below`

export async function rowsOf(db: Db, seqs: readonly number[]): Promise<Hit[]> {
  const found = await sql<Hit>`
    SELECT ${columns} FROM json_each(${JSON.stringify(seqs)}) CROSS JOIN entries e ON e.seq = value`.execute(db)
  return found.rows
}

/** Files in folders or anywhere below them, up to some number. */
export async function filesBelow(db: Db, folders: readonly number[], limit: number): Promise<Hit[]> {
  if (folders.length === 0 || limit <= 0) return []
  const found = await sql<Hit>`
    WITH RECURSIVE below(seq) AS (
      SELECT value FROM json_each(${JSON.stringify(folders)})
      UNION SELECT e.seq FROM below b CROSS JOIN entries e INDEXED BY folders_by_segment ON e.parent = b.seq
        WHERE e.file IS NULL
    ) SELECT ${columns} FROM below b CROSS JOIN entries e INDEXED BY files_by_segment ON e.parent = b.seq
      WHERE e.file IS NOT NULL LIMIT ${limit}`.execute(db)
  return found.rows
}

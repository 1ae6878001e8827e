import { sql } from 'kysely'
import type { Db } from '../queries.ts'
import { wordsOf } from '../words.ts'

interface Row {
  readonly seq: number
  readonly parent: number | null
  readonly segment: string | null
}

/** A folder on the way to the root: its path, and which of the words (as bits) it and those above it have. */
export interface Above {
  readonly path: string
  readonly matched: number
  /** Whether it is the folder that is searched, or lies below it. */
  readonly isInside: boolean
}

/** The folders that hits lie in, each read once for all of them. */
export class FoldersAbove {
  readonly #db: Db
  readonly #folder: number
  readonly #words: readonly string[]
  readonly #rows = new Map<number, Row>()
  readonly #known = new Map<number, Above | undefined>()

  /** @param folder the one that is searched. */
  constructor(db: Db, folder: number, words: readonly string[]) {
    this.#db = db
    this.#folder = folder
    this.#words = words
  }

  /** Reads folders and all above them, where they are not known yet: all of one step up at once. */
  async read(seqs: Iterable<number | null>): Promise<void> {
    let wanted: Iterable<number | null> = seqs
    for (;;) {
      const missing = [...new Set(wanted)].filter((seq) => seq !== null && !this.#rows.has(seq))
      if (missing.length === 0) return
      const found = await sql<Row>`
        SELECT e.seq, e.parent, e.segment
        FROM json_each(${JSON.stringify(missing)}) CROSS JOIN entries e ON e.seq = value`.execute(this.#db)
      for (const row of found.rows) this.#rows.set(row.seq, row)
      wanted = found.rows.map((row) => row.parent)
    }
  }

  /** A folder that was read; undefined where it, or one above it, was deleted. */
  of(seq: number | null): Above | undefined {
    if (seq === null) return undefined
    if (!this.#known.has(seq)) this.#known.set(seq, this.#look(seq))
    return this.#known.get(seq)
  }

  #look(seq: number): Above | undefined {
    const row = this.#rows.get(seq)
    if (!row || row.segment === null) return undefined
    if (row.segment === '') return { path: '', matched: 0, isInside: seq === this.#folder }
    const above = this.of(row.parent)
    if (!above) return undefined
    return {
      path: `${above.path}${row.segment}/`,
      matched: above.matched | matchedBy(wordsOf(row.segment), this.#words),
      isInside: above.isInside || seq === this.#folder,
    }
  }
}

/** Which of the words are the beginning of one of a name's, as bits. */
export function matchedBy(name: readonly string[], words: readonly string[]): number {
  let bits = 0
  for (let n = 0; n < words.length; n++) {
    const word = words[n] as string
    if (name.some((one) => one.startsWith(word))) bits |= 1 << n
  }
  return bits
}

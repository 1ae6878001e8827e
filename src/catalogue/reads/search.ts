import { sql } from 'kysely'
import type { SearchQuery } from '../../core/catalogue.ts'
import type { PathEntry } from '../../core/model.ts'
import { segmentsOf } from '../../core/paths.ts'
import { anyDetached, type Db, fileEntries, findFolderAt, pathOfE, rootSeq } from '../queries.ts'
import { type FolderRow, pathEntryOf } from '../rows.ts'
import { markOf } from '../words.ts'
import { FoldersAbove } from './search-folders.ts'
import { filesBelow, type Hit, hitsLimit, hitsOf, hitsOfAll, rowsOf, type WordHits } from './search-hits.ts'
import { best, wishFrom } from './search-rank.ts'

/** Words that are looked up; a file with these is then looked at for all others. */
const lookedUp = 6

/**
 * Files with every word of a text in their own names or in those of folders above. Where one of the words is at no more than
 * 10,000 files, counting those below folders that have it, nothing is missed. Where every word is at more, some 10,000 of them
 * are looked at: those with all words in their own names before others. A folder with no more files than that is looked
 * through whole. So a question takes no longer for more files.
 */
export async function search(db: Db, { accountId, folder: path, text, limit }: SearchQuery): Promise<PathEntry[]> {
  const wish = wishFrom(text)
  const folder = await findFolderAt(db, accountId, segmentsOf(path))
  if (!folder || wish.words.length === 0) return []
  const mark = markOf(await rootSeq(db, accountId))
  const terms = wish.words.slice(0, lookedUp).map((word) => mark + word)
  const hits = await candidates(db, folder, terms)
  const folders = new FoldersAbove(db, folder.seq, wish.words)
  const looksAbove = path !== '' || (await anyDetached(db))
  return entriesOf(db, await best(hits, wish, folders, { limit, looksAbove }), path)
}

/** Asked anew, path and all: what was moved or deleted meanwhile is not shown where it was. */
async function entriesOf(db: Db, seqs: readonly number[], folder: string): Promise<PathEntry[]> {
  const rows = await fileEntries(db)
    .select(pathOfE.as('path'))
    .where('e.seq', 'in', sql<number>`(SELECT value FROM json_each(${JSON.stringify(seqs)}))`)
    .execute()
  const found = new Map(rows.map((row) => [row.seq, row]))
  return seqs.flatMap((seq) => {
    const row = found.get(seq)
    return row?.path?.startsWith(folder) ? [pathEntryOf(row, row.path)] : []
  })
}

async function candidates(db: Db, folder: FolderRow, terms: readonly string[]): Promise<Hit[]> {
  const lists: WordHits[] = []
  for (const term of terms) {
    const list = await hitsOf(db, term)
    if (list.seqs.length === 0) return []
    lists.push(list)
  }
  const complete = lists.filter((list) => list.complete).sort((a, b) => a.seqs.length - b.seqs.length)
  let read = 0
  for (const { seqs } of complete) {
    read += seqs.length
    if (read > hitsLimit) break
    const all = await allOf(db, await rowsOf(db, seqs))
    if (all) return all
  }
  if (folder.files_below <= hitsLimit) return filesBelow(db, [folder.seq], hitsLimit)
  if (folder.segment === '') return someOf(db, terms, lists, hitsLimit)
  const half = hitsLimit / 2
  return once([...(await someOf(db, terms, lists, half)), ...(await filesBelow(db, [folder.seq], half))])
}

/** The files among hits, and those below the folders among them; undefined where these are too many. */
async function allOf(db: Db, rows: readonly Hit[]): Promise<Hit[] | undefined> {
  const { files, folders, below } = parted(rows)
  if (files.length + below > hitsLimit) return undefined
  return once([...files, ...(await filesBelow(db, folders, hitsLimit))])
}

/** As many as are ranked: those that have all words in their own names, then an equal share of each word's. */
async function someOf(db: Db, terms: readonly string[], lists: readonly WordHits[], limit: number): Promise<Hit[]> {
  const seqs = new Set(terms.length > 1 ? await hitsOfAll(db, terms, limit) : [])
  const share = Math.ceil((limit - seqs.size) / lists.length)
  for (const list of lists) for (const seq of list.seqs.slice(0, share)) seqs.add(seq)
  const { files, folders } = parted(await rowsOf(db, [...seqs]))
  const above = folders.slice(0, limit / 2)
  return once([...files, ...(await filesBelow(db, above, limit - files.length - above.length))])
}

function parted(rows: readonly Hit[]) {
  const folders = rows.filter((row) => row.is_file === 0)
  const below = folders.reduce((sum, row) => sum + row.files_below, 0)
  return { files: rows.filter((row) => row.is_file === 1), folders: folders.map((row) => row.seq), below }
}

const once = (hits: readonly Hit[]): Hit[] => [...new Map(hits.map((hit) => [hit.seq, hit])).values()]

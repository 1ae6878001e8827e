import { splitExtension } from '../../core/names.ts'
import { wordsOf } from '../words.ts'
import { type FoldersAbove, matchedBy } from './search-folders.ts'
import type { Hit } from './search-hits.ts'

/** What is looked for: words of which none begins another, and the whole text as a name would have it. */
export interface Wish {
  readonly words: readonly string[]
  readonly whole: string
}

/** Fits in one number's bits; nobody asks for as many. */
const wordsLimit = 30

/** What a text asks for. Of very many words the longest count. */
export function wishFrom(text: string): Wish {
  const said = wordsOf(text)
  const words = [...new Set(said)].filter(
    (word, _, all) => !all.some((other) => other !== word && other.startsWith(word)),
  )
  words.sort((a, b) => b.length - a.length)
  return { words: words.slice(0, wordsLimit), whole: said.join(' ') }
}

interface Ranked {
  readonly hit: Hit
  /** Smaller is better. */
  readonly rank: number
}

/**
 * The best files, best first: those of this very name (with or without its extension), those whose name begins so, those with
 * all words in their names, and then those with some of them in their folders'. Among these, words that are there as they
 * were said come before beginnings of words, short names before long ones, and then paths are in order.
 */
export async function best(
  hits: readonly Hit[],
  wish: Wish,
  folders: FoldersAbove,
  { limit, looksAbove }: { limit: number; looksAbove: boolean },
): Promise<number[]> {
  const all = 2 ** wish.words.length - 1
  const own = hits.map((hit) => look(hit, wish))
  await folders.read(hits.filter((_, n) => looksAbove || own[n]?.matched !== all).map((hit) => hit.parent))
  const ranked: Ranked[] = []
  for (const [n, hit] of hits.entries()) {
    const { matched, rank } = own[n] as Look
    const above = looksAbove || matched !== all ? folders.of(hit.parent) : undefined
    const isFound = above ? above.isInside && (above.matched | matched) === all : !looksAbove && matched === all
    if (isFound) ranked.push({ hit, rank })
  }
  const first = upTo(ranked, limit)
  await folders.read(first.map(({ hit }) => hit.parent))
  const placed = first.map(({ hit, rank }) => ({ hit, rank, path: `${folders.of(hit.parent)?.path}${hit.segment}` }))
  return firstOf(placed, limit).map(({ hit }) => hit.seq)
}

type Placed = Ranked & { readonly path: string }

const isBefore = (a: Placed, b: Placed): boolean => a.rank < b.rank || (a.rank === b.rank && a.path < b.path)

/** The first few in order, without putting all the others in order too. */
function firstOf(placed: readonly Placed[], limit: number): Placed[] {
  const first: Placed[] = []
  for (const one of placed) {
    const last = first.at(-1)
    if (first.length === limit && last && !isBefore(one, last)) continue
    const place = first.findLastIndex((other) => isBefore(other, one)) + 1
    first.splice(place, 0, one)
    if (first.length > limit) first.pop()
  }
  return first
}

/** All that are no worse than the one at the limit: only these need to be put in order. */
function upTo(ranked: readonly Ranked[], limit: number): readonly Ranked[] {
  if (ranked.length <= limit) return ranked
  const ranks = Float64Array.from(ranked, ({ rank }) => rank).sort()
  const worst = ranks[limit - 1] ?? Number.POSITIVE_INFINITY
  return ranked.filter(({ rank }) => rank <= worst)
}

interface Look {
  readonly matched: number
  readonly rank: number
}

function look({ segment, name }: Hit, wish: Wish): Look {
  const ofSegment = lookAt(segment ?? '', wish)
  if (name === null) return ofSegment
  const ofName = lookAt(name, wish)
  // Words may stand in the one or in the other; what they are worth is said by the better one.
  return { matched: ofSegment.matched | ofName.matched, rank: Math.min(ofSegment.rank, ofName.rank) }
}

function lookAt(name: string, { words, whole }: Wish): Look {
  const said = wordsOf(name)
  const matched = matchedBy(said, words)
  const beginnings = words.reduce((count, word) => count + (said.includes(word) ? 0 : 1), 0)
  const isWhole = matched === 2 ** words.length - 1
  const level = isWhole ? levelOf(name, said.join(' '), whole) : 3
  return { matched, rank: (level * 64 + beginnings) * 4_096 + name.length }
}

function levelOf(name: string, said: string, whole: string): number {
  if (!said.startsWith(whole)) return 2
  if (said === whole) return 0
  const { stem, extension } = splitExtension(name)
  // Of most names far more is left than an extension: these need no second look.
  const mayBeStem = said.length - whole.length <= 4 * extension.length
  return mayBeStem && wordsOf(stem).join(' ') === whole ? 0 : 1
}

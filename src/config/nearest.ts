import { type Entry, entries } from './table.ts'

/** The fewest letters to add, drop or change to make one word of the other (Levenshtein). */
export function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= other.length; column++) {
      const changed = (row[column - 1] ?? 0) + (letter === other[column - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}

/** Whichever of the words is nearest to the one written. */
export function nearestWord(written: string, words: readonly string[]): string {
  return closest(words, (word) => distance(written, word))
}

/** The key that a misspelt `section.key`, bare `key` or `LARDER_…` variable was most likely meant to be. */
export function nearestEntry(written: string): Entry {
  const plain = normalised(written.replace(/^LARDER_/, ''))
  return closest(entries, (entry) => entryDistance(plain, entry))
}

/** A right key in a wrong section, or in none, is nearer than any misspelling of two letters. */
function entryDistance(plain: string, entry: Entry): number {
  const key = entry.key ?? entry.section
  const misplaced = plain === key || plain.endsWith(`_${key}`) ? 1 : Number.POSITIVE_INFINITY
  return Math.min(distance(plain, normalised(entry.name)), distance(plain, key) + 1, misplaced)
}

function normalised(name: string): string {
  return name.toLowerCase().replaceAll(/[.-]/g, '_')
}

function closest<T>(candidates: readonly T[], measure: (candidate: T) => number): T {
  return candidates.reduce((best, candidate) => (measure(candidate) < measure(best) ? candidate : best))
}

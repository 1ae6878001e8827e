/** Marks that stand on letters: they go, so that `Crème` is found by `creme`. */
const marks = /\p{M}+/gu
const word = /[\p{L}\p{N}\p{Co}]+/gu
const plain = /^[\0-\x7f]*$/
const plainWord = /[a-z0-9]+/g

function fold(text: string): string {
  const bare = text.normalize('NFKD').replace(marks, '').toLowerCase()
  // Lower case may decompose once more, and has two letters for one sigma.
  return bare.normalize('NFKD').replace(marks, '').replaceAll('ς', 'σ')
}

/** The words of a text in the one form in which they are kept and looked for: case and accents folded, in their order. */
export function wordsOf(text: string): string[] {
  const found = plain.test(text) ? text.toLowerCase().match(plainWord) : fold(text).match(word)
  return found ?? []
}

/**
 * What stands before every word of an account in the index, by the number of its root. No mark begins another: the first
 * character says how long the rest is.
 */
export function markOf(rootSeq: number): string {
  const number = rootSeq.toString(36)
  return number.length.toString(36) + number
}

/** An entry's words as the index takes them, those of its segment and of the name that is shown for it, each once. */
export function indexedWords(mark: string, segment: string, name: string): string {
  const words = new Set(wordsOf(segment === name ? segment : `${segment} ${name}`))
  return Array.from(words, (one) => mark + one).join(' ')
}

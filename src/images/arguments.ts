/** What the server allows, as far as an argument's bounds depend on it. */
export interface Limits {
  readonly maxSide: number
}

/** How one option's text is read. */
export interface Argument<Value> {
  /** What is allowed, in words that fit behind "must be". */
  bounds(limits: Limits): string
  /** The value, or undefined where the text is not allowed. */
  read(text: string, limits: Limits): Value | undefined
}

/** A whole number in decimal digits; `most` may be a number or one of the limits. */
export function whole(least: number, most: number | keyof Limits): Argument<number> {
  const top = (limits: Limits) => (typeof most === 'number' ? most : limits[most])
  return {
    bounds: (limits) => `a whole number from ${least} to ${top(limits)}`,
    read(text, limits) {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
      return value >= least && value <= top(limits) ? value : undefined
    },
  }
}

/** One of some words, in any case; `synonyms` maps further spellings to them. */
export function word<const Word extends string>(
  words: readonly Word[],
  synonyms: Readonly<Record<string, Word>> = {},
): Argument<Word> {
  const known = new Map<string, Word>([...words.map((each) => [each, each] as const), ...Object.entries(synonyms)])
  return {
    bounds: () => `one of ${words.join(', ')}`,
    read: (text) => known.get(text.toLowerCase()),
  }
}

import { invalid } from './failure.ts'

export const tagLimits = { count: 50, characters: 64 } as const
export const descriptionLimitCharacters = 4_096

/** Tags trimmed, without empty ones and repeats. @throws Failure `invalid` for too many or too long ones. */
export function tagsFrom(sent: readonly string[]): string[] {
  const tags = [...new Set(sent.map((tag) => tag.toWellFormed().trim()).filter((tag) => tag !== ''))]
  if (tags.length > tagLimits.count) throw invalid('tags', `there are at most ${tagLimits.count} tags`)
  if (tags.some((tag) => [...tag].length > tagLimits.characters)) {
    throw invalid('tags', `a tag has at most ${tagLimits.characters} characters`)
  }
  return tags
}

/** @throws Failure `invalid` for too long a text. */
export function descriptionFrom(sent: string): string {
  const description = sent.toWellFormed()
  if ([...description].length > descriptionLimitCharacters) {
    throw invalid('description', `a description has at most ${descriptionLimitCharacters} characters`)
  }
  return description
}

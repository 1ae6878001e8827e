export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** The longest start of `text` that fits in `limit` bytes of UTF-8, never cutting a character in two. */
export function cutToBytes(text: string, limit: number): string {
  if (byteLength(text) <= limit) return text
  let used = 0
  let end = 0
  for (const character of text) {
    used += byteLength(character)
    if (used > limit) break
    end += character.length
  }
  return text.slice(0, end)
}

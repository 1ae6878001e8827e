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

/** A whole number with commas between its thousands: `1,024`. (The first `toLocaleString` of a process loads tables for 25 ms.) */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** Moments as English dates in UTC, of the parts asked for. What formats them is made when it is first used: it takes as long. */
export function datesInUtc(parts: Intl.DateTimeFormatOptions): (at: number) => string {
  let format: Intl.DateTimeFormat | undefined
  return (at) => {
    format ??= new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...parts })
    return format.format(at)
  }
}

/** A text as a POSIX shell takes it for one word, quoted only where it must be: for commands that a person is told to paste. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

const units = ['KB', 'MB', 'GB', 'TB', 'PB']

/** Binary sizes under their everyday names: `940 bytes`, `1 MB`, `2.3 MB`. */
export function sizeInWords(bytes: number): string {
  if (bytes < 1_000) return counted(bytes, 'byte')
  let value = bytes / 1_024
  let unit = 0
  // 999.7 KB would read "1000 KB": what rounds up to the next unit is told in it.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_024
    unit++
  }
  return `${value.toFixed(value < 99.95 ? 1 : 0).replace(/\.0$/, '')} ${units[unit]}`
}

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

const timeFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'medium', timeStyle: 'short' })

/** `21 Nov 2026, 10:32`, in UTC: the server cannot know its reader's time zone. */
export const timeInWords = (at: number): string => timeFormat.format(at)

/** A sentence made of the core's half sentences. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}

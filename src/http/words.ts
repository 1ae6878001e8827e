import { datesInUtc, grouped } from '../core/text.ts'

const units = ['KB', 'MB', 'GB', 'TB', 'PB']

/** Binary sizes under their everyday names, as people say them: `940 bytes`, `1 MB`, `2.3 MB`. (AetherCDN's contract has a form of its own.) */
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
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `40 seconds`, `3 minutes`; never less than it is. */
export function durationInWords(seconds: number): string {
  return seconds <= 90 ? counted(seconds, 'second') : counted(Math.ceil(seconds / 60), 'minute')
}

/** `21 Nov 2026`, in UTC: the server cannot know its reader's time zone, and its own would be a guess that looks like knowledge. */
export const dayInWords = datesInUtc({ dateStyle: 'medium' })

/** `21 Nov 2026, 10:32`, in UTC. */
export const timeInWords = datesInUtc({ dateStyle: 'medium', timeStyle: 'short' })

/** A sentence made of the core's half sentences. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}

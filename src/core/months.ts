let lastMonth = { day: Number.NaN, text: '' }

/** A calendar month in UTC: `2026-11`. Asked for with every file that is sent, so the day's answer is kept. */
export function monthOf(time: number): string {
  const day = Math.floor(time / 86_400_000)
  if (lastMonth.day !== day) lastMonth = { day, text: new Date(time).toISOString().slice(0, 7) }
  return lastMonth.text
}

/** The first and the last second of a calendar month, in UTC. */
export function boundsOfMonth(time: number): { start: number; end: number } {
  const date = new Date(time)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) - 1_000 }
}

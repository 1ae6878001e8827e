import { type DestinationStream, destination, type Logger, pino } from 'pino'

/** pino's names for what a line in text shows first; the rest follows as `name=value`. */
interface Line {
  readonly level: number
  readonly time: number
  readonly msg?: string
  readonly [name: string]: unknown
}

export interface LogOptions {
  readonly level: string
  readonly format: 'json' | 'text'
  /** Where lines go; standard output where absent. */
  readonly sink?: DestinationStream
}

/**
 * The log. Lines are gathered for a moment and written together (what a crash loses of them is the last few), and are
 * flushed when the process ends in order.
 */
export function openLog(options: LogOptions): Logger {
  const out = options.sink ?? destination({ fd: 1, sync: false, minLength: 4_096, periodicFlush: 200 })
  const sink = options.format === 'text' ? asText(out) : out
  return pino({ level: options.level, base: null, timestamp: true }, sink)
}

function asText(out: DestinationStream): DestinationStream {
  return { write: (json: string) => out.write(`${textLine(JSON.parse(json) as Line)}\n`) }
}

function textLine({ level, time, msg, ...rest }: Line): string {
  const name = pino.levels.labels[level]?.toUpperCase() ?? String(level)
  const facts = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  return [new Date(time).toISOString(), name.padEnd(5), msg, ...facts].filter(Boolean).join(' ')
}

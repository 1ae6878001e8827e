import { type DestinationStream, type Logger, pino } from 'pino'
import { LogLines } from './log-lines.ts'

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

/** The log: see `LogLines` for how lines get out. */
export function openLog(options: LogOptions): Logger {
  const out = options.sink ?? new LogLines(1)
  const sink = options.format === 'text' ? asText(out) : out
  return pino({ level: options.level, base: null, timestamp: true }, sink)
}

function asText(out: DestinationStream): DestinationStream {
  const { flush } = out as Partial<LogLines>
  const write = (json: string): void => void out.write(`${textLine(JSON.parse(json) as Line)}\n`)
  return Object.assign({ write }, flush && { flush: flush.bind(out) })
}

function textLine({ level, time, msg, ...rest }: Line): string {
  const name = pino.levels.labels[level]?.toUpperCase() ?? String(level)
  const facts = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  return [new Date(time).toISOString(), name.padEnd(5), msg, ...facts].filter(Boolean).join(' ')
}

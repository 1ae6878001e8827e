import { type Kind, scalar } from './kind.ts'

/** At most `count` times in any `perMs` milliseconds. */
export interface Rate {
  readonly count: number
  readonly perMs: number
}

interface Bounds<B> {
  readonly min?: B
  readonly max?: B
}

type Units = readonly (readonly [name: string, factor: number])[]

// Largest first: the first that divides a value is the one it is written in.
const sizeUnits: Units = [
  ['TiB', 1024 ** 4],
  ['TB', 1000 ** 4],
  ['GiB', 1024 ** 3],
  ['GB', 1000 ** 3],
  ['MiB', 1024 ** 2],
  ['MB', 1000 ** 2],
  ['KiB', 1024],
  ['kB', 1000],
]
const durationUnits: Units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** `1.5 GiB` by the units given, rounded to a whole number; undefined where it is none or too large to count exactly. */
function measured(text: string, units: Units): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text)
  const unit = match?.[2]?.toLowerCase()
  const factor = units.find(([name]) => name.toLowerCase() === unit)?.[1]
  if (factor === undefined) return undefined
  const amount = Number(match?.[1])
  const value = Math.round(amount * factor)
  // Half a byte or half a millisecond is a slip of the pen, not something to round.
  if (factor === 1 && !Number.isInteger(amount)) return undefined
  return Number.isSafeInteger(value) ? value : undefined
}

function readSize(text: string): number | undefined {
  return measured(text, [...sizeUnits, ['B', 1], ['', 1]])
}

function writeSize(bytes: number): string {
  const unit = sizeUnits.find(([, factor]) => bytes >= factor && bytes % factor === 0)
  return unit === undefined ? String(bytes) : `${bytes / unit[1]} ${unit[0]}`
}

/** Milliseconds of a text such as `30d`; undefined where it is none. Also what the command line takes. */
export function readDuration(text: string): number | undefined {
  return text === '0' ? 0 : measured(text, durationUnits)
}

function writeDuration(ms: number): string {
  const [name, factor] = durationUnits.find(([, factor]) => ms >= factor && ms % factor === 0) ?? ['s', 1000]
  return `${ms / factor}${name}`
}

function readInteger(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : undefined
  return Number.isSafeInteger(value) ? value : undefined
}

function within(value: number | undefined, { min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds<number>) {
  return value !== undefined && value >= min && value <= max ? value : undefined
}

function boundsText({ min, max }: Bounds<string | number>): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` of at least ${min}`
  return max === undefined ? '' : ` of at most ${max}`
}

/** The bounds of a table row, which are written as values of the kind itself; a bound that is none is our own mistake. */
function parsedBounds(bounds: Bounds<string>, read: (text: string) => number | undefined): Bounds<number> {
  const bound = (text: string) => {
    const value = read(text)
    if (value === undefined) throw new TypeError(`no such bound: ${text}`)
    return value
  }
  const { min, max } = bounds
  return { ...(min !== undefined && { min: bound(min) }), ...(max !== undefined && { max: bound(max) }) }
}

/** Bytes. Unit text such as `bytes a second` is for the documentation. */
export function size(options: Bounds<string> & { example?: string; unit?: string } = {}): Kind<number> {
  const { example = '5 GiB', unit = 'bytes' } = options
  const bounds = parsedBounds(options, readSize)
  return scalar({
    name: 'size',
    form: `a size${boundsText(options)}${unit === 'bytes' ? '' : ` in ${unit}`}`,
    example,
    sentence:
      'A number with `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024) or `kB`, `MB`, `GB`, `TB` (powers of 1000); a bare number counts bytes.',
    bareNumbers: true,
    read: (text) => within(readSize(text), bounds),
    write: writeSize,
  })
}

/** Milliseconds. */
export function duration(options: Bounds<string> & { example?: string } = {}): Kind<number> {
  const { example = '30s' } = options
  const bounds = parsedBounds(options, readDuration)
  return scalar({
    name: 'duration',
    form: `a duration${boundsText(options)}`,
    example,
    sentence: 'A number with `ms`, `s`, `m` (minutes), `h` or `d`; only `0` may go without a unit.',
    bareNumbers: true,
    read: (text) => within(readDuration(text), bounds),
    write: writeDuration,
  })
}

/** A whole number. Unit text such as `pixels` is for the documentation. */
export function integer(options: Bounds<number> & { example?: string; unit?: string } = {}): Kind<number> {
  const { example = '100', unit } = options
  return scalar({
    name: 'number',
    form: `a whole number${boundsText(options)}${unit === undefined ? '' : ` (${unit})`}`,
    example,
    sentence: 'A whole number, digits only.',
    bareNumbers: true,
    read: (text) => within(readInteger(text), options),
    write: String,
  })
}

/** So many in a span of time. Wrap it in `optional(…, 'off')` where it may be switched off. */
export function rate(): Kind<Rate> {
  return scalar({
    name: 'rate',
    form: 'a rate',
    example: '10/1m',
    sentence: 'A count and a duration: `10/1m` allows ten in a minute, over at most 24 days; `off` sets no limit.',
    read: (text) => {
      const [, times = '', span = ''] = /^(\d+) ?\/ ?(.+)$/.exec(text) ?? []
      const count = readInteger(times)
      const perMs = readDuration(span)
      // A timer of Node's that is set for more than 24.8 days fires at once, and every request would be the first.
      return count && perMs && perMs <= 24 * 86_400_000 ? { count, perMs } : undefined
    },
    write: ({ count, perMs }) => `${count}/${writeDuration(perMs)}`,
  })
}

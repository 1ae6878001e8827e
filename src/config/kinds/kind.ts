import { stringify } from 'smol-toml'

/** What became of a value: accepted, or refused with the part of it that is wrong. */
export type Reading<T> = { readonly ok: true; readonly value: T } | Refusal

export interface Refusal {
  readonly ok: false
  /** Undefined where no value is wrong, but a name. */
  readonly refused: unknown
  /** Where in the value the part stands, and what it should be; absent where the kind's own form says it. */
  readonly where?: { readonly at: string; readonly expected: string }
}

/** How values of one sort are written, read and explained. `T` is what the program gets. */
export interface Kind<T> {
  /** What is taken, bounds and unit included, to stand after "expected". */
  readonly form: string
  /** A good value, as text. */
  readonly example?: string
  /** Name and sentence of this kind and of those it is made from, for the documentation. */
  readonly explained: readonly (readonly [name: string, sentence: string])[]
  /** True where no message, print or log may show the value. */
  readonly secret?: boolean
  /** Reads a flag or an environment variable. */
  fromText(text: string): Reading<T>
  /** Reads a value of a parsed TOML file. */
  fromToml(raw: unknown): Reading<T>
  /** The value as one would write it in a flag. Secrets come out masked. */
  toText(value: T): string
  /** The value as one would write it in a TOML file. Secrets come out masked. */
  toToml(value: T): string
  /** Present where a value may be relative to a folder: makes it absolute. */
  within?(value: T, folder: string): T
}

export function accepted<T>(value: T): Reading<T> {
  return { ok: true, value }
}

export function refused(part: unknown, where?: Refusal['where']): Refusal {
  return { ok: false, refused: part, ...(where && { where }) }
}

/** A string or a list of strings as TOML. */
export function literal(value: string | readonly string[]): string {
  return stringify({ v: value }).trim().slice('v = '.length)
}

/** Whether a parsed TOML value is a table (and no list, no date). */
export function isTable(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Date)
}

export interface Scalar<T> {
  /** The word the documentation has for it: `size`, `content type`. */
  readonly name: string
  readonly form: string
  readonly example?: string
  readonly sentence: string
  /** Whether a file may give it as a bare number. */
  readonly bareNumbers?: boolean
  /** The value, or undefined where the text is none. */
  read(text: string): T | undefined
  write(value: T): string
}

/** A kind whose values are one piece of text, or one number. */
export function scalar<T>(rules: Scalar<T>): Kind<T> {
  const { form, bareNumbers = false } = rules
  const reading = (text: string, raw: unknown): Reading<T> => {
    const value = rules.read(text.trim())
    return value === undefined ? refused(raw) : accepted(value)
  }
  const takes = (raw: unknown) => typeof raw === 'string' || (bareNumbers && typeof raw === 'number')
  return {
    form,
    ...(rules.example === undefined ? {} : { example: rules.example }),
    explained: [[rules.name, rules.sentence]],
    fromText: (text) => reading(text, text),
    fromToml: (raw) => (takes(raw) ? reading(String(raw), raw) : refused(raw)),
    toText: rules.write,
    toToml: (value) => bareOrQuoted(rules.write(value), bareNumbers),
  }
}

function bareOrQuoted(text: string, bareNumbers: boolean): string {
  return bareNumbers && /^\d+$/.test(text) ? text : literal(text)
}

import { type Kind, literal, type Refusal } from './kinds/kind.ts'
import { mask } from './kinds/secret.ts'
import { nearestEntry } from './nearest.ts'

/** Where a value came from. */
export type Source =
  | { readonly from: 'flag' }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string; readonly line?: number; readonly column?: number }
  | { readonly from: 'default' }

/** One thing that is wrong with what was configured. */
export interface Fault {
  /** `section.key`, or what was written where it names none. */
  readonly key: string
  /** As it was given, shortened, secrets masked; absent where the value is not what is wrong. */
  readonly value?: string
  readonly expected: string
  readonly source: Source
}

/** Everything that is wrong, in one error whose message is fit for the terminal. */
export class ConfigError extends Error {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
    super([`The configuration has ${count}:`, ...faults.map(faultText)].join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

function faultText({ key, value, expected, source }: Fault): string {
  const given = value === undefined ? key : `${key} = ${value}`
  return `  ${given}\n    expected: ${expected}\n    found in: ${sourceText(source)}`
}

/** `environment variable LARDER_SERVER_PORT`, `/etc/larder/config.toml line 3`. */
export function sourceText(source: Source): string {
  switch (source.from) {
    case 'flag':
      return 'command line'
    case 'environment':
      return `environment variable ${source.variable}`
    case 'file':
      return placeText(source)
    case 'default':
      return 'default'
  }
}

function placeText({ path, line, column }: Source & { from: 'file' }): string {
  // A path may hold a line break, which would end the comment it is printed in.
  const shown = path.replace(/\p{Cc}/gu, '?')
  return `${shown}${line === undefined ? '' : ` line ${line}`}${column === undefined ? '' : ` column ${column}`}`
}

/** A value that its kind refused; `part` is what is wrong of it, which `where` names if it is not the whole. */
export function badValue(
  key: string,
  kind: Kind<unknown>,
  part: unknown,
  source: Source,
  where?: Refusal['where'],
): Fault {
  const value = kind.secret ? mask : shown(part)
  if (where === undefined) return { key, value, expected: `${kind.form}${exampleText(kind, source)}`, source }
  return { key: `${key}.${where.at}`, ...(part !== undefined && { value }), expected: where.expected, source }
}

/** A key nobody knows. Its value is not shown: it may be a secret whose key is misspelt. */
export function unknownKey(
  key: string,
  source: Source,
  written: (nearest: { name: string; variable: string }) => string,
) {
  return { key, expected: `a known name; the nearest is ${written(nearestEntry(key))}`, source } satisfies Fault
}

/** The example in the form the reader would have to write it where the fault stands. */
function exampleText(kind: Kind<unknown>, source: Source): string {
  const { example } = kind
  if (example === undefined) return ''
  return `, such as ${source.from === 'file' ? exampleToml(kind, example) : example}`
}

function exampleToml(kind: Kind<unknown>, example: string): string {
  // The kind would mask its own example.
  if (kind.secret) return literal(example)
  const reading = kind.fromText(example)
  const toml = reading.ok ? kind.toToml(reading.value) : example
  return toml.includes('\n') ? example : toml
}

/** A value for a message, without the password that a URL may carry. */
function shown(value: unknown): string {
  const text = typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : String(value)
  const safe = text.replace(/\/\/\S*@/g, `//${mask}@`)
  return safe.length <= 100 ? safe : `${safe.slice(0, 99)}…`
}

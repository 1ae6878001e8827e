import { sourceText } from './faults.ts'
import type { LoadedConfig } from './load.ts'
import { type Entry, sections } from './table.ts'

/**
 * The configuration as it stands, as TOML that loads to the same values, each with where it came from. Secrets are
 * masked, and the mask is refused when it is loaded.
 */
export function printConfig({ config, sources, file }: LoadedConfig): string {
  const heading = `# The configuration in force; file: ${file === undefined ? 'none' : sourceText({ from: 'file', path: file })}`
  const parts = sections.map(({ name, entries }) => {
    const lines = entries.map((entry) => {
      const value = entry.key === undefined ? config[name] : (config[name] as Record<string, unknown>)[entry.key]
      return assignment(entry, value, `  # ${sourceText(sources[entry.name])}`)
    })
    return [`[${name}]`, ...lines.filter((line) => line !== '')].join('\n')
  })
  return `${[heading, ...parts].join('\n\n')}\n`
}

/** `key = value` and a comment, or where the whole section is one value its lines with a comment each. */
export function assignment(entry: Entry, value: unknown, comment = ''): string {
  const toml = entry.kind.toToml(value)
  if (entry.key !== undefined) return `${entry.key} = ${toml}${comment}`
  return toml.replace(/(?<=.)$/gm, () => comment)
}

/** The default of a row, read. A default that its own kind refuses is our mistake. */
export function defaultOf({ kind, default: text, name }: Entry): unknown {
  const reading = kind.fromText(text)
  if (!reading.ok) throw new TypeError(`the default of ${name} is not ${kind.form}`)
  return reading.value
}

import { crossFaults } from './checks.ts'
import { badValue, ConfigError, type Fault, type Source } from './faults.ts'
import { fileLayer } from './file.ts'
import { environmentLayer, flagLayer, type Given, type Layer, textGiven, tomlGiven } from './layers.ts'
import { type Config, type Entry, entries, type KeyName } from './table.ts'

/** Where each value came from, by `section.key`. */
export type Sources = Readonly<Record<KeyName, Source>>

export interface ConfigInput {
  /** What the command line says: `section.key` -> text. */
  readonly flags?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The file named by `--config`. */
  readonly configPath?: string | undefined
  /** The working folder; the process's own where absent. */
  readonly cwd?: string
}

export interface LoadedConfig {
  readonly config: Config
  readonly sources: Sources
  /** The file that was read, absolute. */
  readonly file?: string
}

/** What a test may put in place of a default: a text as in a flag, or a value as in a parsed file. */
export type Overrides = {
  readonly [N in KeyName]?:
    | string
    | number
    | readonly string[]
    | Readonly<Record<string, string | Readonly<Record<string, string | number>>>>
}

/**
 * Reads the configuration: flag before environment before file before default. Values that are overridden are checked
 * all the same. Throws one ConfigError that lists everything wrong in any of these places.
 */
export function loadConfig({ flags = {}, env = {}, configPath, cwd = workingFolder() }: ConfigInput): LoadedConfig {
  const file = fileLayer(configPath, env, cwd)
  const loaded = settle([flagLayer(flags, cwd), environmentLayer(env, cwd), file], cwd)
  return file.path === undefined ? loaded : { ...loaded, file: file.path }
}

/** Where that was removed meanwhile, a name for it in which nothing is found, and nothing can be made. */
function workingFolder(): string {
  try {
    return process.cwd()
  } catch {
    return '/proc/self/cwd'
  }
}

/** The defaults alone, whatever environment and files say. */
export function defaultConfig(): Config {
  return configWith({})
}

/**
 * The defaults with some values replaced, for tests: `configWith({ 'data.dir': folder, 'server.port': 0, 'gc.grace':
 * '2s' })`. Throws a ConfigError like `loadConfig`.
 */
export function configWith(overrides: Overrides): Config {
  const cwd = process.cwd()
  const source: Source = { from: 'flag' }
  const given = new Map<string, Given>()
  for (const [name, raw] of Object.entries(overrides)) {
    given.set(name, typeof raw === 'string' ? textGiven(raw, source, cwd) : tomlGiven(raw, source, cwd))
  }
  return settle([{ given, faults: [] }], cwd).config
}

/** The first layer that says something about a key wins; nothing is used before everything has been checked. */
function settle(layers: readonly Layer[], cwd: string): LoadedConfig {
  const faults = layers.flatMap((layer) => layer.faults)
  const chosen = entries.map((entry) => ({ entry, ...choose(entry, layers, cwd, faults) }))
  const sources = Object.fromEntries(chosen.map(({ entry, source }) => [entry.name, source])) as Sources
  if (faults.length > 0) throw new ConfigError(faults)
  const config = assemble(chosen)
  const crossed = crossFaults(config, sources)
  if (crossed.length > 0) throw new ConfigError(crossed)
  return { config, sources }
}

interface Chosen {
  readonly value: unknown
  readonly source: Source
}

function choose(entry: Entry, layers: readonly Layer[], cwd: string, faults: Fault[]): Chosen {
  const fallback = textGiven(entry.default, { from: 'default' }, cwd)
  const found = [...layers.flatMap((layer) => layer.given.get(entry.name) ?? []), fallback]
  const [first] = found.flatMap(({ source, folder, placeOf, read }) => {
    const reading = read(entry.kind)
    if (!reading.ok) {
      const { refused, where } = reading
      faults.push(badValue(entry.name, entry.kind, refused, where ? placeOf(where.at) : source, where))
      return []
    }
    return [{ source, value: entry.kind.within?.(reading.value, folder) ?? reading.value }]
  })
  // Nothing was read only where even the default is refused, and then there is a fault to say so.
  return first ?? { source: { from: 'default' }, value: undefined }
}

function assemble(chosen: readonly (Chosen & { readonly entry: Entry })[]): Config {
  const config: Record<string, unknown> = {}
  for (const { entry, value } of chosen) {
    if (entry.key === undefined) config[entry.section] = value
    else config[entry.section] = { ...(config[entry.section] as object | undefined), [entry.key]: value }
  }
  return config as unknown as Config
}

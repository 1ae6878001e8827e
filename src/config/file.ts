import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { type Fault, type Source, unknownKey } from './faults.ts'
import { isTable } from './kinds/kind.ts'
import { type Given, type Layer, tomlGiven } from './layers.ts'
import { nearestWord } from './nearest.ts'
import { entries, sections } from './table.ts'

export interface FileLayer extends Layer {
  /** Absolute; absent where no file was read. */
  readonly path?: string
}

/** Which file to read, and whether somebody asked for it by name. */
interface Wanted {
  readonly path: string
  readonly key: string
  readonly source?: Source
}

const nothing: FileLayer = { given: new Map(), faults: [] }

/**
 * What the configuration file says: the one the flag names, else the one `LARDER_CONFIG` names, else `config.toml` in
 * the working folder if there is one. A file that was named and cannot be read is a fault; so is one that is no TOML.
 */
export function fileLayer(
  configPath: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): FileLayer {
  const wanted = wantedFile(configPath, env)
  const path = resolve(cwd, wanted.path)
  const text = readText(path, wanted)
  if (typeof text !== 'string') return text
  const { document, fault } = parsed(text, path)
  return fault ? { path, given: new Map(), faults: [fault] } : { path, ...contents(document, text, path) }
}

function wantedFile(configPath: string | undefined, env: Readonly<Record<string, string | undefined>>): Wanted {
  if (configPath !== undefined) return { path: configPath, key: '--config', source: { from: 'flag' } }
  const variable = 'LARDER_CONFIG'
  const path = env[variable]
  return path
    ? { path, key: variable, source: { from: 'environment', variable } }
    : { path: 'config.toml', key: 'config' }
}

function readText(path: string, { key, source }: Wanted): string | FileLayer {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    if (source === undefined && (code === 'ENOENT' || !canBeSeen(path))) return nothing
    const expected = `a file that can be read (${code})`
    return { ...nothing, faults: [{ key, value: path, expected, source: source ?? { from: 'file', path } }] }
  }
}

/** In a working folder that this user may not look into (somebody else's home), there is no configuration for this user. */
function canBeSeen(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch {
    return false
  }
}

type Parsed = { readonly document: Readonly<Record<string, unknown>>; readonly fault?: Fault }

function parsed(text: string, path: string): Parsed {
  try {
    return { document: parse(text) }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Its further lines quote the file, which may hold secrets.
    const [reason = ''] = error.message.split('\n')
    const expected = `TOML, in which texts, sizes and durations stand in quotes (${reason.replace(/^.*?: /, '')})`
    const source: Source = { from: 'file', path, line: error.line, column: error.column }
    return { document: {}, fault: { key: 'syntax', expected, source } }
  }
}

function contents(document: Readonly<Record<string, unknown>>, text: string, path: string): Layer {
  const lines = keyLines(text)
  const place = (name: string): Source => {
    const line = lineOf(name, lines)
    return { from: 'file', path, ...(line !== undefined && { line }) }
  }
  const given = new Map<string, Given>()
  const faults: Fault[] = []
  for (const [name, raw] of flattened(document)) {
    const placeOf = (part: string) => place(`${name}.${part}`)
    if (entries.some((entry) => entry.name === name))
      given.set(name, tomlGiven(raw, place(name), dirname(path), placeOf))
    else faults.push(strange(name, raw, place(name)))
  }
  return { given, faults }
}

/** The line of the name, or of what it stands in. */
function lineOf(name: string, lines: ReadonlyMap<string, number>): number | undefined {
  return lines.get(name) ?? (name.includes('.') ? lineOf(name.slice(0, name.lastIndexOf('.')), lines) : undefined)
}

/** `section.key` and value; what is in no section, or in one nobody knows, under the name it has. */
function flattened(document: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(document).flatMap(([name, raw]): [string, unknown][] => {
    const section = sections.find((one) => one.name === name)
    const isKeyed = section?.entries.some((entry) => entry.key !== undefined) ?? false
    if (!isKeyed || !isTable(raw)) return [[name, raw]]
    return Object.entries(raw).map(([key, value]) => [`${name}.${key}`, value])
  })
}

/** A name that is no key: a known section that is no table, an unknown section, or an unknown key. */
function strange(name: string, raw: unknown, source: Source): Fault {
  const names = sections.map((section) => section.name)
  if (names.some((known) => known === name))
    return { key: name, expected: `a section, [${name}], with keys in it`, source }
  if (!isTable(raw)) return unknownKey(name, source, (nearest) => nearest.name)
  return { key: `[${name}]`, expected: `a known section; the nearest is [${nearestWord(name, names)}]`, source }
}

/**
 * The line each key and section first stands on. It goes by the look of the lines, since the parser keeps no places:
 * what is written in an unusual way (keys in braces) is missing here, and its fault then names the section's line.
 */
export function keyLines(toml: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  const plain = (name: string) => name.replace(/["'\s]/g, '')
  let section = ''
  for (const [index, line] of toml.split('\n').entries()) {
    const header = /^\s*\[\[?([^[\]]+)\]\]?\s*(#.*)?$/.exec(line)?.[1]
    const key = /^\s*([^\s=#[][^=#[]*)=/.exec(line)?.[1]
    if (header !== undefined) section = plain(header)
    const name = header === undefined && key !== undefined ? [section, plain(key)].filter(Boolean).join('.') : section
    // A table within a section, `[plans.free]`, is where the section begins if it has no line of its own.
    for (const one of [name, header === undefined ? name : (section.split('.')[0] ?? name)]) {
      if (!found.has(one)) found.set(one, index + 1)
    }
  }
  return found
}

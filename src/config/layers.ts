import { type Fault, type Source, unknownKey } from './faults.ts'
import type { Kind, Reading } from './kinds/kind.ts'
import { type Entry, entries } from './table.ts'

/** One value as it was found, not yet read. */
export interface Given {
  readonly source: Source
  /** What a relative path in it is relative to. */
  readonly folder: string
  /** Where a part of it stands, by its name below the key; the source of the whole where that cannot be told. */
  placeOf(part: string): Source
  read<T>(kind: Kind<T>): Reading<T>
}

/** Everything one place says, and what was wrong there before any value was read. */
export interface Layer {
  /** By `section.key`. */
  readonly given: ReadonlyMap<string, Given>
  readonly faults: readonly Fault[]
}

export function textGiven(text: string, source: Source, folder: string): Given {
  return { source, folder, placeOf: () => source, read: (kind) => kind.fromText(text) }
}

export function tomlGiven(raw: unknown, source: Source, folder: string, placeOf = (_: string) => source): Given {
  return { source, folder, placeOf, read: (kind) => kind.fromToml(raw) }
}

/** What the command line says, by `section.key`. */
export function flagLayer(flags: Readonly<Record<string, string>>, cwd: string): Layer {
  const byName = new Map<string, Entry>(entries.map((entry) => [entry.name, entry]))
  return gather(flags, byName, { from: () => ({ from: 'flag' }), written: ({ name }) => name, cwd })
}

/** What must be known before there is a configuration: where its file is, and where libraries are unpacked to. */
const notSettings = new Set(['LARDER_CONFIG', 'LARDER_NATIVE_DIR'])

/** What the environment says. A `LARDER_` variable that names no key is a fault, not a silence. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>, cwd: string): Layer {
  const byVariable = new Map(entries.map((entry) => [entry.variable, entry]))
  const from = (variable: string): Source => ({ from: 'environment', variable })
  return gather(ownVariables(env), byVariable, { from, written: ({ variable }) => variable, cwd })
}

interface Reader {
  from(name: string): Source
  written(nearest: { name: string; variable: string }): string
  readonly cwd: string
}

function gather(texts: Readonly<Record<string, string>>, known: ReadonlyMap<string, Entry>, reader: Reader): Layer {
  const given = new Map<string, Given>()
  const faults: Fault[] = []
  for (const [name, text] of Object.entries(texts)) {
    const entry = known.get(name)
    if (entry) given.set(entry.name, textGiven(text, reader.from(name), reader.cwd))
    else faults.push(unknownKey(name, reader.from(name), reader.written))
  }
  return { given, faults }
}

function ownVariables(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const own = Object.entries(env).filter((pair): pair is [string, string] => {
    const [name, text] = pair
    return name.startsWith('LARDER_') && !notSettings.has(name) && text !== undefined && !isServiceLink(name, text)
  })
  return Object.fromEntries(own)
}

/** Kubernetes and Docker put such variables into every container that can see a service called "larder". */
function isServiceLink(name: string, text: string): boolean {
  return /^LARDER_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))/.test(name) || /^(tcp|udp):\/\//.test(text)
}

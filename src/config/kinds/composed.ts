import { accepted, isTable, type Kind, literal, type Reading, refused } from './kind.ts'

/**
 * A value that may be missing: the word (`none`, `off`) or an empty text stands for undefined. Files and variables have
 * no other way to say so, and an empty variable is what a container's set-up leaves behind for an answer not given.
 */
export function optional<T>(kind: Kind<T>, word = 'none'): Kind<T | undefined> {
  const absent = (raw: unknown) => raw === word || raw === ''
  const { within } = kind
  return {
    ...kind,
    form: `${kind.form}, or ${word}`,
    fromText: (text) => (absent(text.trim()) ? accepted(undefined) : kind.fromText(text)),
    fromToml: (raw) => (absent(raw) ? accepted(undefined) : kind.fromToml(raw)),
    toText: (value) => (value === undefined ? word : kind.toText(value)),
    toToml: (value) => (value === undefined ? literal(word) : kind.toToml(value)),
    ...(within && { within: (value, folder) => (value === undefined ? undefined : within(value, folder)) }),
  }
}

const listSentence =
  'In a file a TOML list; in a variable or a flag one text with commas between the items. An empty list is allowed.'

/** Several values of one kind. A reading that fails names the item at fault, not the whole list. */
export function list<T>(item: Kind<T>, example: readonly string[]): Kind<readonly T[]> {
  const items = (text: string) => text.split(',').flatMap((piece) => piece.trim() || [])
  return {
    form: `a list, each ${item.form}`,
    example: example.join(','),
    explained: [['list', listSentence], ...item.explained],
    fromText: (text) => allOf(items(text).map((piece) => item.fromText(piece))),
    fromToml: (raw) => (Array.isArray(raw) ? allOf(raw.map((piece) => item.fromToml(piece))) : refused(raw)),
    toText: (values) => values.map((value) => item.toText(value)).join(','),
    toToml: (values) => bracketed(values.map((value) => item.toToml(value))),
  }
}

function allOf<T>(readings: readonly Reading<T>[]): Reading<readonly T[]> {
  const values: T[] = []
  for (const reading of readings) {
    if (!reading.ok) return reading
    values.push(reading.value)
  }
  return accepted(values)
}

/** One line while it is short, else a line for each item. */
function bracketed(literals: readonly string[]): string {
  const line = `[${literals.join(', ')}]`
  return line.length <= 80 ? line : `[\n${literals.map((piece) => `  ${piece},\n`).join('')}]`
}

const hostName = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/
const hostsSentence =
  'In a file a section of its own with one line for each host name; in a variable or a flag `name=door,name=door`.'

/**
 * Host names (lower case, no port) bound to doors; a section of its own in the file, so its TOML is that section's lines.
 */
export function hosts<D extends string>(doors: readonly D[]): Kind<ReadonlyMap<string, D>> {
  return {
    form: `host names, each bound to a door (${doors.join(', ')})`,
    example: `cdn.home.lan=${doors[0]}`,
    explained: [['hosts', hostsSentence]],
    fromText: (text) => bindings(pairs(text), doors),
    fromToml: (raw) => (isTable(raw) ? bindings(dotted(raw), doors) : refused(raw)),
    toText: (value) => [...value].map(([name, door]) => `${name}=${door}`).join(','),
    toToml: (value) => [...value].map(([name, door]) => `${literal(name)} = ${literal(door)}`).join('\n'),
  }
}

function pairs(text: string): [string, unknown][] {
  const pieces = text.split(',').filter((piece) => piece.trim() !== '')
  return pieces.map((piece) => {
    const [name = '', ...door] = piece.split('=')
    return [name.trim(), door.join('=').trim()]
  })
}

/** A name written without quotes (`cdn.home.lan = "aether"`) reaches us as tables within tables. */
function dotted(table: Readonly<Record<string, unknown>>, before = ''): [string, unknown][] {
  return Object.entries(table).flatMap(([name, value]) =>
    isTable(value) ? dotted(value, `${before}${name}.`) : [[`${before}${name}`, value] as [string, unknown]],
  )
}

function bindings<D extends string>(rows: [string, unknown][], doors: readonly D[]): Reading<ReadonlyMap<string, D>> {
  const bound = new Map<string, D>()
  for (const [name, wanted] of rows) {
    const door = doors.find((one) => one === wanted)
    if (door === undefined || !hostName.test(name.toLowerCase())) return refused({ [name]: wanted })
    bound.set(name.toLowerCase(), door)
  }
  return accepted(bound)
}

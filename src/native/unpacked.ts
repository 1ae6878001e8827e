import { createHash, randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { assetBytes } from '../assets.ts'
import { requireOwn } from './places.ts'

/** The libraries of machine code that the executable carries. The system loads such a thing from a file alone. */
export interface Libraries {
  /** Names the set: the folder that it is unpacked to. */
  readonly id: string
  /** What belongs together, by the name of the package; the last file of each is the one that is loaded. */
  readonly packages: Readonly<Record<string, readonly Library[]>>
}

export interface Library {
  /** Below the folder of the set, and the asset's name. Libraries find each other by it. */
  readonly path: string
  readonly sha256: string
}

/** Sets of other versions that nobody has started for this long are removed. */
const keptMs = 7 * 86_400_000

/**
 * Makes sure that the libraries lie in a folder, byte for byte our own; gives their paths. Each is read and hashed when it
 * is first used after the machine has started: a power cut may have left its right length and nothing else. From then
 * on it is enough that the file is the same one, unchanged by the system's own clock of changes.
 */
export function makeSure(folder: string, files: readonly Library[]): string[] {
  const known = readNote(folder)
  const paths = files.map((file) => {
    const path = join(folder, file.path)
    const identity = identityOf(path)
    const isKnown = identity !== undefined && identity === known[file.path]
    if (!isKnown && !isOurs(path, file.sha256)) unpack(file, path)
    requireOwn(dirname(path))
    return path
  })
  const seen = Object.fromEntries(files.map((file, n) => [file.path, identityOf(paths[n] ?? '')]))
  if (files.some(({ path }) => seen[path] !== known[path])) writeNote(folder, { ...known, ...seen })
  return paths
}

/** Which file it is and when anything of it last changed; undefined where there is none. */
function identityOf(path: string): string | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
}

function isOurs(path: string, sha256: string): boolean {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex') === sha256
  } catch {
    return false
  }
}

/** Under a name of its own first: another process may be doing the same, or have a damaged one in use. */
function unpack(file: Library, path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const written = `${path}.${randomUUID()}`
  try {
    writeFileSync(written, assetBytes(file.path))
    // Whatever the mask of the process said.
    chmodSync(written, 0o500)
    renameSync(written, path)
  } catch (error) {
    rmSync(written, { force: true })
    throw error
  }
}

type Note = Readonly<Record<string, string | undefined>>

/** What was found to be our own since the machine started; nothing where that cannot be told. */
function readNote(folder: string): Note {
  try {
    const { boot, files } = JSON.parse(readFileSync(noteOf(folder), 'utf8')) as { boot: string; files: Note }
    return boot === bootId() ? files : {}
  } catch {
    return {}
  }
}

function writeNote(folder: string, files: Note): void {
  try {
    const written = `${noteOf(folder)}.${randomUUID()}`
    writeFileSync(written, JSON.stringify({ boot: bootId(), files }), { mode: 0o600 })
    renameSync(written, noteOf(folder))
  } catch {
    // In a folder that may only be read from, each start hashes.
  }
}

const noteOf = (folder: string): string => join(folder, 'checked.json')
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** Removes what other versions unpacked and nobody has used for long. One that runs has its libraries loaded already. */
export function removeOthers(folder: string, id: string): void {
  try {
    const now = new Date()
    utimesSync(join(folder, id), now, now)
    for (const name of readdirSync(folder)) {
      const other = join(folder, name)
      if (name === id || !isSet(other) || statSync(other).mtimeMs > now.getTime() - keptMs) continue
      rmSync(other, { recursive: true, force: true })
    }
  } catch {
    // A folder that may only be read from does as well.
  }
}

/** Somebody may have named a folder in which there is something else. */
const isSet = (folder: string): boolean => /\/[0-9a-f]{16}$/.test(folder) && existsSync(noteOf(folder))

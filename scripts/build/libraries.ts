import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Libraries, Library } from '../../src/native/unpacked.ts'

export interface FoundLibraries {
  readonly libraries: Libraries
  /** Each library's path within its set, and the file that it is. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * The libraries of machine code for Linux on a processor, out of the packages below `modules`. sharp's finds libvips by a way
 * from its own folder, so that both keep the names of their packages.
 */
export function findLibraries(modules: string, arch: string): FoundLibraries {
  const inPackage = (folder: string, form: RegExp): [string, string][] =>
    filesOf(join(modules, '@img', folder), form).map(([name, file]) => [`${folder}/${name}`, file])
  const sqlite = `better-sqlite3/prebuilds/linux-${arch}.node`
  const packages: Record<string, [string, string][]> = {
    'better-sqlite3': [[sqlite, join(modules, sqlite)]],
    sharp: [
      ...inPackage(`sharp-libvips-linux-${arch}/lib`, /\.so[.\d]*$/),
      ...inPackage(`sharp-linux-${arch}/lib`, /\.node$/),
    ],
  }
  const described = Object.fromEntries(Object.entries(packages).map(([name, files]) => [name, files.map(describe)]))
  const id = createHash('sha256').update(JSON.stringify(described)).digest('hex').slice(0, 16)
  return { libraries: { id, packages: described }, files: Object.fromEntries(Object.values(packages).flat()) }
}

function filesOf(folder: string, form: RegExp): [string, string][] {
  const names = readdirSync(folder).filter((name) => form.test(name))
  if (names.length === 0) throw new Error(`no library in ${folder}`)
  return names.map((name) => [name, join(folder, name)])
}

function describe([path, file]: [string, string]): Library {
  return { path, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }
}

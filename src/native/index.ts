import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'
import { assetNames, assetText } from '../assets.ts'
import { type Place, place, placesOf } from './places.ts'
import { type Libraries, makeSure, removeOthers } from './unpacked.ts'

/** Libraries that cannot be loaded; the message says why, and from where, for the person who starts Larder. */
export class UnusableLibraries extends Error {
  override name = 'UnusableLibraries'
}

/** A library or a symbol that the machine lacks is lacking whatever the folder. */
const lackingOnMachine = /cannot open shared object file|version `[\w.]+' not found|undefined symbol/
/** Of the process, for all its threads. */
const storeKey = 'larder: data folder'
const foundKey = 'larder: folder of libraries'

/** Says where the store lies: libraries are unpacked beside it rather than anywhere else on the machine. */
export function unpackBeside(dataDir: string): void {
  setEnvironmentData(storeKey, dataDir)
}

/**
 * Loads a package's library of machine code, out of the first folder that lets it be loaded. Only the executable does: from
 * sources each package loads its own.
 * @throws UnusableLibraries
 */
export function loadLibrary(name: string): unknown {
  const { id, packages } = JSON.parse(assetText(assetNames.libraries)) as Libraries
  const refusals: string[] = []
  for (const { folder, prepare } of places()) {
    try {
      prepare()
      const loaded = load(makeSure(join(folder, id), packages[name] ?? []))
      setEnvironmentData(foundKey, folder)
      if (isMainThread) removeOthers(folder, id)
      return loaded
    } catch (error) {
      const { message } = error as Error
      if (lackingOnMachine.test(message)) throw lacking(message)
      refusals.push(`  ${folder}: ${message}`)
    }
  }
  throw new UnusableLibraries(
    `Larder must write its libraries (${name}) to a folder that programs may be loaded from, and found none:\n${refusals.join('\n')}\n` +
      'Name one with LARDER_NATIVE_DIR: owned by this user, not writable by others, on a disk that is not mounted noexec.',
  )
}

/** In the order in which they are tried; the one that did for another library, or another thread, comes first, unless it was moved away with its store. */
function places(): Place[] {
  const found = getEnvironmentData(foundKey) as string | undefined
  const store = getEnvironmentData(storeKey) as string | undefined
  return [...(found ? [place(found, dirname(found))] : []), ...placesOf(process.env, store)]
}

/** The last file is the one to load; it finds the others by their names. */
function load(paths: readonly string[]): unknown {
  const loaded = { exports: {} as unknown }
  process.dlopen(loaded as NodeJS.Module, paths.at(-1) ?? '', constants.dlopen.RTLD_LAZY)
  return loaded.exports
}

function lacking(message: string): UnusableLibraries {
  return new UnusableLibraries(
    `${message}\nLarder needs glibc 2.34 and libstdc++ or newer: Debian 12, Ubuntu 22.04, RHEL 9 (not Alpine).`,
  )
}

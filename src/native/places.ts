import { constants, lstatSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'

/** A folder that libraries may be unpacked to. */
export interface Place {
  readonly folder: string
  /** Makes the folder where it may be used. @throws with the reason why not. */
  prepare(): void
}

/**
 * The folders to try, in this order: the one that was named, beside the store, the user's cache, a temporary one.
 * @param store the data folder, where there is one.
 */
export function placesOf(env: NodeJS.ProcessEnv, store: string | undefined): Place[] {
  const { LARDER_NATIVE_DIR: named, XDG_CACHE_HOME: cache } = env
  return [
    ...(named ? [place(resolve(named))] : []),
    ...(store ? [place(join(store, '.native'), store)] : []),
    // By the standard of XDG, what is not absolute counts as not said.
    ...(cache && isAbsolute(cache) ? [place(join(cache, 'larder'), cache)] : []),
    ...homes(env).map((home) => place(join(home, '.cache', 'larder'), home)),
    place(join(tmpdir(), `larder-${process.getuid?.() ?? 0}`)),
  ]
}

/** @param above a folder above it that must be this user's or root's: nothing is made in what belongs to somebody else. */
export function place(folder: string, above?: string): Place {
  return {
    folder,
    prepare: () => {
      if (above !== undefined && !isOwn(statSync(above).uid)) throw new Error(`${above} belongs to somebody else`)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      requireOwn(folder)
    },
  }
}

/** HOME, and what the list of users says where HOME is wrong or missing; a user id need not be in the list at all. */
function homes(env: NodeJS.ProcessEnv): string[] {
  const listed = (): string[] => {
    try {
      return [userInfo().homedir]
    } catch {
      return []
    }
  }
  const all = [...(env.HOME ? [homedir()] : []), ...listed()]
  return [...new Set(all)].filter((home) => isAbsolute(home) && home !== '/')
}

/** Root may do anything anyway, and often owns the folder that a volume is mounted on. */
const isOwn = (uid: number): boolean => uid === process.getuid?.() || uid === 0 || (uid === unmapped && isInNameSpace())

/** Whom a name space of users shows where it has no number for an owner (user_namespaces(7)): root outside, for one. */
const unmapped = 65_534

function isInNameSpace(): boolean {
  const map = readFileSync('/proc/self/uid_map', 'utf8').trim()
  return map.split(/\s+/).join(' ') !== '0 0 4294967295'
}

/**
 * What others may write to, they may change between our look and the loading; so they may where they can put another folder
 * in its place, unless the folder above lets nobody move what is not theirs (its sticky bit). @throws with the reason.
 */
export function requireOwn(folder: string): void {
  const { uid, mode } = lstatSync(folder)
  if ((mode & constants.S_IFMT) !== constants.S_IFDIR) throw new Error('is not a folder')
  if (!isOwn(uid)) throw new Error('belongs to somebody else')
  if ((mode & othersMayWrite) !== 0) throw new Error('others may write to it')
  for (const above of foldersAbove(realpathSync(folder))) {
    const { uid, mode } = statSync(above)
    if (!isOwn(uid)) throw new Error(`${above} belongs to somebody else`)
    if ((mode & othersMayWrite) !== 0 && (mode & sticky) === 0) throw new Error(`others may write to ${above}`)
  }
}

const othersMayWrite = constants.S_IWGRP | constants.S_IWOTH
const sticky = 0o1000

function foldersAbove(path: string): string[] {
  const above = dirname(path)
  return above === path ? [] : [above, ...foldersAbove(above)]
}

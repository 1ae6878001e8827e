import { access, constants, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'

/** A data folder that cannot be used; the message is for the person who starts Larder. */
export class UnusableFolder extends Error {
  override name = 'UnusableFolder'
}

/** What the system, or SQLite, says where this user may not have a file. */
const refused = /^(EACCES|EPERM|SQLITE_(CANTOPEN|READONLY|PERM)(_\w+)?)$/

const hints: Record<string, string> = {
  EACCES: 'this user may not write there: change the owner of the folder, or the user that Larder runs as',
  EROFS: 'the file system is read-only: mount a volume there, or set data.dir to a folder that can be written',
  ENOTDIR: 'a part of that path is a file',
  EXDEV: 'tmp and blobs must be on one file system',
}

/** Why a data folder cannot be used, whatever went wrong with it. */
export async function unusable(dir: string, error: unknown): Promise<UnusableFolder> {
  const { code, message } = error as NodeJS.ErrnoException
  return (await refusal(dir, error)) ?? new UnusableFolder(textOf(dir, hints[code ?? ''] ?? message))
}

/** A file of a store that this user may not have, whose it is and what to do; undefined where the error is another. */
export async function refusal(dir: string, error: unknown): Promise<UnusableFolder | undefined> {
  const { code, path } = error as NodeJS.ErrnoException
  if (!refused.test(code ?? '')) return undefined
  const root = resolve(dir)
  const found = (path !== undefined && (await refusedAbove(root, path))) || (await refusedIn(root))
  if (!found) return undefined
  return new UnusableFolder(textOf(root, found.why === 'EROFS' ? (hints.EROFS ?? '') : await ownersText(root, found)))
}

/** Runs work on a store; where that is refused a file, it rejects with whose it is and what to do. */
export async function inWords<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw (await refusal(dir, error)) ?? error
  }
}

/** How a person is told of a user: by the name that the list of users has, where it has one. */
export async function userText(uid: number): Promise<string> {
  const name = await userName(uid)
  return name === undefined ? `user ${uid}` : `${name} (user ${uid})`
}

/** The name of a user in this machine's own list. */
export async function userName(uid: number): Promise<string | undefined> {
  const list = await readFile('/etc/passwd', 'utf8').catch(() => '')
  return list
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, , id]) => id === String(uid))?.[0]
}

const textOf = (dir: string, why: string): string => `The data folder ${dir} cannot be used: ${why}.`

interface Refused {
  readonly path: string
  readonly uid: number
  readonly isFolder: boolean
  readonly why: string
}

/** A path in a store, or the next folder above it, that this user may not have: one that may not be written to has no new file. */
async function refusedAbove(dir: string, path: string): Promise<Refused | undefined> {
  for (let at = path; !relative(dir, at).startsWith('..'); at = dirname(at)) {
    const found = await refusedAt(at)
    if (found) return found
  }
  return undefined
}

/** What in a store's own folder this user may not have. */
async function refusedIn(dir: string): Promise<Refused | undefined> {
  // A file system of its own has that in its root.
  const names = (await readdir(dir).catch((): string[] => [])).filter((name) => name !== 'lost+found')
  for (const path of [dir, ...names.map((name) => join(dir, name))]) {
    const found = await refusedAt(path)
    if (found && found.why !== notOwn) return found
  }
  return undefined
}

/** Where anybody may read and write, and the owner alone may do the rest. */
const notOwn = 'not own'

async function refusedAt(path: string): Promise<Refused | undefined> {
  const file = await stat(path).catch(() => undefined)
  if (!file) return undefined
  const why = await access(path, constants.R_OK | constants.W_OK).then(
    () => (file.uid === process.getuid?.() ? undefined : notOwn),
    (error: NodeJS.ErrnoException) => error.code,
  )
  return why === undefined ? undefined : { path, uid: file.uid, isFolder: file.isDirectory(), why }
}

async function ownersText(dir: string, { path, uid, isFolder }: Refused): Promise<string> {
  const [own, group] = [process.getuid?.(), process.getgid?.()]
  if (uid === own) return `${path} belongs to this user, and its mode keeps everybody out: chmod -R u+rwX ${dir}`
  const whose = `${path} belongs to ${await userText(uid)}, and this user may not ${isFolder ? 'write there' : 'open it'}`
  const give = `chown -R ${own}:${group} ${dir}`
  const owner = await stat(join(dir, 'format')).catch(() => undefined)
  if (owner?.uid === own) return `${whose}. Give it back to the owner of the store, as root: ${give}`
  return `${whose}. Run Larder as its owner, or give all of it to this user, as root: ${give}`
}

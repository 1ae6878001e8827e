import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { syncFolder } from '../durable.ts'

const open = promisify(fs.open)
const close = promisify(fs.close)
const fdatasync = promisify(fs.fdatasync)
const link = promisify(fs.link)
const mkdir = promisify(fs.mkdir)
const rename = promisify(fs.rename)
const unlink = promisify(fs.unlink)

/**
 * What a blob's way to the disk is made of, one operation each, so that a test can write down their order, leave one out,
 * or let the n-th fail. None of them promises more than the system call of its name.
 */
export interface Disk {
  /** Opens a file that must not exist yet, for writing and reading back. Resolves to its descriptor. */
  create(path: string): Promise<number>
  /** Writes all the bytes at a position. */
  write(fd: number, chunks: readonly Uint8Array[], position: number): Promise<void>
  /** Resolves when what was written to the file so far would survive a power cut. */
  syncFile(fd: number): Promise<void>
  close(fd: number): Promise<void>
  /** Makes a folder; one that exists is no error. */
  makeFolder(path: string): Promise<void>
  /** Gives a file another name, which must not be there yet. Rejects where the file system has one name for each file. */
  link(path: string, name: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Resolves when the names in a folder are what a power cut would leave. */
  syncFolder(path: string): Promise<void>
  /** Removes a file; a missing one is no error. */
  unlink(path: string): Promise<void>
}

export const disk: Disk = {
  create: (path) => open(path, 'wx+', 0o600),
  write: writeAll,
  syncFile: (fd) => fdatasync(fd),
  close: (fd) => close(fd),
  makeFolder: async (path) => {
    await mkdir(path, { mode: 0o700 }).catch(unless('EEXIST'))
  },
  link: (path, name) => link(path, name),
  rename: (from, to) => rename(from, to),
  syncFolder,
  unlink: async (path) => {
    await unlink(path).catch(unless('ENOENT'))
  },
}

/** Whether a file system refuses to give a file a second name, rather than failing at it. */
export function lacksLinks(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(code)
}

function unless(code: string): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code !== code) throw error
  }
}

/** A write may be short (a nearly full disk, a signal): what is left is written again, until an error or the end. */
async function writeAll(fd: number, chunks: readonly Uint8Array[], position: number): Promise<void> {
  let rest = [...chunks]
  let at = position
  while (rest.length > 0) {
    const written = await writeSome(fd, rest, at)
    at += written
    rest = dropBytes(rest, written)
  }
}

function writeSome(fd: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, chunks, position, (error, written) => (error ? reject(error) : resolve(written)))
  })
}

function dropBytes(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    const used = Math.min(left, chunk.length)
    left -= used
    if (used < chunk.length) rest.push(chunk.subarray(used))
  }
  return rest
}

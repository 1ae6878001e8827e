import { statfs } from 'node:fs/promises'

/** Below this, a disk counts as full: SQLite needs some of it for its journals. */
const hardlyAny = 1024 ** 2

/** Whether work on a database failed for want of room. SQLite tells that of some files as a fault of the disk. */
export async function isFull(error: unknown, folder: string): Promise<boolean> {
  const { code = '' } = error as { code?: string }
  if (['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes(code)) return true
  if (!code.startsWith('SQLITE_IOERR')) return false
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < hardlyAny
}

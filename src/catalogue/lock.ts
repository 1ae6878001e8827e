import { join } from 'node:path'
import Database from 'better-sqlite3'

/**
 * Takes the lock of the one server on a data folder: a lock of the operating system's, by way of SQLite, that ends with
 * the process however it ends. (A file with a process id would not do: in a container, process 1 always lives.)
 * Gives the release, or undefined where another process has it.
 * @param name another lock of the same folder, for other work.
 */
export function lockFolder(dir: string, name = 'lock'): (() => void) | undefined {
  const raw = new Database(join(dir, name), { timeout: 0 })
  try {
    raw.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    raw.close()
    if ((error as { code?: string }).code === 'SQLITE_BUSY') return undefined
    throw error
  }
  return () => {
    raw.exec('ROLLBACK')
    raw.close()
  }
}

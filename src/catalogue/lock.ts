import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/**
 * Takes the lock of the one server on a data folder: a lock of the operating system's, by way of SQLite, that ends with
 * the process however it ends. (A file with a process id would not do: in a container, process 1 always lives.)
 * Gives the release, or undefined where another process has it.
 * @param name another lock of the same folder, for other work.
 */
export function lockFolder(dir: string, name = 'lock'): (() => void) | undefined {
  return begun(new Database(join(dir, name), { timeout: 0 }), 'BEGIN EXCLUSIVE')
}

/** Has whoever writes a backup into a folder alone there; whoever works on what the backup holds shares it. */
export const backupLock = 'backup.lock'

/**
 * Keeps backups from being written into a folder for as long as somebody works there, beside others who do. Changes nothing, and is
 * nothing where no backup was ever written. Gives the release, or undefined where a backup is being written.
 */
export function keepBackupsOut(dir: string): (() => void) | undefined {
  const file = join(dir, backupLock)
  if (!existsSync(file)) return () => {}
  // A transaction that has read holds SQLite's shared lock until it ends.
  return begun(new Database(file, { timeout: 0, fileMustExist: true }), 'BEGIN; SELECT count(*) FROM sqlite_schema')
}

/** Holds what a transaction locks; gives its end, or undefined where another process holds it. */
function begun(raw: Database.Database, transaction: string): (() => void) | undefined {
  try {
    raw.exec(transaction)
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

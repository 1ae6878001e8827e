import { open, rm } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { openToLook } from './connection.ts'
import { UnusableData } from './migrate.ts'

/** More pages than any database has: all in one step, which sees one moment however much is written meanwhile. */
const allPages = 0x7fffffff

/** Faults that are told of one database. */
const faultsTold = 3

/**
 * Copies a database as it is at one moment, also beside processes that write to it: page by page, so that no fault is papered
 * over. When this resolves the copy is one file, checked by SQLite and on the disk; whatever had its name before is replaced. A
 * copy that is cut off is not whole: the caller gives it its final name (and syncs the folder) only afterwards.
 * @param change what the copy is to be otherwise, within one transaction, before it is checked.
 * @throws UnusableData where what was copied is damaged.
 */
export async function copyDatabase(
  from: string,
  to: string,
  change: (copy: Database.Database) => void = () => {},
): Promise<void> {
  await removeCopy(to)
  // SQLite gives its journal the database's own mode, and keeps that of a file which is there.
  await (await open(to, 'wx', 0o600)).close()
  const source = openToLook(from)
  try {
    await source.backup(to, { progress: () => allPages })
  } finally {
    source.close()
  }
  checkCopy(from, to, change)
  await syncFile(to)
}

/** Removes a copy that is not wanted, or not whole; a missing one is no error. */
export async function removeCopy(path: string): Promise<void> {
  for (const end of ['', '-journal', '-wal', '-shm']) await rm(path + end, { force: true })
}

function checkCopy(from: string, to: string, change: (copy: Database.Database) => void): void {
  const copy = new Database(to)
  try {
    // Without a log of its own: it is one file, and whoever looks at it leaves nothing beside it.
    copy.pragma('journal_mode = DELETE')
    copy.transaction(change)(copy)
    const faults = (copy.pragma(`integrity_check(${faultsTold})`) as { integrity_check: string }[])
      .map((row) => row.integrity_check)
      .filter((text) => text !== 'ok')
    if (faults.length > 0) throw new UnusableData(`${from} is damaged: ${faults.join('; ')}`)
  } finally {
    copy.close()
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

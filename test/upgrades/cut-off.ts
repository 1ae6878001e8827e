import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import Database from 'better-sqlite3'

/**
 * Loaded before Larder: ends the process at the moment that `CUT_OFF` names, as a power cut would, or lets it see a full disk.
 *
 * - `copy`: some pages of a copy are written
 * - `commit 1`, `commit 2`: all steps of the first or second migrated database are done, and not committed
 * - `step 2`: the steps of the second migrated database fail, each time, and the process goes on
 * - `blob 3`: the third blob is about to get its name
 * - `no room`: the disk has one byte left
 * - `full`: the disk is full when a copy is checked, which SQLite tells as a fault of the disk
 */
const [what, nth = '1'] = (process.env.CUT_OFF ?? '').split(' ')
const end = (): void => void process.kill(process.pid, 'SIGKILL')

if (what === 'copy') {
  const { backup } = Database.prototype
  Database.prototype.backup = function (to) {
    let steps = 0
    const progress = (): number => {
      if (++steps === 2) end()
      return 3
    }
    return backup.call(this, to, { progress })
  }
}

if (what === 'commit') {
  const { exec } = Database.prototype
  let commits = 0
  Database.prototype.exec = function (text) {
    if (text === 'COMMIT' && ++commits === Number(nth)) end()
    return exec.call(this, text)
  }
}

if (what === 'step') {
  const { exec } = Database.prototype
  let commits = 0
  Database.prototype.exec = function (text) {
    if (text === 'COMMIT' && ++commits === Number(nth)) {
      exec.call(this, 'ROLLBACK')
      throw new Error('a step has failed')
    }
    return exec.call(this, text)
  }
}

if (what === 'blob') {
  const { rename } = fs
  let [begun, ended] = [0, 0]
  const endOnce = (): void => void (begun >= Number(nth) && ended === Number(nth) - 1 && end())
  // Those before it have their names by then; it and those behind it never get theirs.
  fs.rename = ((from, to, done) => {
    if (++begun >= Number(nth)) return endOnce()
    rename(from, to, (error) => {
      done(error)
      ended++
      endOnce()
    })
  }) as typeof rename
  syncBuiltinESMExports()
}

if (what === 'no') {
  fs.promises.statfs = (async () => ({ bavail: 1, bsize: 1 })) as unknown as typeof fs.promises.statfs
  syncBuiltinESMExports()
}

if (what === 'full') {
  const { pragma } = Database.prototype
  Database.prototype.pragma = function (text, options) {
    if (!text.startsWith('integrity_check')) return pragma.call(this, text, options)
    fs.promises.statfs = (async () => ({ bavail: 67, bsize: 4096 })) as unknown as typeof fs.promises.statfs
    syncBuiltinESMExports()
    throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_WRITE')
  }
}

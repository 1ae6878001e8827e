import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { catalogueFile, openToLook } from '../../src/catalogue/connection.ts'
import { lockFolder } from '../../src/catalogue/lock.ts'
import { closeLogs } from '../../src/catalogue/upgrade.ts'
import { type Outcome, runLarder } from '../support/process.ts'
import { namesBelow } from '../support/state.ts'
import { unpack } from './unpack.ts'

/**
 * Every file's bytes and the names of all folders. What SQLite keeps as an index of a log is no content: it is made from the log. The
 * lock is empty, and whoever closes it gives up its own lock. Libraries that an executable unpacks (`.native`) are no data.
 */
async function contentOf(dir: string): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for (const name of (await namesBelow(dir)).filter((one) => !/-shm$|^lock$|^\.native/.test(one)))
    content.set(name, (await readFile(join(dir, name))).toString('base64'))
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory() && entry.name !== '.native') content.set(entry.name, '/')
  return content
}

const commands = (dir: string): string[][] => [
  ['serve', '--host', '127.0.0.1', '--port', '0'],
  ['user', 'list'],
  ['gc'],
  ['fsck', '--quarantine'],
  ['backup', `${dir}-backup`],
]

/** All of them, which must be refused and change nothing. */
async function mustBeRefused(dir: string, pattern: RegExp, which = commands(dir)): Promise<void> {
  const before = await contentOf(dir)
  const outcomes = await Promise.all(which.map((args): Promise<Outcome> => runLarder([...args, '--data-dir', dir])))
  for (const [n, { code, stderr }] of outcomes.entries()) {
    assert.equal(code, 2, `${which[n]}: ${stderr}`)
    assert.match(stderr, pattern)
    assert.equal(stderr.split('\n').length, 2, stderr)
  }
  assert.deepEqual(await contentOf(dir), before)
}

function doMigration(dir: string, name: string, file = 'catalogue.db'): void {
  const raw = new Database(join(dir, file))
  raw.prepare('INSERT INTO kysely_migration VALUES (?, ?)').run(name, new Date().toISOString())
  raw.close()
}

test('A folder of a newer layout is refused by the server and by every command, and nothing in it is changed', async (t) => {
  const { dir } = await unpack(t, '0002-accounts-killed')
  await rm(join(dir, 'cache'), { recursive: true })
  await writeFile(join(dir, 'format'), '2\n')
  await mustBeRefused(
    dir,
    /has layout 2; this Larder knows up to 1\. Start the newer version again.*Nothing was changed\.\n$/,
  )
})

test('Tables of a newer version are refused by the server and by every command, and nothing is changed, with a log or without', async (t) => {
  const { dir } = await unpack(t, '0003-storage')
  doMigration(dir, '0099-later')
  await writeFile(join(dir, 'tmp', 'left by the newer one'), 'x').catch(() => {})
  const pattern =
    /catalogue\.db was written by a newer Larder \(it has 0099-later, .*Start the newer version again, or restore a backup.*Nothing was changed\.\n$/
  await mustBeRefused(dir, pattern)
  // The newer one was killed: what it did stands in the log alone.
  const raw = new Database(join(dir, 'activity.db'))
  raw.prepare("INSERT INTO kysely_migration VALUES ('0098-later', '')").run()
  execFileSync('cp', ['-a', dir, `${dir}-killed`])
  raw.close()
  assert.ok((await stat(join(`${dir}-killed`, 'activity.db-wal'))).size > 0)
  await mustBeRefused(
    `${dir}-killed`,
    /activity\.db was written by a newer Larder \(it has 0098-later/,
    commands(dir).slice(0, 2),
  )
  await rm(`${dir}-killed`, { recursive: true })
})

test('Whoever looks while another one ends leaves no log of its own behind', async (t) => {
  const { dir } = await unpack(t, '0003-storage')
  const file = catalogueFile(dir)
  closeLogs(dir)
  const before = await readdir(dir)
  // The first one's log is there, and empty; it is gone before the second one asks for anything.
  const first = openToLook(file)
  first.pragma('user_version')
  assert.equal((await stat(`${file}-wal`)).size, 0)
  const second = openToLook(file)
  first.close()
  second.pragma('user_version')
  second.close()
  assert.deepEqual(await readdir(dir), before)
})

test('Who is refused a newer catalogue is told which copy this version could open', async (t) => {
  const { dir } = await unpack(t, '0002-accounts')
  assert.equal((await runLarder(['user', 'list', '--data-dir', dir])).code, 0)
  const [kept = ''] = await readdir(join(dir, 'backups'))
  const later = 'catalogue-before-0099-later-2031-01-02T03-04-05.678Z.db'
  await rename(join(dir, 'backups', kept), join(dir, 'backups', later))
  await writeFile(join(dir, 'backups', later.replace('2031', '2032')), 'not a database, whatever its name says')
  doMigration(dir, '0099-later')
  // Whatever it is.
  await mkdir(join(dir, 'backups', later.replace('2031', '2033')))
  const copy = `cp -p ${join(dir, 'backups', later)} ${join(dir, 'catalogue.db')}`
  const text = `move catalogue.db* out of ${dir}, and put back what was: ${copy}`
  const { code, stderr } = await runLarder(['user', 'list', '--data-dir', dir])
  assert.equal(code, 2)
  assert.ok(stderr.includes(text), stderr)
})

test('A command does not change the tables under an older server: it is refused, and the server stays as it is', async (t) => {
  const { dir } = await unpack(t, '0002-accounts')
  const release = lockFolder(dir)
  t.after(() => release?.())
  const pattern =
    /An older Larder serves the data folder .*: start it anew with this version first\. Nothing was changed\.\n$/
  await mkdirs(dir)
  await mustBeRefused(dir, pattern, [['user', 'list'], ['gc']])
})

/** What any start makes, and an older one did not need. */
async function mkdirs(dir: string): Promise<void> {
  execFileSync('mkdir', ['-p', ...['tmp', 'uploads', 'cache', 'quarantine'].map((name) => join(dir, name))])
  execFileSync('chmod', ['-R', 'go-rwx', dir])
}

test('A folder with files and without their catalogue is refused: a new one would call them garbage', async (t) => {
  const { dir } = await unpack(t, '0003-storage')
  for (const end of ['', '-wal', '-shm']) await rm(join(dir, `catalogue.db${end}`))
  await mustBeRefused(
    dir,
    /holds files, and their catalogue is missing .*Nothing was changed\.\n$/,
    commands(dir).slice(0, 2),
  )
})

test('What is no database is refused with its name', async (t) => {
  const { dir } = await unpack(t, '0003-storage')
  for (const end of ['-wal', '-shm']) await rm(join(dir, `catalogue.db${end}`))
  await writeFile(join(dir, 'catalogue.db'), 'something else'.repeat(1_000))
  await mustBeRefused(
    dir,
    /catalogue\.db is damaged, or no database at all .*Nothing was changed\.\n$/,
    commands(dir).slice(0, 2),
  )
})

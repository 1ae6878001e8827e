import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import type { Expected } from '../fixtures/expected.ts'
import { aether } from '../support/aether.ts'
import { runLarder, startServer } from '../support/process.ts'
import { namesBelow } from '../support/state.ts'
import { startCutOff } from './run-cut-off.ts'
import { unpack } from './unpack.ts'

const copiesIn = (dir: string): string[] => readdirSync(join(dir, 'backups')).sort()

/** Each copy is sound, and of the format that it says. */
function copiesMustBeWhole(dir: string): void {
  for (const name of copiesIn(dir)) {
    assert.match(name, /^(catalogue|activity)-before-\d{4}-[a-z]+-[\dT.-]+Z\.db$/)
    const raw = new Database(join(dir, 'backups', name), { readonly: true })
    const [, database, migration = ''] = /^(\w+)-before-(\d+-\w+)-/.exec(name) ?? []
    assert.equal(raw.pragma('integrity_check', { simple: true }), 'ok', database)
    const done = raw.prepare('SELECT name FROM kysely_migration').pluck().all() as string[]
    assert.ok(done.length > 0 && done.every((one) => one < migration), name)
    raw.close()
  }
}

async function filesMustComeBack(url: string, { key, files, stats }: Expected): Promise<void> {
  for (const { id, sha256 } of files) {
    const { bytes } = await aether({ url, key }, 'GET', `/files/${id}/download`)
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256)
  }
  assert.equal((await aether({ url, key }, 'GET', '/user/stats')).body.stats.totalSize, stats.totalSize)
}

for (const cutOff of ['copy', 'commit 1', 'commit 2']) {
  test(`An update that is killed (${cutOff}) loses nothing, and no half copy is taken for a whole one`, async (t) => {
    const { dir, expected } = await unpack(t, '0001-catalogue')
    assert.equal((await startCutOff(cutOff, dir)).signal, 'SIGKILL')
    if (cutOff === 'copy') assert.ok(copiesIn(dir).every((name) => name.endsWith('.half') || name.includes('.half-')))
    else copiesMustBeWhole(dir)
    const server = await startServer(t, dir)
    await filesMustComeBack(server.url, expected)
    copiesMustBeWhole(dir)
    const before = copiesIn(dir).map((name) => name.slice(0, name.indexOf('-2')))
    assert.ok(before.includes('catalogue-before-0002-accounts') && before.includes('activity-before-0002-activity'))
  })
}

test('Where the disk has no room for the copies nothing is changed, and it is said how to go on; it goes on without them', async (t) => {
  const { dir, expected } = await unpack(t, '0002-accounts')
  const { code, stderr } = await startCutOff('no room', dir)
  assert.equal(code, 2)
  assert.match(stderr, /it takes \d+ KiB in \S+backups, and the disk has 1 KiB\. Make room .*backup_before_upgrade=off/)
  assert.ok(!readdirSync(dir).includes('backups'))
  const raw = new Database(join(dir, 'catalogue.db'), { readonly: true })
  assert.deepEqual(raw.prepare('SELECT max(name) FROM kysely_migration').pluck().get(), expected.ends.catalogue)
  raw.close()
  const server = await startServer(t, dir, { args: ['--set', 'data.backup_before_upgrade=off'] })
  await filesMustComeBack(server.url, expected)
  assert.ok(!readdirSync(dir).includes('backups'))
})

test('A disk that is full while a copy is checked is told as that, also where SQLite tells it as a fault of the disk', async (t) => {
  const { dir } = await unpack(t, '0002-accounts')
  const { code, stderr } = await startCutOff('full', dir)
  assert.equal(code, 2)
  assert.match(stderr, /^larder: .*, and the disk has less\. Make room .*Nothing was changed\.\n$/m)
  assert.doesNotMatch(stderr, /SqliteError|\n +at /)
  assert.deepEqual(copiesIn(dir), [])
})

test('Where the folder for copies is a file, or a link to nothing, it is said so, and nothing is changed', async (t) => {
  const { dir } = await unpack(t, '0002-accounts')
  const path = join(dir, 'backups')
  writeFileSync(path, '')
  const asFile = await runLarder(['user', 'list', '--data-dir', dir])
  rmSync(path)
  symlinkSync(join(dir, 'nowhere'), path)
  const asLink = await runLarder(['user', 'list', '--data-dir', dir])
  assert.deepEqual([asFile.code, asLink.code], [2, 2])
  assert.match(asFile.stderr, /in \S+backups: that is no folder\. .*Nothing was changed\.\n$/)
  assert.match(asLink.stderr, /in \S+backups: that is a link that leads to no folder\. .*Nothing was changed\.\n$/)
  assert.doesNotMatch(asFile.stderr + asLink.stderr, /\n +at /)
})

test('A command that finds an older folder which nobody serves brings it up to date, and says where the copies lie', async (t) => {
  const { dir } = await unpack(t, '0002-accounts-killed')
  const { code, stdout, stderr } = await runLarder(['user', 'list', '--data-dir', dir])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /ada@example\.org/)
  const [copy = ''] = copiesIn(dir)
  assert.ok(stderr.includes(join(dir, 'backups', copy)), stderr)
  copiesMustBeWhole(dir)
})

test('Of the copies the last three of each database stay; what is not one of them is left alone', async (t) => {
  const { dir } = await unpack(t, '0001-catalogue')
  await mkdir(join(dir, 'backups'))
  const old = [1, 2, 3].map((n) => `catalogue-before-0001-old-2020-01-0${n}T00-00-00.000Z.db`)
  for (const name of [...old, 'my own.db', `${old[0]}.half`]) writeFileSync(join(dir, 'backups', name), '')
  assert.equal((await runLarder(['user', 'list', '--data-dir', dir])).code, 0)
  const names = (await namesBelow(join(dir, 'backups'))).map((name) => name.replace(/-\d{4}-\d\d-\d\dT.*/, ''))
  assert.deepEqual(names, [
    'activity-before-0002-activity',
    'catalogue-before-0001-old',
    'catalogue-before-0001-old',
    'catalogue-before-0002-accounts',
    'my own.db',
  ])
})

for (const cutOff of ['commit 1', 'step 1']) {
  test(`An update that is tried again and again without success (${cutOff}) keeps the copies of earlier ones, and fills no disk`, async (t) => {
    const { dir, expected } = await unpack(t, '0001-catalogue')
    await mkdir(join(dir, 'backups'))
    const old = [1, 2, 3].map((n) => `catalogue-before-0001-old-2020-01-0${n}T00-00-00.000Z.db`)
    for (const name of old) writeFileSync(join(dir, 'backups', name), '')
    for (let n = 0; n < 4; n++) await startCutOff(cutOff, dir)
    const tried = copiesIn(dir).filter((name) => !old.includes(name))
    assert.equal(copiesIn(dir).length, old.length + tried.length)
    assert.equal(tried.length, cutOff === 'step 1' ? 0 : 2, tried.join())
    const server = await startServer(t, dir)
    await filesMustComeBack(server.url, expected)
    await server.stop('SIGTERM')
    const names = copiesIn(dir).map((name) => name.replace(/-\d{4}-\d\d-\d\dT.*/, ''))
    const stay = ['activity-before-0002-activity', 'catalogue-before-0001-old', 'catalogue-before-0001-old']
    assert.deepEqual(names, [...stay, 'catalogue-before-0002-accounts'])
  })
}

test('Where the second database cannot be updated, the copy of the first, which was, stays until both are', async (t) => {
  const { dir, expected } = await unpack(t, '0001-catalogue')
  for (let n = 0; n < 3; n++) await startCutOff(n === 0 ? 'step 2' : 'step 1', dir)
  const [copy = '', ...more] = copiesIn(dir)
  assert.match(copy, /^catalogue-before-0002-accounts-/)
  assert.deepEqual(more, [])
  const server = await startServer(t, dir)
  await filesMustComeBack(server.url, expected)
  assert.ok(copiesIn(dir).includes(copy))
})

test('A clock that is behind removes no copy that was just made, nor does it make it the oldest', async (t) => {
  const { dir } = await unpack(t, '0002-accounts')
  await mkdir(join(dir, 'backups'))
  const old = [1, 2, 3].map((n) => `catalogue-before-0001-old-2090-01-0${n}T00-00-00.000Z.db`)
  for (const name of old) writeFileSync(join(dir, 'backups', name), '')
  assert.equal((await runLarder(['user', 'list', '--data-dir', dir])).code, 0)
  const made = 'catalogue-before-0003-storage-2090-01-03T00-00-00.001Z.db'
  assert.deepEqual(copiesIn(dir), [...old.slice(1), made])
})

import assert from 'node:assert/strict'
import { chmodSync, chownSync, lchownSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../support/app.ts'
import { runLarder, startServer } from '../support/process.ts'
import { unpack } from '../upgrades/unpack.ts'
import { as, giveTo, runLarderAs, skipUnlessTwoUsers, stranger } from './as-user.ts'

const serving = ['serve', '--host', '127.0.0.1', '--port', '0']

/** Everything in a folder, with its owner and its mode. */
const ownersIn = (dir: string): string[] =>
  (readdirSync(dir, { recursive: true }) as string[]).sort().map((name) => {
    const { uid, mode, size } = statSync(join(dir, name))
    return `${name} ${uid} ${mode} ${size}`
  })

test("Root is refused another user's store by the server and by every command, is told how to run it, and nothing is changed", async (t) => {
  if (skipUnlessTwoUsers(t)) return
  const { dir } = await unpack(t, '0002-accounts')
  giveTo(stranger, dir)
  const before = ownersIn(dir)
  const commands = [serving, ['user', 'list'], ['secret', 'rotate'], ['gc'], ['fsck'], ['backup', `${dir}-backup`]]
  const outcomes = await Promise.all(commands.map((args) => runLarder([...args, '--data-dir', dir])))
  for (const [n, { code, stderr }] of outcomes.entries()) {
    assert.equal(code, 2, `${commands[n]}: ${stderr}`)
    assert.match(
      stderr,
      /belongs to user 12345, .* setpriv --reuid=12345 --regid=12345 --clear-groups larder … \(in a container: --user 12345:12345\)\. Nothing was changed\.\n$/,
    )
  }
  assert.deepEqual(ownersIn(dir), before)
  assert.ok(!readdirSync(join(dir, '..')).includes('data-backup'))
  // As it was told.
  const { code, stderr } = await runLarderAs(stranger, 'secret', 'rotate', '--data-dir', dir)
  assert.equal(code, 0, stderr)
  const server = await startServer(t, dir, { wrap: as(stranger) })
  await server.stop('SIGTERM')
  assert.deepEqual(
    ownersIn(dir).filter((line) => !line.includes(` ${stranger} `)),
    [],
  )
})

test('A user with a name is told by it', async (t) => {
  if (skipUnlessTwoUsers(t)) return
  const { dir } = await unpack(t, '0003-storage')
  // In every list of users.
  giveTo(1, dir)
  const { stderr } = await runLarder(['user', 'list', '--data-dir', dir])
  assert.match(stderr, /belongs to daemon \(user 1\), .* runuser -u daemon -- larder … /)
})

test('Root begins a store in a folder of anybody: it is the folder of a volume, and the store is its own', async (t) => {
  if (skipUnlessTwoUsers(t)) return
  const dir = join(await temporaryFolder(t), 'data')
  await mkdir(dir)
  giveTo(stranger, dir)
  const server = await startServer(t, dir)
  await server.stop('SIGTERM')
  assert.equal((await runLarder(['user', 'list', '--data-dir', dir])).code, 0)
})

test("What another user's links lead to is not touched: root is refused the folder that they lie in, as a store and for a backup", async (t) => {
  if (skipUnlessTwoUsers(t)) return
  const store = await unpack(t, '0003-storage')
  const cases = ['tmp', 'backups', 'blobs', 'catalogue.db-wal'].map(async (name) => {
    const above = await temporaryFolder(t)
    const [dir, victim] = [join(above, 'data'), join(above, 'victim')]
    await mkdir(dir)
    await mkdir(victim)
    chmodSync(victim, 0o755)
    writeFileSync(join(victim, 'precious'), 'precious')
    symlinkSync(victim, join(dir, name))
    giveTo(stranger, dir)
    lchownSync(join(dir, name), stranger, stranger)
    const before = ownersIn(above)
    const { code, stderr } = await runLarder([...serving, '--data-dir', dir])
    assert.equal(code, 2, stderr)
    assert.match(stderr, /is a link that belongs to user 12345: .* Nothing was changed\.\n$/)
    writeFileSync(join(dir, 'backup.lock'), '')
    assert.match(
      (await runLarder(['backup', dir, '--data-dir', store.dir])).stderr,
      /is a link that belongs to user 12345/,
    )
    assert.deepEqual(
      ownersIn(above).filter((line) => !line.startsWith('data/backup.lock')),
      before,
    )
  })
  await Promise.all(cases)
})

test("A file of root's in somebody's store is named by the server that it stops, and so is the command that mends it", async (t) => {
  if (skipUnlessTwoUsers(t)) return
  const cases = [
    ['catalogue.db', 0o600],
    ['catalogue.db', 0o644],
    ['catalogue.db', 0o666],
    ['activity.db', 0o600],
    ['tokens.json', 0o600],
    ['lock', 0o600],
    ['uploads', 0o700],
    ['backups', 0o700],
  ] as const
  const outcomes = cases.map(async ([name, mode]) => {
    const { dir } = await unpack(t, '0002-accounts-killed')
    for (const folder of ['uploads', 'backups']) await mkdir(join(dir, folder), { recursive: true })
    giveTo(stranger, dir)
    const path = join(dir, name)
    chownSync(path, 0, 0)
    chmodSync(path, mode)
    const { code, stderr } = await runLarderAs(stranger, ...serving, '--data-dir', dir)
    assert.equal(code, 2, stderr)
    const [found, mend] = [`${path} belongs to root (user 0), and this user may not `, `chown -R 12345:12345 ${dir}.\n`]
    assert.ok(stderr.includes(found) && stderr.endsWith(mend), stderr)
    assert.equal(stderr.split('\n').length, 2, stderr)
  })
  await Promise.all(outcomes)
})

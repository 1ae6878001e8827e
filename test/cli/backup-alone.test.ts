import assert from 'node:assert/strict'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lockFolder } from '../../src/catalogue/lock.ts'
import { configWith } from '../../src/config/index.ts'
import { backUp } from '../../src/jobs/backup.ts'
import { openBackup, openStore } from '../../src/store.ts'
import { runLarder } from '../support/process.ts'
import { namesBelow } from '../support/state.ts'
import { unpack } from '../upgrades/unpack.ts'

const serving = ['serve', '--host', '127.0.0.1', '--port', '0']
const wish = { readData: false, prune: false, onDamage: () => assert.fail('there is no damage') }

/** A backup that this process has begun, and writes to until it is closed. */
async function begun(t: TestContext) {
  const { dir } = await unpack(t, '0003-storage')
  const to = join(dir, '..', 'backup')
  return { dir, to, backup: await openBackup(configWith({ 'data.dir': dir }), to) }
}

test('While a backup is written into a folder no server, no command and no other backup works there, and nothing is changed', async (t) => {
  const { dir, to, backup } = await begun(t)
  const whileWritten = async (): Promise<void> => {
    const before = await namesBelow(to)
    const refused = [serving, ['fsck'], ['gc'], ['user', 'list'], ['secret', 'rotate']]
    const outcomes = await Promise.all(refused.map((args) => runLarder([...args, '--data-dir', to])))
    for (const { code, stderr } of outcomes) {
      assert.equal(code, 2)
      assert.match(stderr, /^larder: (A "larder backup" is writing to \S+: wait|There is no store in).*\n$/)
    }
    const other = await runLarder(['backup', to, '--data-dir', dir])
    assert.match(other.stderr, /^larder: Another "larder backup" writes to .*\n$/)
    assert.deepEqual(await namesBelow(to), before)
  }
  await whileWritten()
  await backUp(backup, wish)
  const note = { began_at: '', finished_at: '', blobs: 0, bytes: 0, damaged: 0 }
  await backup.finish(note)
  await whileWritten()
  await backup.close()
  assert.equal((await runLarder(['fsck', '--data-dir', to])).code, 0)
})

test('While somebody works on a backup, none is written over it; commands work there beside each other', async (t) => {
  const { dir, to, backup } = await begun(t)
  await backUp(backup, wish)
  await backup.finish({ began_at: '', finished_at: '', blobs: 0, bytes: 0, damaged: 0 })
  await backup.close()
  const store = await openStore(configWith({ 'data.dir': to }))
  assert.equal((await runLarder(['user', 'list', '--data-dir', to])).code, 0)
  const { code, stderr } = await runLarder(['backup', to, '--data-dir', dir])
  assert.equal(code, 2)
  assert.match(stderr, /or a server or a command has it open: wait until it has ended\.\n$/)
  await store.close()
  assert.equal((await runLarder(['backup', to, '--data-dir', dir])).code, 0)
})

test('A backup does not take the place of what a server of another version began to serve meanwhile', async (t) => {
  const { to, backup } = await begun(t)
  await backup.catalogues.take()
  const release = lockFolder(to)
  await assert.rejects(backup.catalogues.install(), /Somebody serves the backup in .* not written over/)
  assert.ok(!(await readdir(to)).includes('catalogue.db'))
  release?.()
  await backup.close()
})

test('Of first backups that begin together into one folder each is made, or told of the other', async (t) => {
  const { dir } = await unpack(t, '0003-storage')
  const to = join(dir, '..', 'backup')
  await mkdir(to)
  const outcomes = await Promise.all([1, 2, 3].map(() => runLarder(['backup', to, '--data-dir', dir])))
  assert.ok(outcomes.some(({ code }) => code === 0))
  for (const { code, stderr } of outcomes) if (code !== 0) assert.match(stderr, /Another "larder backup" writes to/)
  assert.match(await readFile(join(to, 'backup.json'), 'utf8'), /finished_at/)
})

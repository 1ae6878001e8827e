import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runLarder } from '../support/process.ts'
import { fixtureNames, unpack } from '../upgrades/unpack.ts'

async function mustRun(input: string, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await runLarder(args, { input })
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
}

test('A backup that a command has changed since is not written over, unless one says that the change may be lost', async (t) => {
  const { dir } = await unpack(t, '0003-storage')
  const made = join(dir, '..', 'backup')
  await mustRun('', 'backup', made, '--data-dir', dir)
  const changes = [
    ['user', 'add', '--email', 'new@example.org', '--password-stdin'],
    ['user', 'disable', '--email', 'ada@example.org'],
    ['key', 'create'],
    ['user', 'setup-link'],
  ]
  const again = changes.map(async (change, n) => {
    const to = `${made}-${n}`
    await cp(made, to, { recursive: true })
    await mustRun('correct horse', ...change, '--data-dir', to)
    const { code, stderr } = await runLarder(['backup', to, '--data-dir', dir])
    assert.equal(code, 2, change.join(' '))
    await rm(/changed the backup .* remove (\S+) and try again/.exec(stderr)?.[1] ?? '')
    await mustRun('', 'backup', to, '--data-dir', dir)
  })
  await Promise.all(again)
})

for (const name of fixtureNames) {
  test(`A backup of a store of the format ${name} can be checked and tidied up, which brings it up to date, and made anew`, async (t) => {
    const { dir } = await unpack(t, name)
    const to = join(dir, '..', 'backup')
    await mustRun('', 'backup', to, '--data-dir', dir)
    const looks = [['fsck', '--read-data'], ['user', 'list'], ['fsck', '--quarantine'], ['gc']]
    // What needs no update is looked at in every way.
    for (const look of name === fixtureNames.at(-1) ? looks : looks.slice(0, 1))
      await mustRun('', ...look, '--data-dir', to)
    await mustRun('', 'backup', to, '--data-dir', dir)
    await mustRun('', 'fsck', '--data-dir', to)
  })
}

test('A backup whose catalogue is damaged is mended by the next one', async (t) => {
  const { dir } = await unpack(t, '0003-storage')
  const to = join(dir, '..', 'backup')
  await mustRun('', 'backup', to, '--data-dir', dir)
  await cp(join(dir, 'tokens.json'), join(to, 'catalogue.db'))
  await mustRun('', 'backup', to, '--data-dir', dir)
  await mustRun('', 'fsck', '--data-dir', to)
})

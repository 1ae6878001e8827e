import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import Database from 'better-sqlite3'
import { wayBack } from '../../src/catalogue/kept-copies.ts'
import { activityMigrations, catalogueMigrations } from '../../src/catalogue/migrate.ts'
import { as, giveTo, runLarderAs, skipUnlessTwoUsers, stranger } from '../cli/as-user.ts'
import { type Outcome, runLarder, startServer } from '../support/process.ts'
import { until } from '../support/state.ts'
import { type Fixture, unpack } from './unpack.ts'

function lastOf(file: string): string {
  const raw = new Database(file, { readonly: true })
  try {
    return raw.prepare('SELECT max(name) FROM kysely_migration').pluck().get() as string
  } finally {
    raw.close()
  }
}

/** Updates a folder, and goes back by what the log said, as a person does it, who may be root. */
async function goBack(t: TestContext, { dir, expected }: Fixture, wrap: readonly string[] = []): Promise<void> {
  const server = await startServer(t, dir, { wrap })
  await until('the log to be written', () => /then start the older/.test(server.output()))
  const [, said = ''] = /To go back: ([^"]*); then start the older version/.exec(server.output()) ?? []
  const told = /^stop Larder, move catalogue\.db\* and activity\.db\* out of \S+, and put back what was: (.*)$/
  assert.match(said, told)
  // Killed, it has left logs beside its databases.
  await server.stop('SIGKILL')
  const aside = join(dir, '..', 'aside')
  await mkdir(aside)
  for (const name of await readdir(dir))
    if (/^(catalogue|activity)\.db/.test(name)) await rename(join(dir, name), join(aside, name))
  execFileSync('sh', ['-ec', told.exec(said)?.[1] ?? 'false'])
  const ends = [lastOf(join(dir, 'catalogue.db')), lastOf(join(dir, 'activity.db'))]
  assert.deepEqual(ends, [expected.ends.catalogue, expected.ends.activity], 'as the older version left them')
}

/** What was put back is of this version again. */
function mustBeForward(dir: string, { code, stdout, stderr }: Outcome): void {
  assert.equal(code, 0, stdout + stderr)
  assert.equal(lastOf(join(dir, 'catalogue.db')), Object.keys(catalogueMigrations).at(-1))
  assert.equal(lastOf(join(dir, 'activity.db')), Object.keys(activityMigrations).at(-1))
}

test('Going back after an update: stop, move the databases aside, copy those from before in their place, start', async (t) => {
  const fixture = await unpack(t, '0001-catalogue')
  const { dir } = fixture
  await goBack(t, fixture)
  mustBeForward(dir, await runLarder(['fsck', '--read-data', '--data-dir', dir]))
})

test("Root goes back the same way for a store of another user's, whose files stay that user's", async (t) => {
  if (skipUnlessTwoUsers(t)) return
  const fixture = await unpack(t, '0001-catalogue')
  const { dir } = fixture
  giveTo(stranger, dir)
  await goBack(t, fixture, as(stranger))
  mustBeForward(dir, await runLarderAs(stranger, 'fsck', '--read-data', '--data-dir', dir))
})

test('The way back can be pasted into a shell, whatever the folder is called', () => {
  const dir = "/srv/Ann's files"
  const path = join(dir, 'backups', 'one.db')
  const [, commands = ''] = /put back what was: (.*)$/.exec(wayBack(dir, [{ name: 'catalogue', path }])) ?? []
  const printed = execFileSync('sh', ['-ec', commands.replace('cp -p', "printf '%s\\n'")]).toString()
  assert.deepEqual(printed.trim().split('\n'), [path, join(dir, 'catalogue.db')])
})

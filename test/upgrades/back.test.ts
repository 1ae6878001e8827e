import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { activityMigrations, catalogueMigrations } from '../../src/catalogue/migrate.ts'
import { runLarder, startServer } from '../support/process.ts'
import { until } from '../support/state.ts'
import { unpack } from './unpack.ts'

function lastOf(file: string): string {
  const raw = new Database(file, { readonly: true })
  try {
    return raw.prepare('SELECT max(name) FROM kysely_migration').pluck().get() as string
  } finally {
    raw.close()
  }
}

test('Going back after an update: stop, move the databases aside, copy those from before in their place, start', async (t) => {
  const { dir, expected } = await unpack(t, '0001-catalogue')
  const server = await startServer(t, dir)
  // What the log said, once more as a person does it; a killed server has left logs beside its databases.
  await until('the log to be written', () => /then start the older/.test(server.output()))
  const [, said = ''] = /To go back: ([^"]*); then start the older version/.exec(server.output()) ?? []
  assert.match(said, /^stop Larder, move catalogue\.db\* and activity\.db\* out of \S+, and copy /)
  await server.stop('SIGKILL')
  const aside = join(dir, '..', 'aside')
  await mkdir(aside)
  for (const name of await readdir(dir))
    if (/^(catalogue|activity)\.db/.test(name)) await rename(join(dir, name), join(aside, name))
  const copies = [...said.matchAll(/(?:copy|and) (\S+) to (\S+\.db)/g)]
  assert.equal(copies.length, 2, said)
  for (const [, from = '', to = ''] of copies) await copyFile(from, to)
  const ends = [lastOf(join(dir, 'catalogue.db')), lastOf(join(dir, 'activity.db'))]
  assert.deepEqual(ends, [expected.ends.catalogue, expected.ends.activity], 'as the older version left them')
  // And forward again, from what was put back.
  const { code, stderr } = await runLarder(['fsck', '--read-data', '--data-dir', dir])
  assert.equal(code, 0, stderr)
  assert.equal(lastOf(join(dir, 'catalogue.db')), Object.keys(catalogueMigrations).at(-1))
  assert.equal(lastOf(join(dir, 'activity.db')), Object.keys(activityMigrations).at(-1))
})

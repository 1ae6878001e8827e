import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { configWith } from '../../src/config/index.ts'
import type { BlobStore } from '../../src/core/ports.ts'
import { type BackupOptions, BackupUnfinished, backUp } from '../../src/jobs/backup.ts'
import { collectGarbage } from '../../src/jobs/gc.ts'
import { openBackup } from '../../src/store.ts'
import { aether } from '../support/aether.ts'
import { temporaryFolder, upload } from '../support/app.ts'
import { sha256 } from '../support/direct-uploads.ts'
import { type InnerApp, openInnerApp } from '../support/inner-app.ts'
import { mustBeSound } from '../support/sound.ts'
import { namesBelow } from '../support/state.ts'

interface Run extends Partial<Omit<BackupOptions, 'onDamage'>> {
  /** Before each blob is opened in the store. */
  readonly meanwhile?: () => Promise<void>
}

/** A backup of a server's folder, beside it. */
async function run(app: InnerApp, to: string, { meanwhile = async () => {}, ...options }: Run = {}) {
  const backup = await openBackup(configWith({ 'data.dir': app.folder }), to)
  const source: Pick<BlobStore, 'open'> = {
    open: async (digest) => {
      await meanwhile()
      return backup.source.open(digest)
    },
  }
  const told: string[] = []
  try {
    const wish = {
      readData: false,
      prune: false,
      ...options,
      onDamage: ({ what }: { what: string }) => told.push(what),
    }
    const report = await backUp({ ...backup, source }, wish)
    const note = { began_at: '', finished_at: '', blobs: report.held.count, bytes: report.held.bytes }
    await backup.finish({ ...note, damaged: report.damage })
    return { ...report, told }
  } finally {
    await backup.close()
  }
}

async function target(t: TestContext): Promise<string> {
  return join(await temporaryFolder(t), 'backup')
}

/** Deletes a file for good: without a grace its bytes go at once. */
async function destroy(app: InnerApp, id: string): Promise<void> {
  await aether(app, 'DELETE', `/files/${id}`)
  await collectGarbage({ ...app.core, clock: { now: Date.now } }, { graceMs: 0, dryRun: false })
}

const blobPath = (folder: string, digest: string): string =>
  join(folder, 'blobs', 'sha256', digest.slice(0, 2), digest.slice(2, 4), digest)

test('What is deleted for good while a backup is made is in none of it: the catalogue is copied anew, and all that it names is there', async (t) => {
  const app = await openInnerApp(t)
  const files: { id: string }[] = []
  for (let n = 0; n < 12; n++) files.push(await upload(app, `file ${n}`, `${n}.txt`))
  const to = await target(t)
  let gone: Promise<unknown> | undefined
  const meanwhile = async (): Promise<void> => {
    gone ??= Promise.all(files.slice(0, 6).map(({ id }) => destroy(app, id)))
    await gone
  }
  const { held, damage, told } = await run(app, to, { meanwhile })
  assert.deepEqual([held.count, damage, told], [6, 0, []])
  await mustBeSound(to)
})

test('Where files are deleted for good faster than they are copied, it is said so, and the backup from before holds', async (t) => {
  const app = await openInnerApp(t)
  const first = await upload(app, 'the first', 'first.txt')
  const to = await target(t)
  await run(app, to)
  const before = await readFile(join(to, 'catalogue.db'))
  let id = (await upload(app, 'number 0', '0.txt')).id
  let n = 0
  const meanwhile = async (): Promise<void> => {
    await destroy(app, id)
    id = (await upload(app, `number ${++n}`, `${n}.txt`)).id
  }
  await assert.rejects(run(app, to, { meanwhile }), BackupUnfinished)
  assert.ok((await readFile(join(to, 'catalogue.db'))).equals(before))
  assert.equal((await readFile(blobPath(to, sha256('the first')))).toString(), 'the first', first.id)
  assert.deepEqual(
    (await namesBelow(to)).filter((name) => /\.new|^tmp/.test(name)),
    [],
  )
})

test('Wrong or missing bytes are told and not copied; all else is, and a good copy from before stays', async (t) => {
  const app = await openInnerApp(t)
  const to = await target(t)
  await upload(app, 'copied before', 'a.txt')
  await run(app, to)
  for (const text of ['flipped later', 'missing later', 'cut off later', 'sound'])
    await upload(app, text, `${text}.txt`)
  const place = (text: string): string => blobPath(app.folder, sha256(text))
  await writeFile(place('copied before'), 'Copied before')
  await writeFile(place('flipped later'), 'Flipped later')
  await writeFile(place('cut off later'), 'cut')
  await rm(place('missing later'))
  const { copied, held, damage, told } = await run(app, to)
  assert.deepEqual([copied.count, held.count, damage], [1, 2, 3], 'what is damaged is not there')
  assert.deepEqual(
    told.sort(),
    [
      `blob ${sha256('cut off later')} has 3 bytes, and should have 13`,
      `blob ${sha256('flipped later')} has other bytes: their hash is ${sha256('Flipped later')}`,
      `blob ${sha256('missing later')} is missing`,
    ].sort(),
  )
  assert.equal((await readFile(blobPath(to, sha256('copied before')))).toString(), 'copied before')
  await assert.rejects(readFile(blobPath(to, sha256('flipped later'))))
  const second = await run(app, to, { prune: true, readData: true })
  assert.deepEqual([second.damage, second.pruned.count], [3, 0], 'nothing is removed while something is wrong')
})

test('What rotted in the backup is found when it is read, and mended from the store; where the store rotted too, it is told', async (t) => {
  const app = await openInnerApp(t)
  const to = await target(t)
  for (const text of ['one', 'two']) await upload(app, text, `${text}.txt`)
  await run(app, to)
  for (const text of ['one', 'two']) await writeFile(blobPath(to, sha256(text)), 'ooo')
  await writeFile(blobPath(app.folder, sha256('two')), 'xxx')
  assert.equal((await run(app, to)).copied.count, 0, 'by its length it is there')
  const { copied, told } = await run(app, to, { readData: true })
  assert.deepEqual([copied.count, told.length], [1, 1])
  assert.equal((await readFile(blobPath(to, sha256('one')))).toString(), 'one')
})

test('A second run copies what is new; what is gone from the store stays in the backup, unless that is to be pruned', async (t) => {
  const app = await openInnerApp(t)
  const to = await target(t)
  const old = await upload(app, 'soon gone', 'old.txt')
  await upload(app, 'stays', 'stays.txt')
  assert.deepEqual((await run(app, to)).copied, { count: 2, bytes: 14 })
  assert.deepEqual((await run(app, to)).copied, { count: 0, bytes: 0 })
  await upload(app, 'new', 'new.txt')
  await destroy(app, old.id)
  const second = await run(app, to)
  assert.deepEqual([second.copied, second.held.count], [{ count: 1, bytes: 3 }, 2])
  assert.equal((await readFile(blobPath(to, sha256('soon gone')))).toString(), 'soon gone')
  assert.deepEqual((await run(app, to, { prune: true })).pruned, { count: 1, bytes: 9 })
  await assert.rejects(readFile(blobPath(to, sha256('soon gone'))))
  await mustBeSound(to)
})

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { collectGarbage } from '../../src/jobs/gc.ts'
import { upload, withKey } from '../support/app.ts'
import { type InnerApp, openInnerApp } from '../support/inner-app.ts'

const parts = ({ core }: InnerApp) => ({ ...core, clock: { now: () => Date.now() } })
const remove = (app: InnerApp, id: string) =>
  fetch(`${app.url}/api/v1/files/${id}`, { method: 'DELETE', headers: withKey(app.key) })

async function blobCount(folder: string): Promise<number> {
  const names = await readdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  return names.filter((name) => /[0-9a-f]{64}$/.test(name)).length
}

test('a deleted file is out of reach at once, and its bytes stay until their grace is over', async (t) => {
  const app = await openInnerApp(t)
  const file = await upload(app, 'some bytes')
  await remove(app, file.id)
  assert.equal((await fetch(`${app.url}/m/${file.id}`)).status, 404)
  const within = await collectGarbage(parts(app), { graceMs: 60_000, dryRun: false })
  assert.deepEqual([within.removed.count, within.kept.count, await blobCount(app.folder)], [0, 1, 1])
  const planned = await collectGarbage(parts(app), { graceMs: 0, dryRun: true })
  assert.deepEqual([planned.removed.count, await blobCount(app.folder)], [1, 1])
  const done = await collectGarbage(parts(app), { graceMs: 0, dryRun: false })
  assert.deepEqual([done.removed, await blobCount(app.folder)], [{ count: 1, bytes: 10 }, 0])
})

test('bytes that another file still has are kept', async (t) => {
  const app = await openInnerApp(t)
  const [first, second] = [await upload(app, 'shared'), await upload(app, 'shared')]
  await remove(app, first.id)
  await collectGarbage(parts(app), { graceMs: 0, dryRun: false })
  assert.equal(await (await fetch(second.url)).text(), 'shared')
})

test('an upload that was cut off between its bytes and its row is collected after a grace of its own', async (t) => {
  const app = await openInnerApp(t)
  const { blobs } = app.core
  const stray = await blobs.commit(
    await blobs.stage((await import('node:stream')).Readable.from([Buffer.from('stray')]), { limitBytes: 100 }),
  )
  stray.release()
  const found = await collectGarbage(parts(app), { graceMs: 60_000, dryRun: false })
  assert.deepEqual([found.strays.count, found.removed.count], [1, 0])
  const done = await collectGarbage(parts(app), { graceMs: 0, dryRun: false })
  assert.deepEqual([done.strays.count, done.removed.count, await blobCount(app.folder)], [0, 1, 0])
})

test('a single client that uploads and deletes the same bytes beside gc always gets them back', async (t) => {
  const app = await openInnerApp(t)
  let busy = true
  const collecting = (async () => {
    while (busy) await collectGarbage(parts(app), { graceMs: 0, dryRun: false })
  })()
  for (let n = 0; n < 150; n++) {
    const file = await upload(app, 'again and again')
    assert.equal(await (await fetch(file.url)).text(), 'again and again')
    await remove(app, file.id)
  }
  busy = false
  await collecting
})

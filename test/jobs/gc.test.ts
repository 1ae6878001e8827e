import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { collectGarbage } from '../../src/jobs/gc.ts'
import { openTestApp, type TestApp, temporaryFolder, upload, withKey } from '../support/app.ts'
import { keyIn, runLarder, startServer } from '../support/process.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const parts = ({ core }: TestApp) => ({ ...core, clock: { now: () => Date.now() } })
const remove = (app: TestApp, id: string) =>
  fetch(`${app.url}/api/v1/files/${id}`, { method: 'DELETE', headers: withKey(app.key) })

async function blobCount(folder: string): Promise<number> {
  const names = await readdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  return names.filter((name) => /[0-9a-f]{64}$/.test(name)).length
}

test('a deleted file is out of reach at once, and its bytes stay until their grace is over', async (t) => {
  const app = await openTestApp(t)
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
  const app = await openTestApp(t)
  const [first, second] = [await upload(app, 'shared'), await upload(app, 'shared')]
  await remove(app, first.id)
  await collectGarbage(parts(app), { graceMs: 0, dryRun: false })
  assert.equal(await (await fetch(second.url)).text(), 'shared')
})

test('an upload that was cut off between its bytes and its row is collected after a grace of its own', async (t) => {
  const app = await openTestApp(t)
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

test('the server sweeps and collects by itself', async (t) => {
  const app = await openTestApp(t, { 'gc.interval': '1s', 'gc.grace': '0' })
  const file = await upload(app, 'soon gone')
  await remove(app, file.id)
  while ((await blobCount(app.folder)) > 0) await new Promise((resolve) => setTimeout(resolve, 50))
})

test('twenty clients sending equal bytes while gc without a grace runs beside never lose them, and there is one blob', async (t) => {
  const folder = await temporaryFolder(t)
  const server = await startServer(t, folder, { args: ['--set', 'limits.api=off', '--set', 'limits.upload=off'] })
  const key = keyIn(server.output())
  const bytes = randomBytes(1_000_000)
  let busy = true
  const collecting = (async () => {
    let runs = 0
    for (; busy; runs++) {
      const { code, stderr } = await runLarder(['--data-dir', folder, '--set', 'gc.grace=0', 'gc'])
      assert.equal(code, 0, stderr)
    }
    return runs
  })()
  const client = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) {
      const file = await upload({ url: server.url, key }, bytes, 'same.bin', 'application/octet-stream')
      const back = new Uint8Array(await (await fetch(file.url)).arrayBuffer())
      assert.equal(sha256(back), sha256(bytes))
      // Half of them go again, so that the blob is without a name, doomed and revived over and over.
      if (n % 2 === 0) await fetch(`${server.url}/api/v1/files/${file.id}`, { method: 'DELETE', headers: withKey(key) })
    }
  }
  await Promise.all(Array.from({ length: 20 }, client)).finally(() => {
    busy = false
  })
  assert.ok((await collecting) > 1)
  assert.equal(await blobCount(folder), 1)
  const fsck = await runLarder(['--data-dir', folder, 'fsck', '--read-data'])
  assert.equal(fsck.code, 0, fsck.stdout)
  await server.stop('SIGTERM')
})

test('a single client that uploads and deletes the same bytes beside gc always gets them back', async (t) => {
  const app = await openTestApp(t)
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

test('gc runs by itself where no server does', async (t) => {
  const folder = await temporaryFolder(t)
  const app = await openTestApp(t, { 'data.dir': folder })
  await app.close()
  const blob = join(folder, 'blobs', 'sha256')
  const digest = sha256(Buffer.from('x'))
  await (await import('node:fs/promises')).mkdir(join(blob, digest.slice(0, 2), digest.slice(2, 4)), {
    recursive: true,
  })
  await writeFile(join(blob, digest.slice(0, 2), digest.slice(2, 4), digest), 'x')
  const dry = await runLarder(['--data-dir', folder, '--set', 'gc.grace=0', 'gc', '--dry-run'])
  assert.match(dry.stdout, /Would remove 1 blob \(1 bytes\)/)
  const wet = await runLarder(['--data-dir', folder, '--set', 'gc.grace=0', 'gc'])
  assert.match(wet.stdout, /Removed 1 blob \(1 bytes\)/)
  assert.equal(await blobCount(folder), 0)
  assert.ok((await stat(folder)).isDirectory())
})

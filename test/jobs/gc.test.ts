import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTestApp, type TestApp, temporaryFolder, upload, withKey } from '../support/app.ts'
import { keyIn, runLarder, startServer } from '../support/process.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const remove = (app: TestApp, id: string) =>
  fetch(`${app.url}/api/v1/files/${id}`, { method: 'DELETE', headers: withKey(app.key) })

async function blobCount(folder: string): Promise<number> {
  const names = await readdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  return names.filter((name) => /[0-9a-f]{64}$/.test(name)).length
}

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

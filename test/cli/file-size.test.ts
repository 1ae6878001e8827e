import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { formWith, temporaryFolder, upload, withKey } from '../support/app.ts'
import { keyIn, spawnServer, startServer } from '../support/process.ts'

const MiB = 1024 ** 2

/** As a file system does that takes no larger files (FAT: 4 GiB); in units of 512 bytes. */
const noLargerThan = (bytes: number): string[] => ['sh', '-c', `ulimit -f ${bytes / 512}; exec "$@"`, 'sh']

test('A file larger than the file system takes is refused with why, nothing of it stays, and smaller ones go on', async (t) => {
  const folder = await temporaryFolder(t)
  const server = await startServer(t, folder, { wrap: noLargerThan(32 * MiB) })
  const key = keyIn(server.output())
  const response = await fetch(`${server.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: withKey(key),
    body: formWith(new Uint8Array(33 * MiB)),
  })
  assert.equal(response.status, 507)
  assert.match(await response.text(), /the data folder's file system takes no file of this size; nothing was kept/)
  assert.deepEqual(await readdir(join(folder, 'tmp')), [])
  const { size } = await upload({ url: server.url, key }, 'small')
  assert.equal(size, 5)
})

test('A database that may not grow is told in a sentence, and the start goes on where it stopped once it may', async (t) => {
  const folder = await temporaryFolder(t)
  const { found } = spawnServer(t, folder, { wrap: noLargerThan(50 * 1024) })
  const told =
    /: larder: a database could not be .*\(SQLITE_IOERR_\w+\): a full disk, a quota.*What was answered is safe\n$/
  await assert.rejects(found(/http:/), told)
  const server = await startServer(t, folder)
  assert.notEqual(keyIn(server.output()), '')
})

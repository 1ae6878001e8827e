import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sizeInWords } from '../../src/http/aether/views.ts'
import { aether, makeFolder } from '../support/aether.ts'
import { openTestApp, upload, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'

const KB = 1024
const MB = 1024 * KB
const GB = 1024 * MB

test('Sizes are told in binary units, with one decimal below a hundred and none from there on', () => {
  const words: [number, string][] = [
    [0, '0 B'],
    [1, '1 B'],
    [1_023, '1023 B'],
    [KB, '1.0 KB'],
    [1_536, '1.5 KB'],
    [99.9 * KB, '99.9 KB'],
    [99.94 * KB, '99.9 KB'],
    [99.95 * KB, '100 KB'],
    [100 * KB, '100 KB'],
    [100.4 * KB, '100 KB'],
    [1_023 * KB, '1023 KB'],
    [MB - 1, '1.0 MB'],
    [MB, '1.0 MB'],
    [500 * MB, '500 MB'],
    [GB, '1.0 GB'],
    [1.25 * GB, '1.3 GB'],
    [1024 * GB, '1.0 TB'],
    [1024 * 1024 * GB, '1.0 PB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PB'],
    [5_000 * 1024 * 1024 * GB, '5000 PB'],
  ]
  for (const [bytes, text] of words) assert.equal(sizeInWords(bytes), text, String(bytes))
})

test('The statistics count files, folders and bytes, and what was sent this month and no other', async (t) => {
  const clock = new MovingClock()
  clock.goTo('2026-10-31T23:00:00Z')
  const app = await openTestApp(t, {}, { clock })
  const stats = async () => {
    await app.activityKept()
    return (await aether(app, 'GET', '/user/stats')).body.stats
  }
  assert.deepEqual(await stats(), {
    totalFiles: 0,
    totalSize: 0,
    totalFolders: 0,
    storageUsed: '0 B',
    bandwidthUsed: '0 B',
  })
  const folderId = await makeFolder(app, 'a')
  await makeFolder(app, 'b', folderId)
  const file = await upload(app, Buffer.alloc(1.5 * MB), 'big.bin', 'application/octet-stream', { folderId })
  await upload(app, Buffer.alloc(1.5 * MB), 'same.bin', 'application/octet-stream')
  const read = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(app.url + path, { headers })).arrayBuffer()
  assert.equal((await stats()).bandwidthUsed, '0 B')
  await read(`/m/${file.id}`)
  await read(`/d/${file.id}`)
  await read(`/api/v1/files/${file.id}/download`, withKey(app.key))
  assert.deepEqual(await stats(), {
    totalFiles: 2,
    totalSize: 3 * MB,
    totalFolders: 2,
    storageUsed: '3.0 MB',
    bandwidthUsed: '4.5 MB',
  })
  await read(`/m/${file.id}`, { Range: `bytes=0-${512 * KB - 1}` })
  assert.equal((await stats()).bandwidthUsed, '5.0 MB')
  await fetch(`${app.url}/m/${file.id}`, { method: 'HEAD' })
  await read(`/m/${file.id}`, { 'If-None-Match': '*' })
  await read(`/m/${file.id}`, { Range: 'bytes=99999999-' })
  assert.equal((await stats()).bandwidthUsed, '5.0 MB', 'answers without a body send nothing')
  clock.goTo('2026-11-01T00:00:00Z')
  assert.equal((await stats()).bandwidthUsed, '0 B')
  await aether(app, 'DELETE', `/files/${file.id}`)
  clock.goTo('2026-10-31T23:59:00Z')
  assert.equal((await stats()).bandwidthUsed, '5.0 MB', 'what was sent of a deleted file was sent')
})

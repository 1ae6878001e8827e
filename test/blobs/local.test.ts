import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { type Disk, disk } from '../../src/blobs/disk.ts'
import { prepareFolder } from '../../src/blobs/layout.ts'
import { LocalBlobs } from '../../src/blobs/local.ts'
import { Failure } from '../../src/core/failure.ts'
import { blobStoreContract } from '../contract/blobs.ts'
import { temporaryFolder } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'

async function openStore(t: TestContext, options: { reserveBytes?: number; disk?: Disk } = {}) {
  const folder = await prepareFolder(await temporaryFolder(t))
  const store = new LocalBlobs({ folder, reserveBytes: 0, ...options })
  atEnd(t, () => store.close())
  return { store, folder }
}

blobStoreContract('blobs on the local disk', async (t) => {
  const { store, folder } = await openStore(t)
  return { store, leftovers: async () => (await readdir(folder.tmp)).length }
})

const isFull = (error: unknown) => error instanceof Failure && error.code === 'disk_full'

async function receiveTwo(store: LocalBlobs, size: number) {
  const id = randomUUID()
  const parts = []
  for (const number of [1, 2]) {
    const source = Readable.from([randomBytes(size)])
    const part = await store.parts.receive(id, source, { limitBytes: size })
    parts.push({ ...part, number, contentType: null })
  }
  return { id, parts }
}

test('parts are not put together where the copy would leave less room than is kept free', async (t) => {
  const { store } = await openStore(t, { reserveBytes: Number.MAX_SAFE_INTEGER })
  const { id, parts } = await receiveTwo(store, 1_000)
  await assert.rejects(() => store.parts.assemble(id, parts), isFull)
  assert.equal((await store.parts.files(id)).size, 2)
  assert.equal((await store.parts.assemble(id, parts.slice(1))).size, 1_000, 'one part needs no room')
})

for (const operation of ['write', 'syncFile', 'link', 'rename', 'syncFolder'] as const) {
  test(`parts are all there still when the disk is full at ${operation} while they are put together and committed`, async (t) => {
    let isDiskFull = false
    const failing: Disk = {
      ...disk,
      [operation]: async (...input: never[]) => {
        if (isDiskFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        return (disk[operation] as (...input: never[]) => Promise<unknown>)(...input)
      },
    }
    const { store, folder } = await openStore(t, { disk: failing })
    const { id, parts } = await receiveTwo(store, 600_000)
    isDiskFull = true
    await assert.rejects(async () => store.commit(await store.parts.assemble(id, parts)), isFull)
    isDiskFull = false
    assert.equal((await store.parts.files(id)).size, 2)
    assert.deepEqual(await readdir(folder.tmp), [])
    const placed = await store.commit(await store.parts.assemble(id, parts))
    assert.equal(placed.size, 1_200_000)
    placed.release()
  })
}

for (const code of ['EPERM', 'ENOTSUP', 'EMLINK']) {
  test(`where a file has one name only (${code}), parts put together become a blob by a copy`, async (t) => {
    const link = () => Promise.reject(Object.assign(new Error('no links'), { code }))
    const { store, folder } = await openStore(t, { disk: { ...disk, link } })
    const { id, parts } = await receiveTwo(store, 600_000)
    const staged = await store.parts.assemble(id, parts)
    for (let n = 0; n < 2; n++) (await store.commit(staged)).release()
    assert.equal(
      createHash('sha256')
        .update(await store.read(staged.digest))
        .digest('hex'),
      staged.digest,
    )
    assert.deepEqual([(await store.parts.files(id)).size, await readdir(folder.tmp)], [2, []])
    assert.equal((await stat(store.pathOf(staged.digest))).nlink, 1)
  })
}

test('the file of a blob is not written to by parts that are put together another way', async (t) => {
  const { store, folder } = await openStore(t)
  const { id, parts } = await receiveTwo(store, 600_000)
  const first = await store.parts.assemble(id, parts)
  ;(await store.commit(first)).release()
  const whole = await store.read(first.digest)
  const [one] = parts
  assert.ok(one)
  for (const others of [[one], [one, one], parts]) {
    const staged = await store.parts.assemble(id, others)
    assert.equal(staged.isKept, false)
    assert.ok((await store.read(first.digest)).equals(whole))
    await store.discard(staged)
  }
  assert.deepEqual(await readdir(folder.tmp), [])
  await store.remove(first.digest, async () => true)
  assert.equal((await store.parts.assemble(id, parts)).isKept, true, 'no blob any more')
})

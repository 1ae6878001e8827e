import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { Failure } from '../../src/core/failure.ts'
import type { UploadPart } from '../../src/core/model.ts'
import type { BlobStore } from '../../src/core/ports.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const unlimited = { limitBytes: Number.MAX_SAFE_INTEGER }

export interface OpenedStore {
  readonly store: BlobStore
  /** How many files that are no blobs (staged bytes, leftovers) lie about. */
  readonly leftovers: () => Promise<number>
}

/** What every blob store promises, whatever it keeps its bytes in. */
export function blobStoreContract(name: string, open: (t: TestContext) => Promise<OpenedStore>): void {
  const promise = (sentence: string, check: (opened: OpenedStore, t: TestContext) => Promise<void>): void => {
    test(`${name}: ${sentence}`, async (t) => check(await open(t), t))
  }

  /** Sizes around every border at which staging changes its way: one chunk, one batch, one hashing on a thread, one early sync. */
  for (const size of [0, 1, 65_535, 65_536, 262_143, 262_144, 262_145, 1_048_577, 34_000_000]) {
    promise(`${size} bytes come back as they went in, under their SHA-256`, async ({ store }) => {
      const bytes = randomBytes(size)
      const staged = await store.stage(chunked(bytes), unlimited)
      assert.equal(staged.digest, sha256(bytes))
      assert.equal(staged.size, size)
      assert.deepEqual(Buffer.from(staged.head), bytes.subarray(0, 4_100))
      const placed = await store.commit(staged)
      placed.release()
      assert.deepEqual(await buffer(await store.open(placed.digest)), bytes)
      assert.deepEqual(await store.stat(placed.digest), { digest: placed.digest, size })
    })
  }

  promise('staged bytes are reachable by nobody', async ({ store }) => {
    const bytes = randomBytes(1_000)
    await store.stage(Readable.from([bytes]), unlimited)
    assert.equal(await store.stat(sha256(bytes)), undefined)
    assert.deepEqual(await all(store), [])
  })

  promise('a part of a blob can be read', async ({ store }) => {
    const bytes = randomBytes(700_000)
    const digest = await put(store, bytes)
    assert.deepEqual(await buffer(await store.open(digest, { start: 0, end: 0 })), bytes.subarray(0, 1))
    assert.deepEqual(await buffer(await store.open(digest, { start: 300_000, end: 699_999 })), bytes.subarray(300_000))
    assert.deepEqual(await store.read(digest), bytes)
  })

  promise('a missing blob is not found', async ({ store }) => {
    const missing = sha256(Buffer.from('nobody has this'))
    for (const ask of [() => store.open(missing), () => store.read(missing)]) {
      await assert.rejects(ask, (error) => error instanceof Failure && error.code === 'not_found')
    }
    assert.equal(await store.stat(missing), undefined)
    assert.equal(await store.remove(missing, async () => true), true)
  })

  promise('discarded bytes leave nothing, and may be discarded twice', async ({ store, leftovers }) => {
    const staged = await store.stage(Readable.from([randomBytes(1_000)]), unlimited)
    await store.discard(staged)
    await store.discard(staged)
    assert.equal(await leftovers(), 0)
    await assert.rejects(() => store.commit(staged), TypeError)
  })

  promise('more bytes than allowed are refused, and leave nothing', async ({ store, leftovers }) => {
    const source = chunked(randomBytes(400_000))
    await assert.rejects(
      () => store.stage(source, { limitBytes: 399_999 }),
      (error) => error instanceof Failure && error.code === 'too_large',
    )
    assert.equal(source.destroyed, true)
    assert.equal(await leftovers(), 0)
    assert.equal((await store.stage(chunked(randomBytes(400_000)), { limitBytes: 400_000 })).size, 400_000)
  })

  for (const after of [0, 100_000, 600_000, 2_000_000]) {
    promise(`a source that fails after ${after} bytes leaves nothing`, async ({ store, leftovers }) => {
      const source = Readable.from(failing(after))
      await assert.rejects(() => store.stage(source, unlimited), /the line is dead/)
      assert.equal(await leftovers(), 0)
    })
  }

  promise('whoever counts the bytes may stop them', async ({ store, leftovers }) => {
    const counted: number[] = []
    const onBytes = async (bytes: number): Promise<void> => {
      counted.push(bytes)
      if (bytes > 200_000) throw new Failure('quota_exceeded', { of: 'bytes', limit: 200_000, used: 0 })
    }
    const staging = store.stage(chunked(randomBytes(400_000)), { ...unlimited, onBytes })
    await assert.rejects(staging, (error) => error instanceof Failure && error.code === 'quota_exceeded')
    assert.deepEqual(counted.slice(0, 3), [65_536, 131_072, 196_608])
    assert.equal(await leftovers(), 0)
  })

  promise('equal bytes are one blob, also when twenty send them at once', async ({ store, leftovers }) => {
    const bytes = randomBytes(500_000)
    const placed = await Promise.all(
      Array.from({ length: 20 }, async () => store.commit(await store.stage(chunked(bytes), unlimited))),
    )
    for (const one of placed) one.release()
    assert.deepEqual(await all(store), [{ digest: sha256(bytes), size: bytes.length }])
    assert.deepEqual(await store.read(sha256(bytes)), bytes)
    assert.equal(await leftovers(), 0)
  })

  promise('a held blob is not removed before its release', async ({ store }) => {
    const bytes = randomBytes(100)
    const first = await store.commit(await store.stage(Readable.from([bytes]), unlimited))
    const second = await store.commit(await store.stage(Readable.from([bytes]), unlimited))
    first.release()
    first.release()
    assert.equal(await store.remove(first.digest, async () => true), false)
    second.release()
    assert.equal(await store.remove(first.digest, async () => true), true)
    assert.equal(await store.stat(first.digest), undefined)
  })

  promise('a removal that is not confirmed removes nothing', async ({ store }) => {
    const digest = await put(store, randomBytes(100))
    assert.equal(await store.remove(digest, async () => false), false)
    assert.notEqual(await store.stat(digest), undefined)
  })

  promise('a commit during a removal of the same bytes waits, and wins', async ({ store }) => {
    const bytes = randomBytes(100)
    const digest = await put(store, bytes)
    const staged = await store.stage(Readable.from([bytes]), unlimited)
    let confirm: (yes: boolean) => void = () => {}
    const removal = store.remove(digest, () => new Promise((resolve) => (confirm = resolve)))
    let committed = false
    const commit = store.commit(staged).then((placed) => {
      committed = true
      return placed
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(committed, false)
    confirm(true)
    assert.equal(await removal, true)
    ;(await commit).release()
    assert.deepEqual(await store.read(digest), bytes)
  })

  promise('all blobs are listed once, in the order of their digests', async ({ store }) => {
    const digests = await Promise.all(Array.from({ length: 40 }, (_, n) => put(store, Buffer.from(`blob ${n}`))))
    assert.deepEqual(
      (await all(store)).map((blob) => blob.digest),
      [...digests].sort(),
    )
  })

  promise('bytes in quarantine are missing from the store', async ({ store }) => {
    const digest = await put(store, randomBytes(100))
    await store.quarantine(digest)
    assert.equal(await store.stat(digest), undefined)
  })

  promise(
    'a blob that is held is not removed before its release, and one that is missing is not held',
    async ({ store }) => {
      const digest = await put(store, randomBytes(100))
      const held = await store.hold(digest)
      assert.deepEqual([held?.digest, held?.size], [digest, 100])
      assert.equal(await store.remove(digest, async () => true), false)
      held?.release()
      assert.equal(await store.remove(digest, async () => true), true)
      assert.equal(await store.hold(digest), undefined)
      assert.equal(await store.remove(digest, async () => true), true, 'nobody holds what is missing')
    },
  )

  promise('whoever would hold a blob during its removal waits, and does not get it', async ({ store }) => {
    const digest = await put(store, randomBytes(100))
    let confirm: (yes: boolean) => void = () => {}
    const removal = store.remove(digest, () => new Promise((resolve) => (confirm = resolve)))
    const hold = store.hold(digest)
    confirm(true)
    assert.equal(await removal, true)
    assert.equal(await hold, undefined)
  })

  promise('parts are kept by their upload, and reachable by nobody', async ({ store }) => {
    const [one, other] = [randomUUID(), randomUUID()]
    const part = await receive(store, one, 1, randomBytes(3_000))
    await receive(store, other, 1, randomBytes(10))
    assert.deepEqual([...(await store.parts.files(one))], [[part.file, 3_000]])
    assert.deepEqual((await store.parts.uploads()).sort(), [one, other].sort())
    assert.equal(await store.stat(part.digest), undefined)
    await store.parts.drop(one)
    await store.parts.drop(one)
    assert.equal((await store.parts.files(one)).size, 0)
    assert.deepEqual(await store.parts.uploads(), [other])
  })

  promise('a part is removed by itself, also when it is gone already', async ({ store }) => {
    const id = randomUUID()
    const [first, second] = [await receive(store, id, 1, randomBytes(10)), await receive(store, id, 2, randomBytes(20))]
    await store.parts.remove(id, first.file)
    await store.parts.remove(id, first.file)
    assert.deepEqual([...(await store.parts.files(id))], [[second.file, 20]])
  })

  promise('a part that is refused, or whose source fails, leaves nothing', async ({ store }) => {
    const id = randomUUID()
    const source = chunked(randomBytes(400_000))
    await assert.rejects(() => store.parts.receive(id, source, { limitBytes: 399_999 }), isFailureOf('too_large'))
    assert.equal(source.destroyed, true)
    await assert.rejects(() => store.parts.receive(id, Readable.from(failing(600_000)), unlimited), /the line is dead/)
    assert.equal((await store.parts.files(id)).size, 0)
  })

  promise('a part of an upload that is dropped meanwhile is not found, and leaves nothing', async ({ store }) => {
    const id = randomUUID()
    async function* dropping() {
      yield randomBytes(300_000)
      await store.parts.drop(id)
      yield randomBytes(300_000)
    }
    await assert.rejects(() => store.parts.receive(id, Readable.from(dropping()), unlimited), isFailureOf('not_found'))
    assert.deepEqual(await store.parts.uploads(), [])
  })

  /** Around the borders of reading and writing in chunks, with empty parts first, last and between. */
  for (const sizes of [
    [5_000_000],
    [0],
    [0, 0],
    [1, 0, 2],
    [0, 300_000, 1],
    [262_144, 1_048_576, 1_048_577],
    [3, ...Array<number>(200).fill(1_500)],
    [20_000_000, 20_000_000],
  ]) {
    const text = sizes.length > 5 ? `${sizes.length} parts` : `parts of ${sizes.join(' and ')} bytes`
    promise(`${text} are put together to one blob`, async ({ store, leftovers }) => {
      const id = randomUUID()
      const { parts, whole } = await receiveAll(store, id, sizes)
      const staged = await store.parts.assemble(id, parts)
      assert.deepEqual([staged.digest, staged.size], [sha256(whole), whole.length])
      assert.deepEqual(Buffer.from(staged.head), whole.subarray(0, 4_100))
      ;(await store.commit(staged)).release()
      assert.deepEqual(await store.read(staged.digest), whole)
      await store.parts.drop(id)
      assert.equal(await leftovers(), 0)
      assert.deepEqual(await store.parts.uploads(), [])
    })
  }

  promise('parts put together twice, and other ones in between, come to what they are', async ({ store }) => {
    const id = randomUUID()
    const { parts, whole } = await receiveAll(store, id, [700_000, 300_000, 500_000])
    const [first, second, third] = parts as [UploadPart, UploadPart, UploadPart]
    assert.equal((await store.parts.assemble(id, parts)).digest, sha256(whole))
    const turned = [whole.subarray(700_000, 1_000_000), whole.subarray(0, 700_000)]
    // The first one's file is longer than its part by now.
    assert.equal((await store.parts.assemble(id, [second, first])).digest, sha256(Buffer.concat(turned)))
    assert.equal((await store.parts.assemble(id, [third])).digest, third.digest)
    assert.equal((await store.parts.assemble(id, [first])).size, 700_000)
    const again = await store.parts.assemble(id, parts)
    ;(await store.commit(again)).release()
    assert.deepEqual(await store.read(sha256(whole)), whole)
  })

  promise(
    'parts stay when they are committed, and can be committed again without being read',
    async ({ store, leftovers }) => {
      const id = randomUUID()
      const { parts, whole } = await receiveAll(store, id, [700_000, 300_000])
      const [first, second] = parts as [UploadPart, UploadPart]
      const staged = await store.parts.assemble(id, parts)
      ;(await store.commit(staged)).release()
      assert.equal((await store.parts.files(id)).size, 2)
      await store.remove(staged.digest, async () => true)
      for (let n = 0; n < 2; n++) {
        const again = await store.parts.assembled(id, first, staged)
        assert.ok(again)
        assert.deepEqual(Buffer.from(again.head), whole.subarray(0, 4_100))
        ;(await store.commit(again)).release()
        assert.deepEqual(await store.read(staged.digest), whole)
      }
      assert.equal(await store.parts.assembled(id, second, staged), undefined)
      assert.equal((await store.parts.assemble(id, [second, first])).size, 1_000_000)
      assert.deepEqual(await store.read(staged.digest), whole)
      await store.parts.drop(id)
      assert.deepEqual(await store.read(staged.digest), whole)
      assert.equal(await leftovers(), 0)
    },
  )

  promise('parts that are put together and not committed stay as they are', async ({ store }) => {
    const id = randomUUID()
    const { parts, whole } = await receiveAll(store, id, [400_000, 100])
    await store.discard(await store.parts.assemble(id, parts))
    assert.equal((await store.parts.assemble(id, parts)).digest, sha256(whole))
  })

  promise('a part without its file is not found by its name, and nothing is lost of the others', async ({ store }) => {
    const id = randomUUID()
    const { parts, whole } = await receiveAll(store, id, [200_000, 300_000, 10])
    const lost = parts[1] as UploadPart
    await store.parts.remove(id, lost.file)
    const isLost = (error: unknown) =>
      error instanceof Failure && error.code === 'not_found' && (error.detail as { id: string }).id === lost.file
    await assert.rejects(() => store.parts.assemble(id, parts), isLost)
    await assert.rejects(() => store.parts.assemble(id, [lost]), isLost)
    const sent = await receive(store, id, 2, whole.subarray(200_000, 500_000))
    const all = parts.map((part) => (part === lost ? sent : part))
    assert.equal((await store.parts.assemble(id, all)).digest, sha256(whole))
  })

  promise("nothing but an upload's id leads to parts", async ({ store }) => {
    for (const id of ['', '..', '../blobs', `${randomUUID()}/..`]) {
      await assert.rejects(async () => store.parts.drop(id), TypeError)
      await assert.rejects(async () => store.parts.files(id), TypeError)
    }
    await assert.rejects(async () => store.parts.remove(randomUUID(), '../x'), TypeError)
  })

  promise('a probe says that it can be written to, and leaves nothing', async ({ store, leftovers }) => {
    await store.probe()
    assert.equal(await leftovers(), 0)
    assert.ok((await store.room()) > 0)
  })
}

const isFailureOf = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

async function receive(store: BlobStore, id: string, number: number, bytes: Buffer): Promise<UploadPart> {
  const { digest, size, file } = await store.parts.receive(id, chunked(bytes), unlimited)
  assert.deepEqual([digest, size], [sha256(bytes), bytes.length])
  return { number, file, digest, size, contentType: null }
}

/** Received at once, and given in the order of their numbers. */
async function receiveAll(store: BlobStore, id: string, sizes: readonly number[]) {
  const bytes = sizes.map((size) => randomBytes(size))
  const parts = await Promise.all(bytes.map((one, at) => receive(store, id, at + 1, one)))
  return { parts, whole: Buffer.concat(bytes) }
}

function chunked(bytes: Buffer): Readable {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 65_536) chunks.push(bytes.subarray(at, at + 65_536))
  return Readable.from(chunks)
}

function* failing(after: number): Generator<Buffer> {
  for (let sent = 0; sent < after; sent += 50_000) yield randomBytes(50_000)
  throw new Error('the line is dead')
}

async function put(store: BlobStore, bytes: Buffer): Promise<string> {
  const placed = await store.commit(await store.stage(Readable.from([bytes]), unlimited))
  placed.release()
  return placed.digest
}

async function all(store: BlobStore): Promise<{ digest: string; size: number }[]> {
  const found = []
  for await (const blob of store.list()) found.push(blob)
  return found
}

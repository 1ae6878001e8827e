import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { Failure } from '../../src/core/failure.ts'
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

  promise('a probe says that it can be written to, and leaves nothing', async ({ store, leftovers }) => {
    await store.probe()
    assert.equal(await leftovers(), 0)
    assert.ok((await store.room()) > 0)
  })
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

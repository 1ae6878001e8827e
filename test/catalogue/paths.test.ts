import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { ListCursor } from '../../src/core/catalogue.ts'
import { Failure } from '../../src/core/failure.ts'
import type { PathEntry } from '../../src/core/model.ts'
import { partsDigest } from '../../src/core/parts.ts'
import { newAccount, openTestCatalogue, publication, putting } from '../support/catalogue.ts'
import { thisFile } from '../support/shared.ts'

const { catalogue, folder } = await openTestCatalogue(thisFile)

const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

/** An account of the test's own, and what can be done to its tree. */
async function open() {
  const accountId = await newAccount(catalogue, `${randomUUID()}@example.org`)
  const change = { accountId, prefix: null as string | null, message: '', now: 2 }
  const at = (path: string) => catalogue.read.entryAt(accountId, path)
  return {
    accountId,
    change,
    at,
    put: (path: string, size = 10, wish = {}) => catalogue.write.putFile(putting(accountId, path, size, wish)),
    mkdir: (path: string, wish = {}) => catalogue.write.makeFolderAt({ ...change, path, ...wish }),
    move: (from: string, to: string, wish = {}) => catalogue.write.moveEntry({ ...change, from, to, ...wish }),
    remove: (path: string, wish = {}) => catalogue.write.deleteEntry({ ...change, path, ...wish }),
    mustBe: async (path: string): Promise<PathEntry> => {
      const found = await at(path)
      assert.ok(found, path)
      return found
    },
    names: async (path: string) =>
      (await catalogue.read.list({ accountId, folder: path, limit: 100 })).entries.map((found) => found.path),
  }
}

test('A file that is put at a path is private, has the last part as its name, and makes the folders above', async () => {
  const { put, mustBe, at, names } = await open()
  const { file, tx, replaced } = await put('a/b/c.txt')
  assert.deepEqual([file.name, file.isPublic, tx, replaced], ['c.txt', false, 1, false])
  const there = await mustBe('a/b/c.txt')
  assert.deepEqual([there.file, there.tx, there.txAt], [file, 1, 1])
  const above = await mustBe('a/')
  assert.deepEqual([above.file, above.tx, above.path], [null, 1, 'a/'])
  assert.equal(await at('a'), undefined, 'a folder is no file')
  assert.equal(await at('a/b/c.txt/'), undefined, 'nor is a file a folder')
  assert.equal(await at('a/b/c.txt/d'), undefined)
  assert.deepEqual(await catalogue.read.entry(there.entryId), there)
  assert.deepEqual(await catalogue.read.entry(above.entryId), above)
  assert.deepEqual(await names('a/'), ['a/b/'])
})

test('Put again at its path, a file is another one at the same place', async () => {
  const { accountId, put, mustBe } = await open()
  const first = await put('a.txt', 10, { file: { description: 'mine', tags: ['x'], isPublic: true } })
  assert.equal((await catalogue.read.file(first.file.fileId))?.size, 10)
  const second = await put('a.txt', 30, { now: 5 })
  assert.equal(second.replaced, true)
  assert.equal(await catalogue.read.file(first.file.fileId), undefined)
  const { file, createdAt, tx, txAt } = await mustBe('a.txt')
  assert.deepEqual([file?.fileId, file?.size, file?.entryId], [second.file.fileId, 30, first.file.entryId])
  assert.deepEqual([file?.description, file?.tags, file?.isPublic], ['mine', ['x'], true])
  assert.deepEqual([createdAt, tx, txAt], [1, 2, 5])
  const { filesBelow, bytesBelow } = await catalogue.read.root(accountId)
  assert.deepEqual([filesBelow, bytesBelow], [1, 30])
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('Nothing is put onto a folder, below a file, or outside of a key’s prefix', async () => {
  const { accountId, put, mkdir, move } = await open()
  await put('a/b.txt')
  await assert.rejects(put('a'), isFailure('conflict'))
  await assert.rejects(put('a/b.txt/c'), isFailure('conflict'))
  await assert.rejects(put('a/b.txt/c/d'), isFailure('conflict'))
  await assert.rejects(mkdir('a/b.txt/'), isFailure('conflict'))
  await assert.rejects(mkdir('a/b.txt/c/'), isFailure('conflict'))
  await assert.rejects(move('a/b.txt', 'a'), isFailure('conflict'))
  for (const path of ['docs2/a', 'docs', 'a'])
    await assert.rejects(put(path, 10, { prefix: 'docs/' }), isFailure('forbidden'))
  await assert.rejects(move('a/b.txt', 'docs/b.txt', { prefix: 'docs/' }), isFailure('forbidden'))
  await assert.rejects(mkdir('docs2/', { prefix: 'docs/' }), isFailure('forbidden'))
  await put('docs/a', 10, { prefix: 'docs/' })
  const { filesBelow } = await catalogue.read.root(accountId)
  assert.equal(filesBelow, 2)
  assert.equal((await catalogue.read.history({ accountId, limit: 10 })).length, 2, 'what is refused leaves no gap')
})

test('Names of routes may be folders at the root where somebody says paths', async () => {
  const { accountId, put, mustBe } = await open()
  await put('log/a.txt')
  await mustBe('log/a.txt')
  await catalogue.write.publishFiles(publication(accountId, 'b.txt', 1, { segments: ['stats'] }))
  await mustBe('stats/b.txt')
})

test('A folder is made once, and those above it', async () => {
  const { mkdir, mustBe } = await open()
  assert.deepEqual(await mkdir('a/b/'), { created: true })
  assert.deepEqual(await mkdir('a/b/'), { created: false })
  assert.deepEqual(await mkdir('a/'), { created: false })
  assert.equal((await mustBe('a/b/')).tx, 1)
})

test('A moved file keeps all but its path and its name', async () => {
  const { put, move, mustBe, at } = await open()
  const { file } = await put('a/b.txt', 10, { file: { description: 'mine' } })
  await catalogue.read.file(file.fileId)
  assert.deepEqual(await move('a/b.txt', 'x/y/c.txt'), { tx: 2, at: 2 })
  assert.equal(await at('a/b.txt'), undefined)
  const moved = await mustBe('x/y/c.txt')
  const { folderId, ...rest } = (await catalogue.read.file(file.fileId)) ?? file
  assert.deepEqual(moved.file, { ...rest, folderId })
  assert.deepEqual({ ...rest, folderId: file.folderId }, { ...file, name: 'c.txt' })
  assert.deepEqual([moved.entryId, moved.tx, moved.txAt], [file.entryId, 2, 2])
  assert.equal((await mustBe('a/')).tx, 1, 'the emptied folder stays')
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('A moved folder takes along what is in it, which stays as it was', async () => {
  const { put, move, mustBe, at } = await open()
  await put('a/b/c.txt')
  await put('a/d.txt')
  await move('a/', 'x/')
  assert.equal(await at('a/'), undefined)
  assert.deepEqual([(await mustBe('x/')).tx, (await mustBe('x/b/c.txt')).tx], [3, 1])
  await move('x/b/', 'b/')
  await mustBe('b/c.txt')
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('Nothing is moved from nowhere, onto something, or into itself', async () => {
  const { put, move } = await open()
  await put('a/b/c.txt')
  await put('d')
  await assert.rejects(move('nowhere', 'e'), isFailure('not_found'))
  await assert.rejects(move('d/', 'e/'), isFailure('not_found'))
  await assert.rejects(move('a', 'e'), isFailure('not_found'))
  for (const to of ['a/b/c.txt', 'd', 'a', 'd/e', 'a/b/c.txt/d'])
    await assert.rejects(move('d', to), isFailure('conflict'))
  await assert.rejects(move('a/', 'a/'), isFailure('conflict'))
  await assert.rejects(move('a/', 'd/'), isFailure('conflict'))
  await assert.rejects(move('a/', 'a/b/x/'), isFailure('invalid'))
  await assert.rejects(move('a/', 'a/x/'), isFailure('invalid'))
  await move('a/', 'aa/')
})

test('A deleted folder is gone at once with all below, of which files and empty folders are counted', async () => {
  const { accountId, put, mkdir, remove, at, names } = await open()
  const { file } = await put('a/b/c.txt')
  const d = await put('a/b/d.txt')
  await mkdir('a/empty/')
  await mkdir('a/e/f/')
  const kept = await at('a/b/c.txt')
  assert.deepEqual(await remove('a/'), { tx: 5, at: 2, deleted: 4 })
  for (const path of ['a/', 'a/b/', 'a/b/c.txt']) assert.equal(await at(path), undefined)
  assert.deepEqual([await names(''), await names('a/')], [[], []])
  assert.equal(await catalogue.read.entry(kept?.entryId ?? ''), undefined)
  assert.equal(await catalogue.read.file(file.fileId), undefined)
  assert.equal(await catalogue.read.fileOfBlob(accountId, d.file.digest, ''), undefined)
  await mkdir('empty/')
  assert.equal((await remove('empty/')).deleted, 1)
  await assert.rejects(remove('empty/'), isFailure('not_found'))
  await put('f')
  await assert.rejects(remove('f/'), isFailure('not_found'))
  assert.equal((await remove('f')).deleted, 1)
  while ((await catalogue.write.sweepDetached({ limit: 2, now: 3 })).left);
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('A level lists folders and then files, each by their bytes, and goes on by cursor or by offset alike', async () => {
  const { accountId, put, mkdir, names } = await open()
  for (const name of ['z', 'Ä', 'a', 'B', '~']) await put(`l/${name}`)
  for (const name of ['z2', 'Ä2', 'a2', 'b2']) await mkdir(`l/${name}/`)
  const all = ['l/a2/', 'l/b2/', 'l/z2/', 'l/Ä2/', 'l/B', 'l/a', 'l/z', 'l/~', 'l/Ä']
  assert.deepEqual(await names('l/'), all)
  for (const limit of [1, 2, 3, 4, 5, 8, 9, 10]) {
    let after: ListCursor | undefined
    for (let offset = 0; offset < all.length; offset += limit) {
      const wish = { accountId, folder: 'l/', limit }
      const page = await catalogue.read.list({ ...wish, after })
      assert.deepEqual(page, await catalogue.read.list({ ...wish, offset }))
      assert.deepEqual(
        page.entries.map((found) => found.path),
        all.slice(offset, offset + limit),
      )
      assert.equal(page.more, offset + limit < all.length)
      const last = page.entries.at(-1)
      const segment = last?.path.slice(2).replace('/', '') ?? ''
      after = { kind: last?.file ? 'file' : 'folder', segment }
    }
  }
  assert.deepEqual(await catalogue.read.list({ accountId, folder: 'l/', limit: 5, offset: 99 }), {
    entries: [],
    more: false,
  })
  assert.deepEqual([await names('nowhere/'), await names('l/a/')], [[], []])
})

test('A file is found by its bytes in its own account, and inside the folder alone', async () => {
  const [one, other] = [await open(), await open()]
  const { file } = await one.put('docs/a')
  await one.put('b', 10, { file: { digest: file.digest } })
  const find = (who: typeof one, inside: string) => catalogue.read.fileOfBlob(who.accountId, file.digest, inside)
  assert.equal((await find(one, 'docs/'))?.path, 'docs/a')
  assert.ok(await find(one, ''))
  assert.equal(await find(one, 'doc/'), undefined)
  assert.equal(await find(other, ''), undefined)
})

/** An open upload with parts, in the tables themselves. */
async function uploading(accountId: string, id: string, sizes: readonly number[]) {
  const { default: Database } = await import('better-sqlite3')
  const raw = new Database(`${folder}/catalogue.db`)
  raw
    .prepare(
      `INSERT INTO uploads (id, account_id, kind, state, path, created_at, expires_at) VALUES (?, ?, 'multipart', 'open', ?, 1, 9)`,
    )
    .run(id, accountId, id)
  const digests = sizes.map((_, n) => `${n}`.padStart(64, '0'))
  sizes.forEach((size, n) => {
    raw.prepare('INSERT INTO upload_parts VALUES (?, ?, ?, ?, ?, NULL, 1)').run(id, n + 1, `${n}`, digests[n], size)
  })
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  raw.prepare('UPDATE uploads SET bytes = ? WHERE id = ?').run(bytes, id)
  raw.prepare('UPDATE accounts SET upload_bytes = upload_bytes + ? WHERE id = ?').run(bytes, accountId)
  raw.close()
  return { id, parts: partsDigest(digests.map((digest) => ({ digest }))) }
}

test('What open uploads have received counts to the quota, and makes room for the file that they become', async () => {
  const { accountId, put } = await open()
  const quota = { bytes: 100, files: 10 }
  const upload = await uploading(accountId, randomUUID(), [40, 30])
  assert.deepEqual(await catalogue.read.used(accountId), { bytes: 70, files: 0 })
  await assert.rejects(put('a', 31, { quota }), isFailure('quota_exceeded'))
  await assert.rejects(
    catalogue.write.publishFiles(publication(accountId, 'a', 31, { segments: [] }, quota)),
    isFailure('quota_exceeded'),
  )
  await put('a', 30, { quota })
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
  await assert.rejects(put('b', 71, { quota, upload }), isFailure('quota_exceeded'))
  const { tx } = await put('b', 70, { quota, upload })
  assert.deepEqual(await catalogue.read.used(accountId), { bytes: 100, files: 2 })
  assert.equal(tx, 2)
  await assert.rejects(put('c', 0, { quota, upload }), isFailure('conflict'), 'it is complete already')
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('An upload whose parts are others by now is not completed', async () => {
  const { accountId, put, at } = await open()
  const { id } = await uploading(accountId, randomUUID(), [1, 2])
  const upload = { id, parts: partsDigest([{ digest: 'other' }]) }
  await assert.rejects(put('a', 3, { upload }), isFailure('conflict'))
  assert.equal(await at('a'), undefined)
  assert.deepEqual(await catalogue.read.used(accountId), { bytes: 3, files: 0 })
  const other = await open()
  await assert.rejects(other.put('a', 3, { upload }), isFailure('conflict'), 'nor is another’s')
})

test('Over its quota an account may still put less in place of more', async () => {
  const { put } = await open()
  await put('a', 100)
  const quota = { bytes: 50, files: 0 }
  await put('a', 90, { quota })
  await assert.rejects(put('a', 91, { quota }), isFailure('quota_exceeded'))
  await assert.rejects(put('b', 1, { quota: { bytes: null, files: 1 } }), isFailure('quota_exceeded'))
})

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { openCatalogue } from '../../src/catalogue/index.ts'
import { Failure } from '../../src/core/failure.ts'
import { temporaryFolder } from '../support/app.ts'
import { newAccount, openTestCatalogue, publication } from '../support/catalogue.ts'

const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

test('of writes that share a commit, one that is refused takes nothing of the others with it', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const writes = Array.from({ length: 40 }, (_, n) => {
    const destination = n % 4 === 0 ? { folderId: 'nowhere' } : { segments: [] }
    return catalogue.write.publishFiles(publication(account, `${n}.txt`, n, destination))
  })
  const outcomes = await Promise.allSettled(writes)
  assert.equal(outcomes.filter((outcome) => outcome.status === 'rejected').length, 10)
  assert.equal((await catalogue.read.root(account)).filesBelow, 30)
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('files of one publication become reachable together or not at all', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const good = publication(account, 'good.txt')
  const [file] = good.files
  assert.ok(file)
  const twice = { ...good, files: [file, { ...file, id: randomUUID(), entryId: randomUUID() }] }
  await assert.rejects(catalogue.write.publishFiles(twice), /UNIQUE/)
  assert.equal(await catalogue.read.file(file.fileId), undefined)
  assert.equal((await catalogue.audit.garbage()).count, 0)
})

test('a hundred publications at once never take more than the quota has', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const quota = { bytes: 1_000, files: 70 }
  const write = (size: number) =>
    Array.from({ length: 100 }, (_, n) =>
      catalogue.write.publishFiles(publication(account, `${n}`, size, { segments: [] }, quota)),
    )
  const outcomes = await Promise.allSettled([...write(30), ...write(1)])
  const root = await catalogue.read.root(account)
  assert.ok(root.bytesBelow <= 1_000 && root.filesBelow <= 70)
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.ok(refused.every(({ reason }) => isFailure('quota_exceeded')(reason)))
  assert.equal(root.filesBelow, 200 - refused.length)
})

test('a name that is taken gets the handle before its extension, and both files keep the name they came with', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const [first] = await catalogue.write.publishFiles(publication(account, 'photo.jpg'))
  const [second] = await catalogue.write.publishFiles(publication(account, 'photo.jpg'))
  assert.ok(first && second)
  assert.deepEqual([first.name, second.name], ['photo.jpg', 'photo.jpg'])
  assert.equal(await catalogue.read.pathOf(first.entryId), 'photo.jpg')
  assert.equal(await catalogue.read.pathOf(second.entryId), `photo-${second.fileId}.jpg`)
})

test('names that are routes of a door with paths count as taken at the root, and nowhere else', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const [atRoot] = await catalogue.write.publishFiles(publication(account, 'log'))
  const [inFolder] = await catalogue.write.publishFiles(publication(account, 'log', 10, { segments: ['docs'] }))
  assert.equal(await catalogue.read.pathOf(atRoot?.entryId ?? ''), `log-${atRoot?.fileId}`)
  assert.equal(await catalogue.read.pathOf(inFolder?.entryId ?? ''), 'docs/log')
})

test('what lies in a deleted folder is out of reach at once, and its rows go a few at a time', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const published = await Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      catalogue.write.publishFiles(publication(account, `${n}`, 10, { segments: ['a', `b${n % 5}`, 'c'] })),
    ),
  )
  await catalogue.write.publishFiles(publication(account, 'stays'))
  const folder = await catalogue.read.folderAt(account, ['a'])
  assert.ok(folder)
  assert.equal(folder.foldersBelow, 10)
  const deletion = { accountId: account, folderId: folder.id, prefix: null, now: Date.now() }
  await assert.rejects(catalogue.write.deleteFolder({ ...deletion, recursive: false }), isFailure('conflict'))
  await catalogue.write.deleteFolder({ ...deletion, recursive: true })

  const root = await catalogue.read.root(account)
  assert.deepEqual([root.filesBelow, root.foldersBelow, root.bytesBelow], [1, 0, 10])
  for (const [file] of published) assert.equal(await catalogue.read.file(file?.fileId ?? ''), undefined)
  const listed = await catalogue.read.files({ folderId: root.id, depth: 'below', limit: 100, offset: 0 })
  assert.deepEqual(
    listed.map((file) => file.name),
    ['stays'],
  )
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])

  let steps = 0
  while ((await catalogue.write.sweepDetached({ limit: 7, now: Date.now() })).left) steps++
  assert.ok(steps > 8)
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
  assert.deepEqual(await catalogue.audit.integrity(), [])
  assert.equal((await catalogue.audit.garbage()).count, 60)
  // The path is free again.
  await catalogue.write.publishFiles(publication(account, 'new', 10, { segments: ['a'] }))
})

test('a file of a deleted folder is never found again, whatever moment of the sweep a read meets', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  for (let n = 0; n < 60; n++) {
    const [file] = await catalogue.write.publishFiles(publication(account, `${n}`, 10, { segments: ['a', 'b'] }))
    const folder = await catalogue.read.folderAt(account, ['a'])
    assert.ok(file && folder)
    const deletion = { accountId: account, folderId: folder.id, recursive: true, prefix: null, now: Date.now() }
    await catalogue.write.deleteFolder(deletion)
    const sweep = catalogue.write.sweepDetached({ limit: 100, now: Date.now() })
    const reads = Array.from({ length: 30 }, () => catalogue.read.file(file.fileId))
    for (const found of await Promise.all(reads)) assert.equal(found, undefined)
    await sweep
    assert.equal(await catalogue.read.file(file.fileId), undefined)
  }
})

test('counters say what there is after a thousand random changes from many sides at once', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const names = ['a', 'b', 'c', 'd']
  const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T
  const somePath = () => Array.from({ length: Math.floor(Math.random() * 4) }, () => pick(names))
  const someFolder = () => catalogue.read.folderAt(account, somePath())
  const someFile = async () => {
    const root = await catalogue.read.root(account)
    return pick(await catalogue.read.files({ folderId: root.id, depth: 'below', limit: 20, offset: 0 }))
  }
  const common = { accountId: account, prefix: null, now: Date.now() }
  const changes = [
    async () =>
      catalogue.write.publishFiles(
        publication(account, pick(names), Math.floor(Math.random() * 50), { segments: somePath() }),
      ),
    async () => catalogue.write.deleteFile({ ...common, fileId: (await someFile())?.fileId ?? '' }),
    async () =>
      catalogue.write.changeFile({
        ...common,
        fileId: (await someFile())?.fileId ?? '',
        folderId: (await someFolder())?.id ?? '',
      }),
    async () =>
      catalogue.write.createFolder({
        ...common,
        id: randomUUID(),
        parent: { segments: somePath() },
        name: pick(names),
      }),
    async () =>
      catalogue.write.changeFolder({
        ...common,
        folderId: (await someFolder())?.id ?? '',
        parentId: (await someFolder())?.id ?? '',
        name: pick(names),
      }),
    async () =>
      catalogue.write.deleteFolder({
        ...common,
        folderId: (await someFolder())?.id ?? '',
        recursive: Math.random() < 0.5,
      }),
    async () => catalogue.write.sweepDetached({ limit: 3, now: Date.now() }),
  ]
  const refusals = new Set<string>()
  const oneSide = async (): Promise<void> => {
    for (let n = 0; n < 125; n++) {
      await pick(changes)().catch((error) => {
        if (!(error instanceof Failure)) throw error
        refusals.add(error.code)
      })
    }
  }
  await Promise.all(Array.from({ length: 8 }, oneSide))
  while ((await catalogue.write.sweepDetached({ limit: 100, now: Date.now() })).left);
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
  assert.deepEqual(await catalogue.audit.integrity(), [])
  assert.deepEqual([...refusals].sort(), ['conflict', 'invalid', 'not_found'])
})

test('a catalogue of a newer Larder is refused in words, and left as it is', async (t) => {
  const folder = await temporaryFolder(t)
  await (await openCatalogue({ dir: folder, tellsOthers: false })).close()
  const raw = new Database(`${folder}/catalogue.db`)
  raw.exec("INSERT INTO kysely_migration VALUES ('0002-from-the-future', '2030-01-01')")
  raw.close()
  await assert.rejects(
    openCatalogue({ dir: folder, tellsOthers: false }),
    /written by a newer Larder.*0002-from-the-future/,
  )
})

test('what another process changed is felt by the next request', async (t) => {
  const { catalogue, folder } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const digest = 'd'.repeat(64)
  const key = {
    id: 'k',
    accountId: account,
    kind: 'ak',
    hint: 'ak_xxxx',
    digest,
    name: '',
    scopes: null,
    pathPrefix: null,
    expiresAt: null,
    now: 1,
  } as const
  await catalogue.write.createKey(key)
  const [file] = await catalogue.write.publishFiles(publication(account, 'x'))
  await catalogue.read.keyByDigest(digest)
  await catalogue.read.file(file?.fileId ?? '')
  const outside = await openCatalogue({ dir: folder, tellsOthers: true })
  await outside.write.revokeKey({ id: 'k', now: 2 })
  await outside.write.deleteFile({ accountId: account, fileId: file?.fileId ?? '', prefix: null, now: 2 })
  await outside.close()
  assert.equal(
    (await catalogue.read.keyByDigest(digest))?.key.revokedAt,
    null,
    'the row is remembered until the next request',
  )
  catalogue.refresh()
  assert.equal((await catalogue.read.keyByDigest(digest))?.key.revokedAt, 2)
  assert.equal(await catalogue.read.file(file?.fileId ?? ''), undefined)
})

test('two thousand uploads leave the remembered files remembered', async (t) => {
  const { catalogue } = await openTestCatalogue(t)
  const account = await newAccount(catalogue, 'a@example.org')
  const hot = await Promise.all(
    Array.from({ length: 100 }, (_, n) => catalogue.write.publishFiles(publication(account, `hot ${n}`))),
  )
  const readAll = () => Promise.all(hot.map(([file]) => catalogue.read.file(file?.fileId ?? '')))
  await readAll()
  const before = catalogue.remembered()
  for (let n = 0; n < 20; n++) {
    await Promise.all(
      Array.from({ length: 100 }, (_, m) => catalogue.write.publishFiles(publication(account, `${n}-${m}`))),
    )
    catalogue.refresh()
    await readAll()
  }
  const after = catalogue.remembered()
  assert.deepEqual([after.hits - before.hits, after.misses - before.misses], [2_000, 0])
})

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { HistoryQuery } from '../../src/core/catalogue.ts'
import { newAccount, openTestCatalogue, publication, putting } from '../support/catalogue.ts'
import { thisFile } from '../support/shared.ts'

const { catalogue } = await openTestCatalogue(thisFile)
const { read, write } = catalogue

/** An account of the test's own, what can be done to its tree, and its history in short. */
async function open() {
  const accountId = await newAccount(catalogue, `${randomUUID()}@example.org`)
  const change = { accountId, prefix: null, message: '', now: 2 }
  const events = (query: Partial<HistoryQuery> = {}) => read.history({ accountId, limit: 100, since: 0, ...query })
  const folderId = async (...segments: string[]) => (await read.folderAt(accountId, segments))?.id ?? ''
  return {
    accountId,
    change,
    events,
    folderId,
    told: async (query: Partial<HistoryQuery> = {}) =>
      (await events(query)).map(
        ({ tx, action, path, target }) => `${tx} ${action} ${path}${target ? ` ${target}` : ''}`,
      ),
    put: (path: string, size = 10, message = '') => write.putFile(putting(accountId, path, size, { message })),
    mkdir: (path: string) => write.makeFolderAt({ ...change, path }),
    move: (from: string, to: string) => write.moveEntry({ ...change, from, to }),
    remove: (path: string) => write.deleteEntry({ ...change, path }),
    publish: async (name: string, segments: string[] = []) => {
      const [file] = await write.publishFiles(publication(accountId, name, 10, { segments }))
      assert.ok(file)
      return file
    },
  }
}

test('An event says what was put, with its digest, how it was said to be, and when', async () => {
  const { events, put, move, remove, mkdir } = await open()
  const { file } = await put('a.txt', 7, 'first')
  await move('a.txt', 'b.txt')
  await remove('b.txt')
  await mkdir('docs/')
  const content = { size: 7, digest: file.digest }
  const nothing = { size: null, digest: null }
  assert.deepEqual(await events(), [
    { tx: 1, action: 'put', path: 'a.txt', target: null, ...content, message: 'first', at: 1 },
    { tx: 2, action: 'move', path: 'a.txt', target: 'b.txt', ...content, message: '', at: 2 },
    { tx: 3, action: 'delete', path: 'b.txt', target: null, ...content, message: '', at: 2 },
    { tx: 4, action: 'mkdir', path: 'docs/', target: null, ...nothing, message: '', at: 2 },
  ])
})

test('What comes by doors without paths is in the history too', async () => {
  const { accountId, change, told, publish, folderId } = await open()
  const { fileId } = await publish('a.txt', ['docs', 'new'])
  const file = { ...change, fileId }
  await write.changeFile({ ...file, description: 'words', tags: ['x'], isPublic: false })
  await write.changeFile({ ...file, name: 'b.txt', segments: ['b.txt'] })
  await write.changeFile({ ...file, name: 'shown', segments: ['b.txt'] })
  await write.changeFile({ ...file, folderId: await folderId('docs') })
  const id = randomUUID()
  await write.createFolder({ accountId, id, parent: { segments: ['x', 'y'] }, name: 'z', prefix: null, now: 1 })
  const folder = { accountId, folderId: id, prefix: null, now: 1 }
  await write.changeFolder({ ...folder, name: 'z' })
  await write.changeFolder({ ...folder, name: 'zz', parentId: await folderId('x') })
  await write.deleteFolder({ ...folder, recursive: false })
  await write.deleteFile(file)
  await write.publishFiles({ ...publication(accountId, 'none'), files: [] })
  assert.deepEqual(await told(), [
    '1 put docs/new/a.txt',
    '2 move docs/new/a.txt docs/new/b.txt',
    '3 move docs/new/b.txt docs/b.txt',
    '4 mkdir x/y/z/',
    '5 move x/y/z/ x/zz/',
    '6 delete x/zz/',
    '7 delete docs/b.txt',
  ])
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('Several files of one form are an event each', async () => {
  const { accountId, told } = await open()
  const files = ['a', 'b', 'c'].flatMap((name) => publication(accountId, name).files)
  await write.publishFiles({ ...publication(accountId, 'a', 1, { segments: ['docs'] }), files })
  assert.deepEqual(await told(), ['1 put docs/a', '2 put docs/b', '3 put docs/c'])
  assert.equal((await read.entryAt(accountId, 'docs/'))?.tx, 1)
  assert.equal((await read.entryAt(accountId, 'docs/c'))?.tx, 3)
})

test('Newest first; after a transaction, oldest first from there', async () => {
  const { told, put } = await open()
  for (const name of ['a', 'b', 'c', 'd']) await put(name)
  assert.deepEqual(await told({ since: undefined, limit: 2 }), ['4 put d', '3 put c'])
  assert.deepEqual(await told({ since: 1, limit: 2 }), ['2 put b', '3 put c'])
  assert.deepEqual(await told({ since: 4 }), [])
  for (const name of ['x/a', 'x/b', 'x/c']) await put(name)
  assert.deepEqual(await told({ path: 'x/', since: undefined, limit: 2 }), ['7 put x/c', '6 put x/b'])
  assert.deepEqual(await told({ path: 'x/', since: 5, limit: 1 }), ['6 put x/b'])
})

test('The history of a path tells of all that touched it, what was done to folders above it too', async () => {
  const { told, put, move, remove, mkdir } = await open()
  await put('a/b/c.txt')
  await put('a/b/other')
  await put('a/x')
  await mkdir('q/')
  await move('a/b/', 'q/b/')
  await move('q/', 'r/')
  await remove('r/b/c.txt')
  await put('a/b/c.txt')
  await remove('a/')
  const above = ['5 move a/b/ q/b/', '9 delete a/']
  assert.deepEqual(await told({ path: 'a/b/c.txt' }), ['1 put a/b/c.txt', above[0], '8 put a/b/c.txt', above[1]])
  assert.deepEqual(await told({ path: 'a/b/' }), [
    '1 put a/b/c.txt',
    '2 put a/b/other',
    above[0],
    '8 put a/b/c.txt',
    above[1],
  ])
  assert.deepEqual(await told({ path: 'a/b' }), await told({ path: 'a/b/' }), 'who says docs means docs/ too')
  assert.deepEqual(await told({ path: 'q/b/' }), [above[0], '6 move q/ r/'])
  assert.deepEqual(await told({ path: 'r/b/c.txt' }), ['6 move q/ r/', '7 delete r/b/c.txt'])
  assert.deepEqual(await told({ path: 'a/x' }), ['3 put a/x', above[1]])
  assert.deepEqual(await told({ path: 'nowhere' }), [])
  assert.deepEqual(await told({ path: 'r/b/c.txt', since: undefined, limit: 1 }), ['7 delete r/b/c.txt'])
})

test('Held to a folder, one sees what has one end below it, and nothing of the folder itself or above', async () => {
  const { told, put, move, remove, mkdir } = await open()
  await mkdir('docs/')
  await put('docs/a')
  await put('b')
  await move('b', 'docs/b')
  await move('docs/a', 'a')
  await put('docs2/a')
  await put('docs/in/c')
  await move('docs/in/', 'docs/out/')
  await move('docs/', 'x/')
  await put('docs/d')
  await remove('docs/')
  const inside = ['2 put docs/a', '4 move b docs/b', '5 move docs/a a', '7 put docs/in/c', '8 move docs/in/ docs/out/']
  const folder = 'docs/'
  assert.deepEqual(await told({ folder }), [...inside, '10 put docs/d'])
  assert.deepEqual(await told({ folder, path: 'docs/' }), [...inside, '10 put docs/d'])
  assert.deepEqual(await told({ folder, path: 'docs/in/c' }), ['7 put docs/in/c', '8 move docs/in/ docs/out/'])
  assert.deepEqual(await told({ folder, path: 'docs/a' }), ['2 put docs/a', '5 move docs/a a'])
  assert.deepEqual(await told({ path: 'docs/a' }), [
    '2 put docs/a',
    '5 move docs/a a',
    '9 move docs/ x/',
    '11 delete docs/',
  ])
})

test('Each account has its own numbers, and none of another’s events', async () => {
  const [one, other] = [await open(), await open()]
  await one.put('a/b')
  await other.put('a/c')
  await one.put('a/d')
  assert.deepEqual(await one.told({ path: 'a/' }), ['1 put a/b', '2 put a/d'])
  assert.deepEqual(await other.told({ path: 'a/' }), ['1 put a/c'])
})

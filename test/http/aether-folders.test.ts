import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether, makeFolder } from '../support/aether.ts'
import { openTestApp, type TestApp, upload } from '../support/app.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const app = await openTestApp(thisFile)

let people = 0
async function someone(): Promise<Pick<TestApp, 'url' | 'key'>> {
  const account = await app.newAccount(`someone-${++people}@example.org`)
  return { url: app.url, key: (await app.newKey({}, account)).text }
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const noFolder = { success: false, error: { code: 'not_found', message: 'there is no such folder' } }

test('A folder is made with a name and a parent, and answered with 201', async () => {
  const { status, body } = await aether(app, 'POST', '/folders', { json: { name: 'outer' } })
  assert.equal(status, 201)
  assert.deepEqual(Object.keys(body), ['success', 'folder'])
  assert.deepEqual([body.folder.name, body.folder.parentId], ['outer', null])
  assert.match(body.folder.createdAt, time)
  const inner = await aether(app, 'POST', '/folders', { json: { name: 'inner', parentId: body.folder.id } })
  assert.deepEqual([inner.body.folder.name, inner.body.folder.parentId], ['inner', body.folder.id])
  for (const parentId of [null, 'root']) {
    const { body } = await aether(app, 'POST', '/folders', { json: { name: `of ${parentId}`, parentId } })
    assert.equal(body.folder.parentId, null)
  }
})

test('Folders are listed by name: all, those in the root, those in one', async () => {
  const owner = await someone()
  const b = await makeFolder(owner, 'b')
  await makeFolder(owner, 'a')
  await makeFolder(owner, 'd', b)
  const c = await makeFolder(owner, 'c', b)
  await makeFolder(owner, 'e', c)
  const list = async (query: string) => {
    const { status, body } = await aether(owner, 'GET', `/folders${query}`)
    assert.equal(status, 200)
    return [body.folders.map((folder) => folder.name).join(' '), body.pagination.total]
  }
  assert.deepEqual(await list(''), ['a b c d e', 5])
  assert.deepEqual(await list('?parentId=root'), ['a b', 2])
  assert.deepEqual(await list(`?parentId=${b}`), ['c d', 2])
  assert.deepEqual(await list(`?parentId=${c}`), ['e', 1])
  assert.deepEqual(await list('?limit=2&offset=1'), ['b c', 5])
  assert.deepEqual((await aether(owner, 'GET', '/folders?parentId=nowhere')).body, noFolder)
  assert.equal((await aether(owner, 'GET', '/folders?limit=x')).status, 400)
})

test('A folder is renamed and moved with all that is in it, and totals stay right', async () => {
  const owner = await someone()
  const from = await makeFolder(owner, 'from')
  const to = await makeFolder(owner, 'to')
  const moved = await makeFolder(owner, 'moved', from)
  const file = await upload(owner, 'inside', 'a.txt', 'text/plain', { folderId: moved })
  const change = async (json: object) => {
    const { status, body } = await aether(owner, 'PATCH', `/folders/${moved}`, { json })
    assert.equal(status, 200, JSON.stringify(body))
    return [body.folder.name, body.folder.parentId]
  }
  assert.deepEqual(await change({ name: 'renamed' }), ['renamed', from])
  assert.deepEqual(await change({ parentId: to }), ['renamed', to])
  assert.deepEqual(await change({ parentId: null }), ['renamed', null])
  assert.deepEqual(await change({ parentId: to, name: 'both' }), ['both', to])
  assert.deepEqual(await change({ parentId: 'root' }), ['both', null])
  assert.deepEqual(await change({ name: 'both' }), ['both', null])
  assert.deepEqual(await change({}), ['both', null])
  const found = await aether(owner, 'GET', `/files/${file.id}`)
  assert.equal(found.body.file.folderId, moved)
  const { stats } = (await aether(owner, 'GET', '/user/stats')).body
  assert.deepEqual([stats.totalFiles, stats.totalFolders, stats.totalSize], [1, 3, 6])
})

test('A folder cannot be moved into itself, nor below itself', async () => {
  const top = await makeFolder(app, 'top')
  const middle = await makeFolder(app, 'middle', top)
  const low = await makeFolder(app, 'low', middle)
  const before = await stateOf(app)
  for (const parentId of [top, middle, low]) {
    const { status, body } = await aether(app, 'PATCH', `/folders/${top}`, { json: { parentId } })
    assert.deepEqual([status, body.error.code], [400, 'bad_request'])
  }
  assert.deepEqual(await stateOf(app), before)
})

test('A folder name that is taken, by a folder or a file, is 409', async () => {
  const place = await makeFolder(app, 'place')
  await makeFolder(app, 'folder', place)
  await upload(app, 'x', 'file', 'text/plain', { folderId: place })
  const third = await makeFolder(app, 'third', place)
  const elsewhere = await makeFolder(app, 'folder')
  const before = await stateOf(app)
  const tries: [string, string, object][] = [
    ['POST', '/folders', { name: 'folder', parentId: place }],
    ['POST', '/folders', { name: 'file', parentId: place }],
    ['POST', '/folders', { name: ' folder ', parentId: place }],
    ['PATCH', `/folders/${third}`, { name: 'folder' }],
    ['PATCH', `/folders/${third}`, { name: 'file' }],
    ['PATCH', `/folders/${elsewhere}`, { parentId: place }],
  ]
  for (const [method, path, json] of tries) {
    const { status, body } = await aether(app, method, path, { json })
    assert.deepEqual([status, body.error.code], [409, 'conflict'], JSON.stringify(json))
  }
  assert.deepEqual(await stateOf(app), before)
})

test('Equal names in different Unicode forms are one name', async () => {
  const place = await makeFolder(app, 'forms')
  await makeFolder(app, 'Ångström'.normalize('NFC'), place)
  const { status } = await aether(app, 'POST', '/folders', {
    json: { name: 'Ångström'.normalize('NFD'), parentId: place },
  })
  assert.equal(status, 409)
})

test('A folder name that is no part of a path is 400', async () => {
  const before = await stateOf(app)
  for (const name of [
    '',
    ' ',
    '.',
    '..',
    'a/b',
    '/',
    'a\\b',
    'a\u0000b',
    'a\nb',
    '\u0085',
    'x'.repeat(256),
    '€'.repeat(86),
  ]) {
    const { status, body } = await aether(app, 'POST', '/folders', { json: { name } })
    assert.deepEqual([status, body.error.code], [400, 'bad_request'], JSON.stringify(name))
    assert.match(body.error.message, /^a folder name is /)
  }
  for (const json of [{}, { name: 1 }, { name: 'a', parentId: 3 }, { name: 'a', colour: 'blue' }, []]) {
    const { status } = await aether(app, 'POST', '/folders', { json })
    assert.equal(status, 400, JSON.stringify(json))
  }
  assert.deepEqual(await stateOf(app), before)
  assert.equal((await aether(app, 'POST', '/folders', { json: { name: '€'.repeat(85) } })).status, 201)
})

test('A path of folders is at most 1,024 bytes long, however it is made', async () => {
  const owner = await someone()
  const long = 'x'.repeat(255)
  const first = await makeFolder(owner, long)
  const second = await makeFolder(owner, long, first)
  const third = await makeFolder(owner, long, second)
  const tooLong = await aether(owner, 'POST', '/folders', { json: { name: long, parentId: third } })
  assert.equal(tooLong.status, 201, 'four times 255 and a slash each are 1,024')
  const fourth = tooLong.body.folder.id
  const deeper = await aether(owner, 'POST', '/folders', { json: { name: 'x', parentId: fourth } })
  assert.deepEqual([deeper.status, deeper.body.error.code], [400, 'bad_request'])
  const short = await makeFolder(owner, 'short')
  const moved = await aether(owner, 'PATCH', `/folders/${short}`, { json: { parentId: fourth } })
  assert.equal(moved.status, 400)
})

test('A folder that is not empty goes only with recursive=true, and then with all below it', async () => {
  const owner = await someone()
  const top = await makeFolder(owner, 'top')
  const inner = await makeFolder(owner, 'inner', top)
  const file = await upload(owner, 'x', 'a.txt', 'text/plain', { folderId: inner })
  for (const query of ['', '?recursive=false', '?recursive=']) {
    const { status, body } = await aether(owner, 'DELETE', `/folders/${top}${query}`)
    assert.deepEqual([status, body.error.code], [409, 'conflict'])
  }
  const { status, body } = await aether(owner, 'DELETE', `/folders/${top}?recursive=true`)
  assert.deepEqual([status, body], [200, { success: true }])
  assert.equal((await aether(owner, 'GET', `/files/${file.id}`)).status, 404)
  assert.equal((await fetch(file.url)).status, 404)
  assert.deepEqual((await aether(owner, 'GET', '/folders')).body.folders, [])
  assert.deepEqual((await aether(owner, 'GET', '/files')).body.files, [])
  const { stats } = (await aether(owner, 'GET', '/user/stats')).body
  assert.deepEqual([stats.totalFiles, stats.totalFolders, stats.totalSize], [0, 0, 0])
  for (const id of [top, inner]) {
    assert.deepEqual((await aether(owner, 'DELETE', `/folders/${id}`)).body, noFolder)
    assert.deepEqual((await aether(owner, 'PATCH', `/folders/${id}`, { json: { name: 'x' } })).body, noFolder)
  }
  assert.ok(await makeFolder(owner, 'top'), 'its name is free again')
})

test('An empty folder is deleted without more words, and a file that left it does not keep it', async () => {
  const folder = await makeFolder(app, 'emptied')
  const file = await upload(app, 'x', 'a.txt', 'text/plain', { folderId: folder })
  await aether(app, 'PATCH', `/files/${file.id}`, { json: { folderId: null } })
  assert.equal((await aether(app, 'DELETE', `/folders/${folder}`)).status, 200)
  assert.equal((await aether(app, 'GET', `/files/${file.id}`)).status, 200)
})

test('The root is no folder that can be renamed or deleted, by its word or by its id', async () => {
  const root = await app.catalogue.read.root(app.owner.id)
  for (const id of ['root', root.id]) {
    assert.equal((await aether(app, 'DELETE', `/folders/${id}?recursive=true`)).status, 404, id)
    assert.equal((await aether(app, 'PATCH', `/folders/${id}`, { json: { name: 'x' } })).status, 404, id)
  }
})

test('A file’s id is no folder’s id, and a folder’s none of a file', async () => {
  const folder = await makeFolder(app, 'kinds')
  const file = await upload(app, 'x', 'a.txt')
  for (const path of [`/files/${folder}`, `/files/${folder}/download`]) {
    assert.equal((await aether(app, 'GET', path)).status, 404)
  }
  assert.equal((await aether(app, 'GET', `/files?folderId=${file.id}`)).status, 404)
  assert.equal((await aether(app, 'DELETE', `/folders/${file.id}`)).status, 404)
})

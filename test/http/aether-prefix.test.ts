import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether, makeFolder } from '../support/aether.ts'
import { openTestApp, upload } from '../support/app.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const app = await openTestApp(thisFile)

/** A key of the owner's that is held to a folder. */
async function heldTo(pathPrefix: string) {
  return { url: app.url, key: (await app.newKey({ pathPrefix })).text }
}

const docs = await heldTo('docs/')
const docsId = await makeFolder(app, 'docs')
const docs2Id = await makeFolder(app, 'docs2')
const inside = await upload(app, 'in docs', 'a.txt', 'text/plain', { folderId: docsId })
const beside = await upload(app, 'in docs2', 'a.txt', 'text/plain', { folderId: docs2Id })
const above = await upload(app, 'in the root', 'docs.txt')

const forbidden = (answer: { status: number; body: { error?: { code: string } } }) => {
  assert.deepEqual([answer.status, answer.body.error?.code], [403, 'forbidden'])
}

test('A key held to docs/ reaches docs/a.txt, and neither docs2/a.txt nor docs.txt', async () => {
  assert.equal((await aether(docs, 'GET', `/files/${inside.id}`)).status, 200)
  assert.equal((await aether(docs, 'GET', `/files/${inside.id}/download`)).status, 200)
  for (const file of [beside, above]) {
    forbidden(await aether(docs, 'GET', `/files/${file.id}`))
    forbidden(await aether(docs, 'GET', `/files/${file.id}/download`))
    forbidden(await aether(docs, 'PATCH', `/files/${file.id}`, { json: { description: 'mine' } }))
    forbidden(await aether(docs, 'DELETE', `/files/${file.id}`))
  }
})

test('A prefix without its final slash is a folder all the same', async () => {
  const key = await heldTo('docs')
  assert.equal((await aether(key, 'GET', `/files/${inside.id}`)).status, 200)
  forbidden(await aether(key, 'GET', `/files/${beside.id}`))
})

test('Through a key with a prefix, what is stored lands in its folder, which is made where it is missing', async () => {
  const key = await heldTo('new/deep/er/')
  const first = await upload(key, 'x', 'b.txt')
  const second = await upload(key, 'y', '../../c.txt', 'text/plain', { folderId: 'root' })
  assert.equal(first.folderId, second.folderId)
  const path = await app.catalogue.read.pathOf((await app.catalogue.read.file(second.id))?.entryId ?? '')
  assert.equal(path, 'new/deep/er/c.txt')
  const folder = await makeFolder(key, 'of-its-own')
  const list = await aether(key, 'GET', '/folders')
  assert.deepEqual(
    list.body.folders.map(({ id, name }) => [id, name]),
    [[folder, 'of-its-own']],
  )
})

test('A list and the totals through a key with a prefix count its folder only', async () => {
  const key = await heldTo('counted/')
  const none = await aether(key, 'GET', '/files')
  assert.deepEqual([none.status, none.body.files, none.body.pagination.total], [200, [], 0])
  assert.deepEqual((await aether(key, 'GET', '/folders')).body.folders, [])
  assert.deepEqual((await aether(key, 'GET', '/user/stats')).body.stats, {
    totalFiles: 0,
    totalSize: 0,
    totalFolders: 0,
    storageUsed: '0 B',
    bandwidthUsed: '0 B',
  })
  const folder = await makeFolder(key, 'sub')
  const one = await upload(key, '12345', 'one.txt')
  const two = await upload(key, '1234567890', 'two.txt', 'text/plain', { folderId: folder })
  const names = async (query: string) => (await aether(key, 'GET', `/files${query}`)).body.files.map(({ name }) => name)
  assert.deepEqual(await names(''), ['two.txt', 'one.txt'])
  assert.deepEqual(await names('?folderId=root'), ['one.txt'])
  assert.deepEqual(await names(`?folderId=${folder}`), ['two.txt'])
  await aether(app, 'GET', `/files/${above.id}/download`)
  await aether(key, 'GET', `/files/${one.id}/download`)
  await fetch(two.url).then((response) => response.arrayBuffer())
  await app.activityKept()
  const { stats } = (await aether(key, 'GET', '/user/stats')).body
  assert.deepEqual(stats, {
    totalFiles: 2,
    totalSize: 15,
    totalFolders: 1,
    storageUsed: '15 B',
    bandwidthUsed: '15 B',
  })
})

test('The folder that a key is held to cannot be renamed, moved or deleted through it', async () => {
  const before = await stateOf(app)
  forbidden(await aether(docs, 'PATCH', `/folders/${docsId}`, { json: { name: 'mine' } }))
  forbidden(await aether(docs, 'PATCH', `/folders/${docsId}`, { json: { parentId: docs2Id } }))
  forbidden(await aether(docs, 'DELETE', `/folders/${docsId}?recursive=true`))
  forbidden(await aether(docs, 'DELETE', `/folders/${docs2Id}?recursive=true`))
  assert.deepEqual(await stateOf(app), before)
})

test('Nothing goes into or out of the folder that a key is held to', async () => {
  const sub = await makeFolder(docs, 'sub')
  const before = await stateOf(app)
  forbidden(await aether(docs, 'GET', `/files?folderId=${docs2Id}`))
  forbidden(await aether(docs, 'GET', `/folders?parentId=${docs2Id}`))
  forbidden(await aether(docs, 'PATCH', `/files/${inside.id}`, { json: { folderId: docs2Id } }))
  forbidden(await aether(docs, 'PATCH', `/folders/${sub}`, { json: { parentId: docs2Id } }))
  forbidden(await aether(docs, 'POST', '/folders', { json: { name: 'x', parentId: docs2Id } }))
  forbidden(await aether(docs, 'POST', '/files/upload', { form: formInto(docs2Id) }))
  assert.deepEqual(await stateOf(app), before)
  const out = await aether(docs, 'PATCH', `/files/${inside.id}`, { json: { folderId: sub } })
  assert.equal(out.status, 200)
  const back = await aether(docs, 'PATCH', `/files/${inside.id}`, { json: { folderId: 'root' } })
  assert.deepEqual([back.status, back.body.file.folderId], [200, docsId])
  const folder = await aether(docs, 'PATCH', `/folders/${sub}`, { json: { parentId: null, name: 'sub2' } })
  assert.deepEqual([folder.status, folder.body.folder.parentId], [200, docsId])
})

function formInto(folderId: string): FormData {
  const form = new FormData()
  form.set('folderId', folderId)
  form.append('file', new Blob(['x'], { type: 'text/plain' }), 'x.txt')
  return form
}

test('A key keeps to its folder by the folder’s path: renamed away by its owner, the folder is out of its reach', async () => {
  const key = await heldTo('leaving/')
  const file = await upload(key, 'x', 'a.txt')
  const folderId = String(file.folderId)
  assert.equal((await aether(app, 'PATCH', `/folders/${folderId}`, { json: { name: 'left' } })).status, 200)
  forbidden(await aether(key, 'GET', `/files/${file.id}`))
  assert.deepEqual((await aether(key, 'GET', '/files')).body.files, [])
})

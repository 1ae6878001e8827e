import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { openTestApp, upload, withKey } from '../support/app.ts'
import { atiru, newPerson, refusal, store } from '../support/atiru.ts'
import { publication } from '../support/catalogue.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const app = await openTestApp(thisFile)
const stranger = (await newPerson(app, 'stranger@example.org')).session.access_token

const find = (id: string, key = app.key) => atiru(app, 'GET', `/files/${id}`, { key })
const remove = (id: string, key = app.key) => atiru(app, 'DELETE', `/files/${id}`, { key })
const bulk = (ids: unknown, key = app.key) => atiru(app, 'POST', '/files/bulk-delete', { json: { ids }, key })
const status = async (path: string): Promise<number> => (await fetch(app.url + path)).status

async function listed(key = app.key) {
  const answer = await atiru(app, 'GET', '/files', { key })
  assert.equal(answer.status, 200)
  assert.deepEqual(Object.keys(answer.body), ['files'])
  return answer.body.files
}

test('The list is all files, newest first, each described as by itself', async (t) => {
  const own = await openTestApp(t)
  const list = async () => (await atiru(own, 'GET', '/files')).body.files
  assert.deepEqual(await list(), [])
  const one = await store(own, 'one', { name: 'one.txt' })
  const two = await store(own, 'two', { name: 'two.txt', isPublic: false })
  const three = await upload(own, 'three', 'three.txt')
  const [newest, ...others] = await list()
  assert.deepEqual([newest?.file_id, newest?.name], [three.id, 'three.txt'])
  assert.deepEqual(others, [two, one])
  assert.deepEqual((await atiru(own, 'GET', `/files/${one.file_id}`)).body as object, one)
})

test('The list has no pages: of fifteen hundred files it is all, and whole', async (t) => {
  const own = await openTestApp(t)
  const count = 1_500
  const all = Array.from({ length: count }, (_, n) => publication(own.owner.id, `file ${n}.txt`, n))
  const [first] = all
  for (let at = 0; first && at < count; at += 500) {
    const files = all.slice(at, at + 500).flatMap((one) => one.files)
    await own.catalogue.write.publishFiles({ ...first, files })
  }
  const response = await fetch(`${own.url}/files`, { headers: withKey(own.key) })
  assert.equal(response.headers.get('transfer-encoding'), 'chunked')
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const { files } = (await response.json()) as { files: { file_id: string; name: string }[] }
  assert.equal(files.length, count)
  assert.equal(new Set(files.map((file) => file.file_id)).size, count)
  const order = files.map(({ name }) => Number(/\d+/.exec(name)?.[0]))
  assert.deepEqual(
    order,
    order.toSorted((one, other) => other - one),
  )
})

test('A file is known by its file_id, and not by its UUID', async () => {
  const file = await store(app, 'known')
  assert.deepEqual((await find(file.file_id)).body as object, file)
  for (const id of [file.id, `${file.file_id}x`, 'AAAAAAAAAAAAAAAA', '%20', '..%2F..%2Fsettings', 'bulk%2Ddelete'])
    refusal(await find(id), 404, 'FILE_NOT_FOUND', 'there is no such file')
  refusal(await find('%zz'), 404, 'NOT_FOUND', 'there is no such route')
})

test('A private file has no links, and nobody sees it by the address that it would have', async () => {
  const file = await store(app, 'secret', { isPublic: false })
  const links = [file.public_url, file.default_url, file.default_download_url, file.public_download_url]
  assert.deepEqual([file.is_public, ...links], [false, null, null, null, null])
  for (const route of ['m', 'd']) {
    const answer = await atiru(app, 'GET', `/${route}/${file.file_id}`)
    refusal(answer, 404, 'FILE_NOT_FOUND', 'there is no such file')
  }
  assert.deepEqual((await find(file.file_id)).body as object, file)
  const own = await aether(app, 'GET', `/files/${file.file_id}/download`)
  assert.equal(own.bytes.toString(), 'secret')
})

test('A deleted file is gone from the list and from its links at once', async () => {
  const file = await store(app, 'short-lived')
  assert.equal(await status(`/m/${file.file_id}`), 200)
  const answer = await remove(file.file_id)
  assert.deepEqual([answer.status, answer.bytes.length], [204, 0])
  assert.deepEqual([await status(`/m/${file.file_id}`), await status(`/d/${file.file_id}`)], [404, 404])
  refusal(await find(file.file_id), 404, 'FILE_NOT_FOUND')
  refusal(await remove(file.file_id), 404, 'FILE_NOT_FOUND')
  assert.ok((await listed()).every(({ id }) => id !== file.id))
})

test('What is another’s is not there: not to be seen, deleted or listed', async () => {
  const file = await store(app, 'mine')
  const before = await stateOf(app)
  refusal(await find(file.file_id, stranger), 404, 'FILE_NOT_FOUND')
  refusal(await remove(file.file_id, stranger), 404, 'FILE_NOT_FOUND')
  const { body } = await bulk([file.file_id], stranger)
  assert.deepEqual(body as object, { deleted: 0, errors: [{ id: file.file_id, error: 'File not found' }] })
  assert.deepEqual(await listed(stranger), [])
  assert.deepEqual(await stateOf(app), before)
})

test('Of many that are deleted at once, what could not be is told with its reason', async () => {
  const [one, two] = [await store(app, 'one'), await store(app, 'two')]
  const foreign = await store(app, 'foreign', { key: stranger })
  const ids = [one.file_id, 'nonexistent', two.file_id, foreign.file_id, one.file_id, 'nonexistent', one.id, '']
  const answer = await bulk(ids)
  assert.equal(answer.status, 200)
  const missing = ['nonexistent', foreign.file_id, one.id, ''].map((id) => ({ id, error: 'File not found' }))
  assert.deepEqual(answer.body as object, { deleted: 2, errors: missing })
  assert.equal((await find(foreign.file_id, stranger)).status, 200)
  for (const { file_id: id } of [one, two]) assert.equal(await status(`/m/${id}`), 404)
  assert.deepEqual((await bulk(ids)).body.deleted, 0)
})

test('A hundred are deleted at once, and more are refused as a whole', async () => {
  const files = await Promise.all(Array.from({ length: 100 }, (_, n) => store(app, `file ${n}`)))
  const ids = files.map((file) => file.file_id)
  const before = await stateOf(app)
  for (const wrong of [[], [...ids, 'one more'], Array(101).fill(ids[0]), [1], [ids[0], null], ids[0], {}, undefined])
    refusal(await bulk(wrong), 400, 'INVALID_REQUEST', /ids/)
  assert.deepEqual(await stateOf(app), before)
  assert.deepEqual((await bulk(ids)).body as object, { deleted: 100, errors: [] })
})

test('Through a key that is held to a folder, what lies elsewhere is neither listed, seen nor deleted', async () => {
  const { text: key } = await app.newKey({ pathPrefix: 'docs/' })
  assert.deepEqual(await listed(key), [], 'its folder is not made yet')
  const inside = await store(app, 'inside', { key })
  const outside = await store(app, 'outside')
  assert.deepEqual(await listed(key), [inside])
  refusal(await find(outside.file_id, key), 403, 'FORBIDDEN', /docs\//)
  refusal(await remove(outside.file_id, key), 403, 'FORBIDDEN', /docs\//)
  const { body } = await bulk([outside.file_id, inside.file_id], key)
  const error = 'this key is held to the folder docs/'
  assert.deepEqual(body as object, { deleted: 1, errors: [{ id: outside.file_id, error }] })
  assert.equal((await find(outside.file_id)).status, 200)
})

test('An address of one’s own stands in the public links, and the default ones stay', async () => {
  const { account, session } = await newPerson(app, 'cdn@example.org')
  const key = session.access_token
  const old = await store(app, 'old', { key })
  const hidden = await store(app, 'hidden', { key, isPublic: false })
  const json = { public_url_base: 'https://cdn.example.com/files/' }
  assert.equal((await atiru(app, 'PATCH', '/settings', { json, key })).status, 200)
  const file = await store(app, 'new', { key })
  const all = [file, (await find(old.file_id, key)).body as unknown as typeof file, ...(await listed(key))]
  for (const one of all.filter(({ is_public: isPublic }) => isPublic)) {
    const { file_id: id } = one
    assert.equal(one.public_url, `https://cdn.example.com/files/m/${id}`)
    assert.equal(one.public_download_url, `https://cdn.example.com/files/d/${id}`)
    assert.equal(one.default_url, `${app.url}/m/${id}`)
    assert.equal(one.default_download_url, `${app.url}/d/${id}`)
  }
  assert.deepEqual((await find(hidden.file_id, key)).body as object, hidden)
  assert.equal((await store(app, 'of another')).public_url?.startsWith(app.url), true)
  assert.equal(account.id, file.user_id)
})

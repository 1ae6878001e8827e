import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether, type FileBody, makeFolder } from '../support/aether.ts'
import { formWith, openTestApp, type TestApp, upload, withKey } from '../support/app.ts'
import { formBytes, formType } from '../support/multipart.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const app = await openTestApp(thisFile, { 'uploads.max_size': '8 MiB' })

/** A tree of the test's own: another account in the same server. */
let people = 0
async function someone(): Promise<Pick<TestApp, 'url' | 'key'>> {
  const account = await app.newAccount(`someone-${++people}@example.org`)
  return { url: app.url, key: (await app.newKey({}, account)).text }
}

const names = (files: readonly FileBody[]): string[] => files.map((file) => file.name)
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

test('An upload answers 201 with all that is known of the file', async () => {
  const form = formWith('hello', 'example.txt', 'text/plain', { description: 'My text', tags: 'a, b,,a , c' })
  const { status, body, headers } = await aether(app, 'POST', '/files/upload', { form })
  assert.equal(status, 201)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(Object.keys(body), ['success', 'file'])
  assert.equal(body.success, true)
  const { id, url, downloadUrl, createdAt, updatedAt, ...rest } = body.file
  assert.match(id, /^[A-Za-z0-9_-]{16}$/)
  assert.equal(url, `${app.url}/m/${id}`)
  assert.equal(downloadUrl, `${app.url}/api/v1/files/${id}/download`)
  assert.match(createdAt, time)
  assert.equal(updatedAt, createdAt)
  assert.deepEqual(rest, {
    name: 'example.txt',
    size: 5,
    mimeType: 'text/plain',
    folderId: null,
    description: 'My text',
    tags: ['a', 'b', 'c'],
  })
})

test('A file is public unless the form says public=false; then its url is the download route', async () => {
  for (const said of ['false', '0']) {
    const file = await upload(app, 'x', 'x.txt', 'text/plain', { public: said })
    assert.equal(file.url, `${app.url}/api/v1/files/${file.id}/download`)
    assert.equal((await fetch(`${app.url}/m/${file.id}`)).status, 404)
    assert.equal((await fetch(`${app.url}/d/${file.id}`)).status, 404)
    assert.equal((await fetch(file.url, { headers: withKey(app.key) })).status, 200)
  }
  for (const said of ['true', '1', 'on', '']) {
    const file = await upload(app, 'x', 'x.txt', 'text/plain', { public: said })
    assert.equal((await fetch(file.url)).status, 200, `public=${said}`)
  }
  const { status, body } = await aether(app, 'POST', '/files/upload', {
    form: formWith('x', 'x', 'text/plain', { public: 'maybe' }),
  })
  assert.deepEqual([status, body.error.code], [400, 'bad_request'])
})

test('A form may carry several files: the answer lists them in the order of the form, and repeats the first alone', async () => {
  const form = formWith('one', 'one.txt', 'text/plain', { tags: 'together' })
  form.append('file', new Blob(['two'], { type: 'text/plain' }), 'two.txt')
  form.append('file', new Blob(['three'], { type: 'text/plain' }), 'three.txt')
  const { status, body } = await aether(app, 'POST', '/files/upload', { form })
  assert.equal(status, 201)
  assert.deepEqual(names(body.files), ['one.txt', 'two.txt', 'three.txt'])
  assert.deepEqual(body.file, body.files[0])
  for (const [n, text] of ['one', 'two', 'three'].entries()) {
    const file = body.files[n] as FileBody
    assert.deepEqual(file.tags, ['together'])
    assert.equal(await (await fetch(file.url)).text(), text)
  }
})

test('Of several files that cannot all be taken, none is kept', async () => {
  const before = await stateOf(app)
  const form = formWith('good', 'good.txt')
  form.append('file', new Blob([Buffer.alloc(9 * 1024 * 1024)], { type: 'text/plain' }), 'large.txt')
  const { status, body } = await aether(app, 'POST', '/files/upload', { form })
  assert.deepEqual([status, body.error.code], [413, 'payload_too_large'])
  assert.deepEqual(await stateOf(app), before)
})

test('An upload goes into the folder that folderId names, and into the root without one', async () => {
  const folderId = await makeFolder(app, 'pictures')
  const inside = await upload(app, 'x', 'a.txt', 'text/plain', { folderId })
  assert.equal(inside.folderId, folderId)
  for (const atRoot of ['root', '']) {
    const file = await upload(app, 'x', 'a.txt', 'text/plain', { folderId: atRoot })
    assert.equal(file.folderId, null)
  }
  const before = await stateOf(app)
  const { status, body } = await aether(app, 'POST', '/files/upload', {
    form: formWith('x', 'a.txt', 'text/plain', { folderId: 'no-such-folder' }),
  })
  assert.deepEqual([status, body], [404, notFound('folder')])
  assert.deepEqual(await stateOf(app), before)
})

const notFound = (what: string) => ({
  success: false,
  error: { code: 'not_found', message: `there is no such ${what}` },
})

test('Fields may come after the file, and of a repeated one the last counts', async () => {
  const body = formBytes([
    { filename: 'late.txt', value: 'x' },
    { name: 'description', value: 'first' },
    { name: 'description', value: 'last' },
    { name: 'tags', value: 'late' },
  ])
  const response = await fetch(`${app.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: { ...withKey(app.key), 'Content-Type': formType },
    body,
  })
  const { file } = (await response.json()) as { file: FileBody }
  assert.deepEqual([file.description, file.tags], ['last', ['late']])
})

test('Fields that the door does not know are ignored', async () => {
  const file = await upload(app, 'x', 'a.txt', 'text/plain', { colour: 'blue', __proto__x: '1', constructor: 'y' })
  assert.equal(file.name, 'a.txt')
})

test('Fifty tags of 64 characters are taken, and not one more of either', async () => {
  const fifty = Array.from({ length: 50 }, (_, n) => String(n).padStart(64, '€'))
  const file = await upload(app, 'x', 'a.txt', 'text/plain', { tags: fifty.join(',') })
  assert.deepEqual(file.tags, fifty)
  for (const tags of [[...fifty, 'more'].join(','), 'x'.repeat(65)]) {
    const form = formWith('x', 'a.txt', 'text/plain', { tags })
    const { status, body } = await aether(app, 'POST', '/files/upload', { form })
    assert.deepEqual([status, body.error.code], [400, 'bad_request'])
  }
  const { status } = await aether(app, 'PATCH', `/files/${file.id}`, { json: { tags: [...fifty, 'more'] } })
  assert.equal(status, 400)
})

test('A description has up to 4,096 characters, however many bytes they are', async () => {
  const longest = '😀'.repeat(4_096)
  const file = await upload(app, 'x', 'a.txt', 'text/plain', { description: longest })
  assert.equal(file.description, longest)
  const form = formWith('x', 'a.txt', 'text/plain', { description: `${longest}!` })
  assert.equal((await aether(app, 'POST', '/files/upload', { form })).status, 400)
  const { status } = await aether(app, 'PATCH', `/files/${file.id}`, { json: { description: `${longest}!` } })
  assert.equal(status, 400)
})

const page = '<form>'
const asBrowser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

test('A browser that sends the hidden field redirect is led on by 303; a program gets its JSON', async () => {
  const fields = { redirect: '/app/files?sent=1' }
  const browser = await aether(app, 'POST', '/files/upload', {
    form: formWith(page, 'a.txt', 'text/plain', fields),
    headers: asBrowser,
  })
  assert.equal(browser.status, 303)
  assert.equal(browser.headers.get('location'), '/app/files?sent=1')
  const program = await aether(app, 'POST', '/files/upload', {
    form: formWith(page, 'a.txt', 'text/plain', fields),
    headers: { Accept: 'application/json, text/html;q=0.9' },
  })
  assert.equal(program.status, 201)
  const without = await aether(app, 'POST', '/files/upload', { form: formWith(page), headers: asBrowser })
  assert.equal(without.status, 201)
})

test('A redirect to another site is refused, and the file with it', async () => {
  const before = await stateOf(app)
  const elsewhere = [
    'https://example.org/',
    '//example.org/',
    '\\\\example.org',
    'javascript:alert(1)',
    `${app.url}0/`,
    'http://',
    app.url.replace('http', 'https'),
  ]
  for (const redirect of elsewhere) {
    const { status, body } = await aether(app, 'POST', '/files/upload', {
      form: formWith(page, 'a.txt', 'text/plain', { redirect }),
      headers: asBrowser,
    })
    assert.deepEqual([status, body.error?.code], [400, 'bad_request'], redirect)
  }
  assert.deepEqual(await stateOf(app), before)
})

test('A list is of all files, newest first, fifty at a time', async () => {
  const owner = await someone()
  const folderId = await makeFolder(owner, 'deep')
  for (let n = 0; n < 52; n++) await upload(owner, `${n}`, `${n}.txt`, 'text/plain', n % 2 ? { folderId } : {})
  const { status, body } = await aether(owner, 'GET', '/files')
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), ['success', 'files', 'pagination'])
  assert.deepEqual(body.pagination, { total: 52, limit: 50, offset: 0 })
  assert.deepEqual(
    names(body.files),
    Array.from({ length: 50 }, (_, n) => `${51 - n}.txt`),
  )
  const rest = await aether(owner, 'GET', '/files?offset=50')
  assert.deepEqual(names(rest.body.files), ['1.txt', '0.txt'])
  assert.deepEqual(rest.body.pagination, { total: 52, limit: 50, offset: 50 })
  const some = await aether(owner, 'GET', '/files?limit=2&offset=1')
  assert.deepEqual(names(some.body.files), ['50.txt', '49.txt'])
  const beyond = await aether(owner, 'GET', '/files?offset=1000')
  assert.deepEqual([beyond.status, beyond.body.files, beyond.body.pagination.total], [200, [], 52])
  const many = await aether(owner, 'GET', '/files?limit=100000')
  assert.deepEqual(many.body.pagination, { total: 52, limit: 100, offset: 0 })
  assert.equal(many.body.files.length, 52)
  const item = (await aether(owner, 'GET', '/files?limit=1')).body.files[0] as FileBody
  assert.deepEqual(item, (await aether(owner, 'GET', `/files/${item.id}`)).body.file)
})

test('A limit or offset that is no whole number is 400 and says which', async () => {
  for (const query of [
    'limit=ten',
    'limit=1.5',
    'limit=-1',
    'limit=',
    'limit=0',
    'limit=1e2',
    'limit=0x10',
    'limit=%201',
  ]) {
    const { status, body } = await aether(app, 'GET', `/files?${query}`)
    assert.deepEqual([status, body.error.code], [400, 'bad_request'], query)
    assert.match(body.error.message, /limit/)
  }
  for (const query of ['offset=x', 'offset=-1', 'offset=99999999999999999999']) {
    const { status, body } = await aether(app, 'GET', `/files?${query}`)
    assert.equal(status, 400, query)
    assert.match(body.error.message, /offset/)
  }
})

test('A list with a folderId is of that folder alone, with root of the root alone', async () => {
  const owner = await someone()
  const outer = await makeFolder(owner, 'outer')
  const inner = await makeFolder(owner, 'inner', outer)
  await upload(owner, 'r', 'root.txt')
  await upload(owner, 'o', 'outer.txt', 'text/plain', { folderId: outer })
  await upload(owner, 'i', 'inner.txt', 'text/plain', { folderId: inner })
  const of = async (folderId: string) => {
    const { body } = await aether(owner, 'GET', `/files?folderId=${folderId}`)
    return [names(body.files), body.pagination.total]
  }
  assert.deepEqual(await of('root'), [['root.txt'], 1])
  assert.deepEqual(await of(outer), [['outer.txt'], 1])
  assert.deepEqual(await of(inner), [['inner.txt'], 1])
  assert.deepEqual((await aether(owner, 'GET', '/files?folderId=nowhere')).body, notFound('folder'))
})

test('Every field of a file can be changed, each alone and all at once', async () => {
  const folderId = await makeFolder(app, 'changes')
  const file = (await upload(app, 'x', 'before.txt', 'text/plain', { tags: 'old' })) as unknown as FileBody
  const change = async (json: object): Promise<FileBody> => {
    const { status, body } = await aether(app, 'PATCH', `/files/${file.id}`, { json })
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(Object.keys(body), ['success', 'file'])
    assert.deepEqual(body.file, (await aether(app, 'GET', `/files/${file.id}`)).body.file)
    return body.file
  }
  assert.equal((await change({ name: 'after.txt' })).name, 'after.txt')
  assert.equal((await change({ description: 'said' })).description, 'said')
  assert.deepEqual((await change({ tags: [' b ', 'a', '', 'b'] })).tags, ['b', 'a'])
  assert.deepEqual((await change({ tags: [] })).tags, [])
  assert.equal((await change({ folderId })).folderId, folderId)
  assert.equal((await change({ folderId: null })).folderId, null)
  assert.equal((await change({ folderId })).folderId, folderId)
  assert.equal((await change({ folderId: 'root' })).folderId, null)
  assert.equal((await change({ public: false })).url, file.downloadUrl)
  assert.equal((await fetch(`${app.url}/m/${file.id}`)).status, 404)
  assert.equal((await change({ public: true })).url, file.url)
  assert.equal((await fetch(`${app.url}/m/${file.id}`)).status, 200)
  const all = { name: 'all.txt', description: 'd', tags: ['t'], folderId }
  const { name, description, tags, folderId: place, createdAt } = await change({ ...all, public: false })
  assert.deepEqual({ name, description, tags, folderId: place }, all)
  assert.equal(createdAt, file.createdAt)
  assert.deepEqual((await change({})).name, 'all.txt')
})

test('A change with a field that is unknown or of the wrong kind is refused whole', async () => {
  const file = await upload(app, 'x', 'kept.txt')
  const before = await stateOf(app)
  const bad: unknown[] = [
    { name: 'new.txt', colour: 'blue' },
    { name: 'new.txt', id: 'x' },
    { size: 1 },
    { name: 1 },
    { name: null },
    { tags: 'a,b' },
    { tags: [1] },
    { public: 'false' },
    { public: 0 },
    { folderId: 3 },
    { description: null },
    [],
    null,
    'text',
    17,
  ]
  for (const json of bad) {
    const { status, body } = await aether(app, 'PATCH', `/files/${file.id}`, { json })
    assert.deepEqual([status, body.error.code], [400, 'bad_request'], JSON.stringify(json))
  }
  for (const name of ['', '.', '..', 'a/', '\u0000', '\\']) {
    const { status, body } = await aether(app, 'PATCH', `/files/${file.id}`, { json: { name } })
    assert.deepEqual([status, body.error.code], [400, 'bad_request'], JSON.stringify(name))
  }
  const { status, body } = await aether(app, 'PATCH', `/files/${file.id}`, { json: { name: 'n', folderId: 'nowhere' } })
  assert.deepEqual([status, body], [404, notFound('folder')])
  assert.deepEqual(await stateOf(app), before)
})

test('A rename or a move to a name that is taken is 409 and changes nothing', async () => {
  const folderId = await makeFolder(app, 'crowded')
  await upload(app, '1', 'taken.txt', 'text/plain', { folderId })
  const other = await upload(app, '2', 'other.txt', 'text/plain', { folderId })
  const outside = await upload(app, '3', 'taken.txt')
  await makeFolder(app, 'folder-name', folderId)
  const before = await stateOf(app)
  const refused: [string, object][] = [
    [other.id, { name: 'taken.txt', description: 'lost' }],
    [other.id, { name: 'folder-name' }],
    [outside.id, { folderId }],
  ]
  for (const [id, json] of refused) {
    const { status, body } = await aether(app, 'PATCH', `/files/${id}`, { json })
    assert.deepEqual([status, body.error.code], [409, 'conflict'])
  }
  assert.deepEqual(await stateOf(app), before)
  const moved = await aether(app, 'PATCH', `/files/${outside.id}`, { json: { folderId, name: 'free.txt' } })
  assert.deepEqual([moved.status, moved.body.file.name, moved.body.file.folderId], [200, 'free.txt', folderId])
})

test('A change that repeats the name a file has already is no rename', async () => {
  const folderId = await makeFolder(app, 'twins')
  await upload(app, '1', 'twin.txt', 'text/plain', { folderId })
  const second = await upload(app, '2', 'twin.txt', 'text/plain', { folderId })
  const { status, body } = await aether(app, 'PATCH', `/files/${second.id}`, {
    json: { name: 'twin.txt', description: 'the second' },
  })
  assert.deepEqual([status, body.file?.description], [200, 'the second'])
})

test('A deleted file is gone everywhere at once, and its room is free', async () => {
  const owner = await someone()
  const file = await upload(owner, 'gone', 'gone.txt')
  assert.equal((await fetch(file.url)).status, 200)
  const { status, body } = await aether(owner, 'DELETE', `/files/${file.id}`)
  assert.deepEqual([status, body], [200, { success: true }])
  for (const [method, path] of [
    ['GET', `/files/${file.id}`],
    ['GET', `/files/${file.id}/download`],
    ['PATCH', `/files/${file.id}`],
    ['DELETE', `/files/${file.id}`],
  ] as const) {
    const again = await aether(owner, method, path, method === 'PATCH' ? { json: {} } : {})
    assert.deepEqual([again.status, again.body], [404, notFound('file')], `${method} ${path}`)
  }
  assert.equal((await fetch(file.url)).status, 404)
  const { stats } = (await aether(owner, 'GET', '/user/stats')).body
  assert.deepEqual([stats.totalFiles, stats.totalSize], [0, 0])
  assert.equal((await upload(owner, 'new', 'gone.txt')).name, 'gone.txt')
})

test('A key is taken from Authorization and from X-API-Key, and the word Bearer in any case', async () => {
  const tries: Record<string, string>[] = [
    { Authorization: `Bearer ${app.key}` },
    { Authorization: `bearer ${app.key}` },
    { Authorization: `BEARER   ${app.key}  ` },
    { 'X-API-Key': app.key },
    { 'x-api-key': ` ${app.key} ` },
  ]
  for (const headers of tries) assert.equal((await aether(app, 'GET', '/files', { key: null, headers })).status, 200)
})

test('A key is nowhere else: not in the query, not in a cookie, not as Basic', async () => {
  const basic = `Basic ${Buffer.from(`key:${app.key}`).toString('base64')}`
  const tries: [string, Record<string, string>][] = [
    [`/files?key=${app.key}&api_key=${app.key}&access_token=${app.key}`, {}],
    ['/files', { Cookie: `key=${app.key}; session=${app.key}` }],
    ['/files', { Authorization: basic }],
    ['/files', { Authorization: app.key }],
    ['/files', { Authorization: `Bearer ${app.key} x` }],
    ['/files', { Authorization: 'Bearer' }],
    ['/files', { 'X-API-Key': '' }],
    ['/files', { 'X-API-Key': `${app.key}, ${app.key}` }],
  ]
  for (const [path, headers] of tries) {
    const { status, body } = await aether(app, 'GET', path, { key: null, headers })
    assert.deepEqual([status, body.error.code], [401, 'unauthorized'], JSON.stringify(headers))
  }
})

test('A key of any kind opens this door', async () => {
  for (const kind of ['ak', 'atiru', 'sk'] as const) {
    const { text } = await app.newKey({ kind })
    assert.ok(text.startsWith(`${kind}_`))
    assert.equal((await aether(app, 'GET', '/files', { key: text })).status, 200)
  }
})

test('The examples of the API page work as they are written there', async () => {
  const owner = await someone()
  const photo = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(1_020)])
  const form = formWith(photo, 'example.jpg', 'image/jpeg', { description: 'My photo' })
  const { body } = await aether(owner, 'POST', '/files/upload', { form })
  assert.deepEqual(
    [body.success, body.file.name, body.file.size, body.file.description],
    [true, 'example.jpg', 1_024, 'My photo'],
  )
  const list = await aether(owner, 'GET', '/files?limit=10')
  assert.deepEqual(list.body.pagination, { total: 1, limit: 10, offset: 0 })
  const download = await aether(owner, 'GET', `/files/${body.file.id}/download`)
  assert.deepEqual(download.bytes, photo)
  const { stats } = (await aether(owner, 'GET', '/user/stats')).body
  assert.deepEqual(Object.keys(stats), ['totalFiles', 'totalSize', 'totalFolders', 'storageUsed', 'bandwidthUsed'])
  assert.deepEqual([stats.totalFiles, stats.totalSize, stats.storageUsed], [1, 1_024, '1.0 KB'])
})

import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { aether, type FileBody, makeFolder } from '../support/aether.ts'
import { openTestApp, temporaryFolder, upload, withKey } from '../support/app.ts'
import { fileNameIn } from '../support/disposition.ts'
import { formBytes, formType } from '../support/multipart.ts'
import { rawRequest } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { namesBelow, stateOf } from '../support/state.ts'

/** The data folder lies deep in one of the test's own, so that what climbs out of it is found. */
const around = await temporaryFolder(thisFile)
const dir = join(around, 'a', 'b', 'c', 'data')
await mkdir(dir, { recursive: true })
const app = await openTestApp(thisFile, { 'data.dir': dir })
const folderId = await makeFolder(app, 'docs')

/** Uploads under a name whose bytes go over the wire as they are. */
async function uploadRaw(filename: string | Uint8Array, fields: Record<string, string> = {}): Promise<FileBody> {
  const parts = Object.entries(fields).map(([name, value]) => ({ name, value }))
  const body = formBytes([...parts, { filename, value: 'bytes' }])
  const headers = { ...withKey(app.key), 'Content-Type': formType }
  const answer = await rawRequest(app.url, 'POST', '/api/v1/files/upload', headers, body)
  assert.equal(answer.status, 201, answer.body.toString())
  return JSON.parse(answer.body.toString()).file as FileBody
}

async function pathOf(file: { id: string }): Promise<string | undefined> {
  const entry = await app.catalogue.read.file(file.id)
  return app.catalogue.read.pathOf(entry?.entryId ?? '')
}

/** Name and disposition on every way on which the file is given back. */
async function requireName(file: FileBody, expected: string): Promise<void> {
  assert.equal(file.name, expected)
  assert.equal((await aether(app, 'GET', `/files/${file.id}`)).body.file.name, expected)
  for (const path of [`/api/v1/files/${file.id}/download`, `/d/${file.id}`, `/m/${file.id}`]) {
    const answer = await rawRequest(app.url, 'GET', path, withKey(app.key))
    assert.equal(answer.status, 200)
    assert.equal(answer.body.toString(), 'bytes')
    const header = answer.headers['content-disposition'] ?? ''
    assert.match(header, /^(inline|attachment); filename/)
    assert.match(header, /^[\x20-\x7e]+$/, 'a header is ASCII')
    assert.equal(fileNameIn(header), expected, header)
    assert.equal(answer.headers['x-evil'], undefined)
  }
}

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

const kept: [what: string, sent: string | Uint8Array, name: string][] = [
  ['a plain name', 'photo.jpg', 'photo.jpg'],
  ['a path upwards', '../../x', 'x'],
  ['a long way upwards', `${'../'.repeat(50)}etc/passwd`, 'passwd'],
  ['an absolute path', '/etc/shadow', 'shadow'],
  ['a path of Windows, as old browsers send it', 'C:\\Users\\me\\photo.jpg', 'photo.jpg'],
  ['a path of Windows, its backslashes doubled', 'C:\\\\Users\\\\me\\\\photo.jpg', 'photo.jpg'],
  ['a way upwards of Windows', '..\\..\\x.txt', 'x.txt'],
  ['a mixed path', '..\\../..\\y.txt', 'y.txt'],
  ['a hidden file', '.htaccess', '.htaccess'],
  ['dots and no more', '...', '...'],
  ['quotes', 'say \\"hi\\".txt', 'say "hi".txt'],
  ['quotes as browsers send them', 'say %22hi%22.txt', 'say "hi".txt'],
  ['a line break as browsers send it', 'a%0D%0AX-Evil: 1.txt', 'aX-Evil: 1.txt'],
  ['percent signs', '100%.txt', '100%.txt'],
  ['percent-encoding, which is no encoding here', '%2e%2e%2fx', '%2e%2e%2fx'],
  ['a semicolon and an equals sign', 'a;filename=b.txt', 'a;filename=b.txt'],
  ['markup', '<img src=x onerror=alert(1)>.html', '<img src=x onerror=alert(1)>.html'],
  ['spaces around', '  a  .txt ', '  a  .txt '],
  ['umlauts', 'Grüße aus Köln.txt', 'Grüße aus Köln.txt'],
  ['emoji', '👨‍👩‍👧 😀.txt', '👨‍👩‍👧 😀.txt'],
  ['writing from right to left', 'שלום.txt', 'שלום.txt'],
  ['bytes that are no UTF-8', latin1('caf\xe9.txt'), 'caf\ufffd.txt'],
  ['control characters above ASCII', 'a\u0085b\u009fc.txt', 'abc.txt'],
  ['a tab', 'a\tb.txt', 'ab.txt'],
  ['300 bytes', `${'x'.repeat(296)}.txt`, `${'x'.repeat(296)}.txt`],
  ['1,100 bytes', 'y'.repeat(1_100), 'y'.repeat(1_024)],
  ['1,200 bytes of three each', '€'.repeat(400), '€'.repeat(341)],
  ['a device of Windows', 'CON', 'CON'],
  ['a word of JavaScript', '__proto__', '__proto__'],
]

for (const [what, sent, name] of kept) {
  test(`A name is given back as RFC 6266 says: ${what}`, async () => {
    await requireName(await uploadRaw(sent), name)
  })
}

test('A name of which nothing is left becomes the id of its file', async () => {
  for (const sent of ['.', '..', '/', 'a/', 'a/..', '\\\\', 'a\\.', '\u0085', '%0D%0A', '../']) {
    const file = await uploadRaw(sent)
    await requireName(file, file.id)
  }
})

test('A name with bare control characters makes no header, and its form is refused', async () => {
  const before = await stateOf(app)
  for (const sent of ['a\x01b.txt', 'a\x00.txt', 'a\x7f.txt', 'a\rb.txt', 'a\nb.txt']) {
    const body = formBytes([{ filename: latin1(sent), value: 'bytes' }])
    const headers = { ...withKey(app.key), 'Content-Type': formType }
    const answer = await rawRequest(app.url, 'POST', '/api/v1/files/upload', headers, body)
    assert.equal(answer.status, 400, JSON.stringify(sent))
  }
  assert.deepEqual(await stateOf(app), before)
})

test('A name in the form of RFC 8187 counts before the plain one', async () => {
  const disposition = `form-data; name="file"; filename="plain.txt"; filename*=UTF-8''%e2%82%ac%2f..%2frates.txt`
  const answer = await rawRequest(
    app.url,
    'POST',
    '/api/v1/files/upload',
    { ...withKey(app.key), 'Content-Type': formType },
    formBytes([{ disposition, type: 'text/plain', value: 'bytes' }]),
  )
  assert.equal(answer.status, 201)
  await requireName(JSON.parse(answer.body.toString()).file, 'rates.txt')
})

test('The same name twice is kept by both, and the second has its id in its path', async () => {
  const first = await uploadRaw('twice.tar.gz', { folderId })
  const second = await uploadRaw('twice.tar.gz', { folderId })
  const third = await uploadRaw('noextension', { folderId })
  const fourth = await uploadRaw('noextension', { folderId })
  assert.equal(second.name, 'twice.tar.gz')
  assert.equal(await pathOf(first), 'docs/twice.tar.gz')
  assert.equal(await pathOf(second), `docs/twice.tar-${second.id}.gz`)
  assert.equal(await pathOf(third), 'docs/noextension')
  assert.equal(await pathOf(fourth), `docs/noextension-${fourth.id}`)
})

test('A name in two Unicode forms is one path, and each file keeps the form it came with', async () => {
  const composed = 'Ångström.txt'.normalize('NFC')
  const decomposed = 'Ångström.txt'.normalize('NFD')
  assert.notEqual(composed, decomposed)
  const first = await uploadRaw(decomposed, { folderId })
  const second = await uploadRaw(composed, { folderId })
  await requireName(first, decomposed)
  await requireName(second, composed)
  assert.equal(await pathOf(first), `docs/${composed}`)
  assert.equal(await pathOf(second), `docs/${'Ångström'.normalize('NFC')}-${second.id}.txt`)
})

test('search, stats and log are taken in the root, and free in every folder', async () => {
  for (const name of ['search', 'stats', 'log']) {
    const file = await uploadRaw(name)
    assert.equal(file.name, name)
    assert.equal(await pathOf(file), `${name}-${file.id}`)
    assert.equal(await pathOf(await uploadRaw(name, { folderId })), `docs/${name}`)
    const folder = await aether(app, 'POST', '/folders', { json: { name } })
    assert.deepEqual([folder.status, folder.body.error.code], [409, 'conflict'])
    const other = await uploadRaw('other.txt')
    const renamed = await aether(app, 'PATCH', `/files/${other.id}`, { json: { name } })
    assert.deepEqual([renamed.status, renamed.body.error.code], [409, 'conflict'])
  }
})

test('A name too long for a path has a path of its own, never over 255 bytes a part', async () => {
  for (const sent of [
    'x'.repeat(256),
    `${'x'.repeat(300)}.jpeg`,
    `${'😀'.repeat(100)}.txt`,
    `a.${'long'.repeat(100)}`,
  ]) {
    const file = await uploadRaw(sent, { folderId })
    assert.equal(file.name, sent)
    const path = (await pathOf(file)) ?? ''
    assert.ok(Buffer.byteLength(path) <= 255 + 'docs/'.length, path)
    assert.ok(path.includes(file.id), path)
    assert.equal(path.isWellFormed(), true)
  }
  const exact = 'z'.repeat(255)
  assert.equal(await pathOf(await uploadRaw(exact, { folderId })), `docs/${exact}`)
})

test('Where the folder lies so deep that no name fits, the path is the id alone, and then nothing', async () => {
  let deep = folderId
  for (const length of [255, 255, 255]) deep = await makeFolder(app, 'd'.repeat(length), deep)
  const short = await makeFolder(app, 'd'.repeat(215), deep)
  const file = await uploadRaw('a rather long name that does not fit there.txt', { folderId: short })
  assert.equal((await pathOf(file))?.split('/').at(-1), `${file.id}.txt`)
  const last = await makeFolder(app, 'e'.repeat(248), deep)
  const before = await stateOf(app)
  const form = new FormData()
  form.set('folderId', last)
  form.append('file', new Blob(['x']), 'name.txt')
  const { status, body } = await aether(app, 'POST', '/files/upload', { form })
  assert.deepEqual([status, body.error.code], [400, 'bad_request'])
  assert.deepEqual(await stateOf(app), before)
})

test('A rename cuts a name as an upload does', async () => {
  const place = await makeFolder(app, 'renames')
  const file = await upload(app, 'bytes', 'before.txt', 'text/plain', { folderId: place })
  const names: [string, string][] = [
    ['../../up.txt', 'up.txt'],
    ['C:\\x\\y.txt', 'y.txt'],
    ['a\r\nX-Evil: 1', 'aX-Evil: 1'],
    ['\ud800broken.txt', '\ufffdbroken.txt'],
    ['y'.repeat(1_100), 'y'.repeat(1_024)],
    ['"quoted" ; \\o/.txt', '.txt'],
  ]
  for (const [sent, name] of names) {
    const { status, body } = await aether(app, 'PATCH', `/files/${file.id}`, { json: { name: sent } })
    assert.equal(status, 200, JSON.stringify(body))
    await requireName(body.file, name)
  }
})

test('No name and no path, however it was sent, wrote anything outside the data folder', async () => {
  assert.deepEqual(await readdir(around), ['a'])
  assert.deepEqual(await readdir(join(around, 'a')), ['b'])
  assert.deepEqual(await readdir(join(around, 'a', 'b')), ['c'])
  assert.deepEqual(await readdir(join(around, 'a', 'b', 'c')), ['data'])
  const own = /^(catalogue|activity|lock)[.\w-]*$|^format$|^tokens\.json$/
  const blob = /^blobs\/sha256\/([0-9a-f]{2})\/([0-9a-f]{2})\/\1\2[0-9a-f]{60}$/
  assert.deepEqual(
    (await namesBelow(dir)).filter((name) => !own.test(name) && !blob.test(name)),
    [],
  )
})

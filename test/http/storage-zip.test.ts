import assert from 'node:assert/strict'
import { readdir, readlink, rm, truncate } from 'node:fs/promises'
import { request } from 'node:http'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { Names, safeName } from '../../src/core/archive-names.ts'
import { openTestApp } from '../support/app.ts'
import { fileNameIn } from '../support/disposition.ts'
import { thisFile } from '../support/shared.ts'
import { blobPath, until } from '../support/state.ts'
import { put, refusal, storage } from '../support/storage.ts'

const app = await openTestApp(thisFile)
const other = (await app.newKey({}, await app.newAccount('other@example.org'))).text

/** What is in a zip by the directory at its end: read here by the format's own description, apart from the library that writes it. */
interface Zipped {
  readonly name: string
  readonly text: string
  readonly method: number
  /** Milliseconds since 1970, whole seconds. */
  readonly at: number
}

function unzipped(zip: Buffer): Zipped[] {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06'))
  assert.ok(end >= 0, 'no end of a zip')
  const all: Zipped[] = []
  let at = zip.readUInt32LE(end + 16)
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    assert.equal(zip.toString('latin1', at, at + 4), 'PK\x01\x02')
    const [nameLength, extraLength, size] = [
      zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30),
      zip.readUInt32LE(at + 24),
    ]
    const local = zip.readUInt32LE(at + 42)
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const bytes = zip.subarray(start, start + size)
    assert.equal(crc32(bytes), zip.readUInt32LE(at + 16))
    all.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameLength),
      text: bytes.toString(),
      method: zip.readUInt16LE(at + 10),
      at: zip.readUInt32LE(at + 46 + nameLength + 5) * 1_000,
    })
    at += 46 + nameLength + extraLength
  }
  assert.equal(at, end)
  return all
}

/** The zip at a path below `/zip/`. */
async function zipAt(path: string, key = app.key) {
  const answer = await storage(app, 'GET', `/zip/${path}`, { key })
  assert.equal(answer.status, 200, answer.bytes.toString().slice(0, 500))
  return { headers: answer.headers, entries: unzipped(answer.bytes) }
}

const texts = (entries: readonly Zipped[]) => Object.fromEntries(entries.map(({ name, text }) => [name, text]))

/** Files of the store that this very process holds open. */
async function openBlobs(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir(`/proc/${app.pid}/fd`)).map((fd) => readlink(`/proc/${app.pid}/fd/${fd}`).catch(() => '')),
  )
  return links.filter((link) => link.startsWith(`${app.folder}/blobs`))
}

test('A folder comes as one zip, with all below it and its empty folders, by names from the folder on', async () => {
  await put(app, 'docs/a.txt', 'a')
  await put(app, 'docs/deep/er/b.txt', 'b')
  await put(app, 'docs/deep/empty.txt', '')
  await put(app, 'docs2/not.txt', 'not here')
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'docs/none/at/all/' } })
  for (const path of ['docs/', 'docs']) {
    const { headers, entries } = await zipAt(path)
    assert.deepEqual(texts(entries), { 'a.txt': 'a', 'deep/er/b.txt': 'b', 'deep/empty.txt': '', 'none/at/all/': '' })
    assert.ok(entries.every(({ method }) => method === 0))
    assert.ok(entries.every(({ at }) => Math.abs(at - Date.now()) < 60_000))
    assert.equal(headers.get('content-type'), 'application/zip')
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(fileNameIn(headers.get('content-disposition') ?? ''), 'docs.zip')
    assert.match(headers.get('content-disposition') ?? '', /^attachment;/)
  }
})

test('Without a path all comes that the caller may reach', async () => {
  await put(app, 'own/x.txt', 'x')
  const whole = await zipAt('')
  assert.equal(fileNameIn(whole.headers.get('content-disposition') ?? ''), 'larder.zip')
  assert.equal(texts(whole.entries)['own/x.txt'], 'x')
  const { text: key } = await app.newKey({ pathPrefix: 'own/' })
  const mine = await zipAt('', key)
  assert.equal(fileNameIn(mine.headers.get('content-disposition') ?? ''), 'own.zip')
  assert.deepEqual(texts(mine.entries), { 'x.txt': 'x' })
  assert.deepEqual((await zipAt('', other)).entries, [])
})

test('No zip shows what its caller may not see', async () => {
  const zip = (path: string, key: string | null = app.key) => storage(app, 'GET', `/zip/${path}`, { key })
  const { text: held } = await app.newKey({ pathPrefix: 'own/' })
  const { text: writer } = await app.newKey({ scopes: ['files:write'] })
  refusal(await zip('docs/', null), 401, 'unauthorized')
  refusal(await zip('docs/', other), 404, 'not_found')
  refusal(await zip('docs/', held), 403, 'forbidden')
  refusal(await zip('ow/', held), 403, 'forbidden')
  refusal(await zip('docs/', writer), 403, 'forbidden')
  for (const path of ['nothing/', 'docs/a.txt', 'docs/a.txt/']) refusal(await zip(path), 404, 'not_found')
  for (const path of ['docs%2F..%2Fdocs2', '%2Fdocs', 'docs%5Ca', 'docs//deep', '%00'])
    refusal(await zip(path), 400, 'bad_request')
})

test('HEAD tells of a zip and reads nothing', async () => {
  const { status, headers, bytes } = await storage(app, 'HEAD', '/zip/docs/')
  assert.deepEqual([status, headers.get('content-type'), bytes.length], [200, 'application/zip', 0])
  assert.equal((await storage(app, 'HEAD', '/zip/nothing/')).status, 404)
  assert.deepEqual(await openBlobs(), [])
})

test('Names in a zip can be stored on any system, and none takes another’s place', async () => {
  const names = [
    'C:',
    'con',
    'NUL.txt',
    'dots...',
    'space ',
    'a:b',
    'a?b',
    'A:b',
    'q"<x>|*',
    '~',
    'ünï.txt',
    'same.txt',
    'SAME.TXT',
    'Same (2).txt',
  ]
  for (const name of names) assert.equal((await put(app, `odd/${name}`, name)).status, 201)
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'odd/aux/' } })
  const { entries } = await zipAt('odd/')
  assert.deepEqual(
    entries
      .map(({ text }) => text)
      .filter(Boolean)
      .sort(),
    [...names].sort(),
  )
  for (const { name } of entries) assert.equal(name.replace(/\/$/, ''), safeName(name.replace(/\/$/, '')))
  assert.equal(new Set(entries.map(({ name }) => name.toLowerCase())).size, entries.length)
  const byText = Object.fromEntries(entries.map(({ name, text }) => [text, name]))
  assert.deepEqual(
    [byText['C:'], byText.con, byText['NUL.txt'], byText['dots...'], byText['ünï.txt']],
    ['C_', '_con', '_NUL.txt', 'dots_', 'ünï.txt'],
  )
  assert.ok(entries.some(({ name }) => name === '_aux/'))
})

test('A safe name is no path, no device and no trick, whatever it is made of', () => {
  const hostile = [
    '..',
    '.',
    '../..',
    '/etc/passwd',
    '\\\\host\\share',
    'C:\\x',
    'a\0b',
    'a\r\nb',
    '\u202egnp.exe',
    'x. . .',
    ' ',
    'LPT1 .txt',
    'com¹',
    'CONIN$',
    '\ud800',
  ]
  for (const name of hostile) {
    const safe = safeName(name)
    assert.doesNotMatch(safe, /[\p{Cc}<>:"/\\|?*\u202a-\u202e\u2066-\u2069]|[. ]$|^$/u, JSON.stringify(name))
    assert.doesNotMatch(safe, /^(con|prn|aux|nul|conin\$|(com|lpt)[0-9¹²³]) *(\.|$)/i)
    assert.ok(safe.isWellFormed())
  }
  const names = new Names()
  const given = Array.from({ length: 2_000 }, (_, n) =>
    names.take(['a?.txt', 'A*.TXT', 'a_ (2).txt', `${'é'.repeat(127)}.`][n % 4] as string),
  )
  assert.equal(new Set(given.map((name) => name.toLowerCase())).size, given.length)
  assert.ok(given.every((name) => Buffer.byteLength(name) <= 255))
})

test('The name of the zip is the folder’s, whatever is in it', async () => {
  for (const name of ['Zürich "x"', "it's; filename=evil.exe", 'ja 日本']) {
    await put(app, `named/${name}/a.txt`, 'a')
    const { headers } = await zipAt(`named/${encodeURIComponent(name)}/`)
    assert.equal(fileNameIn(headers.get('content-disposition') ?? ''), `${name}.zip`)
  }
})

test('A folder with more entries than are read at once comes whole, each once', async () => {
  await put(app, 'many/0000', 'x')
  const { entries: listed } = (await storage(app, 'GET', '/files?prefix=many/')).body
  assert.equal(listed.length, 1)
  const folder = await app.catalogue.read.entryAt(app.owner.id, 'many/')
  const { digest, size } = (await app.catalogue.read.entryAt(app.owner.id, 'many/0000'))?.file ?? assert.fail()
  await app.catalogue.write.publishFiles({
    accountId: app.owner.id,
    destination: { folderId: folder?.entryId ?? '' },
    prefix: null,
    files: Array.from({ length: 230 }, (_, n) => {
      const name = String(n + 1).padStart(4, '0')
      const fileId = `many-file-${name}xx`
      const ids = { id: crypto.randomUUID(), fileId, entryId: crypto.randomUUID() }
      return {
        ...ids,
        digest,
        size,
        contentType: 'text/plain',
        name,
        segments: [name],
        isPublic: false,
        description: '',
        tags: [],
      }
    }),
    quota: { bytes: null, files: null },
    now: Date.now(),
  })
  const { entries } = await zipAt('many/')
  assert.deepEqual(
    entries.map(({ name }) => name),
    Array.from({ length: 231 }, (_, n) => String(n).padStart(4, '0')),
  )
})

test('Where bytes are missing the connection breaks: no zip looks whole and is not', async () => {
  const damages = [(path: string) => rm(path), (path: string) => truncate(path, 5), (path: string) => truncate(path, 0)]
  for (const [n, damage] of damages.entries()) {
    await put(app, `broken${n}/a.txt`, `whole ${n}`)
    await put(app, `broken${n}/b.txt`, `damaged ${n}`)
    await put(app, `broken${n}/c.txt`, `after ${n}`)
    const file = (await app.catalogue.read.entryAt(app.owner.id, `broken${n}/b.txt`))?.file ?? assert.fail()
    await damage(blobPath(app, file.digest))
    await assert.rejects(storage(app, 'GET', `/zip/broken${n}/`), /terminated/)
  }
  await until('what is read to be closed', async () => (await openBlobs()).length === 0)
  assert.match(await app.wholeLog(), /bytes of file .* are there|are not on the disk/)
})

test('A client that leaves in the middle leaves no file open', async () => {
  for (const name of ['a', 'b', 'c']) await put(app, `large/${name}`, Buffer.alloc(1024 * 1024, name))
  await new Promise<void>((resolve) => {
    const asked = request(`${app.url}/storage/zip/large/`, { headers: { Authorization: `Bearer ${app.key}` } })
    asked.on('response', (response) => response.once('data', () => asked.destroy()))
    asked.on('close', resolve)
    asked.on('error', () => {})
    asked.end()
  })
  await until('what is read to be closed', async () => (await openBlobs()).length === 0)
  assert.equal((await zipAt('large/')).entries.length, 3)
})

test('Each file of a zip counts as one read, with its bytes', async () => {
  const key = (await app.newKey({}, await app.newAccount('counted@example.org'))).text
  for (const [path, bytes] of [
    ['f/a', 'four'],
    ['f/b', 'sixsix'],
    ['f/none', ''],
  ] as const)
    await put(app, path, bytes, { key })
  assert.equal((await zipAt('f/', key)).entries.length, 3)
  const { id } = await app.accounts.named('counted@example.org')
  await app.activityKept()
  const used = await app.catalogue.read.usage(id, new Date().toISOString().slice(0, 7))
  assert.deepEqual([used.originReads, used.bytesSent], [2, 10])
})

test('Where the plan allows for no read any more a zip is refused, or breaks in the middle', async (t) => {
  const limited = await openTestApp(t, { plans: { small: { origin_reads: 3 } } })
  const account = await limited.newAccount('small@example.org')
  await limited.catalogue.write.setPlan({ accountId: account.id, plan: 'small', accessUntil: null, now: Date.now() })
  const key = (await limited.newKey({}, account)).text
  for (const name of ['a', 'b']) await put(limited, `f/${name}`, name, { key })
  const zip = () => storage(limited, 'GET', '/zip/f/', { key })
  assert.equal((await zip()).status, 200)
  await assert.rejects(zip(), /terminated/)
  refusal(await zip(), 403, 'quota_exceeded')
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import Database from 'better-sqlite3'
import { openTestApp, upload } from '../support/app.ts'
import { runLarder } from '../support/process.ts'

const bytes = 'bytes that somebody cares about'
const digest = createHash('sha256').update(bytes).digest('hex')

/** A store with a file in it, and the path of its blob. */
async function storeWithFile(t: TestContext) {
  const app = await openTestApp(t)
  const file = await upload(app, bytes, 'dear.txt')
  const blob = join(app.folder, 'blobs', 'sha256', digest.slice(0, 2), digest.slice(2, 4), digest)
  const fsck = (...args: string[]) => runLarder(['--data-dir', app.folder, 'fsck', ...args])
  return { app, file, blob, fsck }
}

test('a sound store passes, with the reading of every byte too, beside a running server and without one', async (t) => {
  const { app, fsck } = await storeWithFile(t)
  for (const args of [[], ['--read-data']]) assert.equal((await fsck(...args)).code, 0)
  await app.close()
  const outcome = await fsck('--read-data')
  assert.equal(outcome.code, 0)
  assert.match(outcome.stdout, /Checked 1 blob \(31 bytes\)[\s\S]*No damage/)
})

test('a flipped byte is found by reading, with account, path and what to do', async (t) => {
  const { blob, fsck } = await storeWithFile(t)
  const wrong = await readFile(blob)
  wrong[3] = (wrong[3] ?? 0) ^ 1
  await writeFile(blob, wrong)
  assert.equal((await fsck()).code, 0, 'the length alone tells nothing')
  const { code, stdout } = await fsck('--read-data')
  assert.equal(code, 1)
  assert.match(stdout, /DAMAGE account .*, \/dear\.txt: blob [0-9a-f]{64} has other bytes/)
  assert.match(stdout, /upload the same file again/)
})

test('a flipped byte is mended by an upload of the same file', async (t) => {
  const { app, blob, fsck } = await storeWithFile(t)
  await writeFile(blob, bytes.toUpperCase())
  assert.equal((await fsck('--read-data')).code, 1)
  await upload(app, bytes, 'again.txt')
  assert.equal((await fsck('--read-data')).code, 0)
})

test('a removed blob and a cut blob are named', async (t) => {
  const { blob, fsck } = await storeWithFile(t)
  await truncate(blob, 5)
  const cut = await fsck()
  assert.equal(cut.code, 1)
  assert.match(cut.stdout, /\/dear\.txt: blob [0-9a-f]{64} has 5 bytes, and should have 31/)
  await rm(blob)
  const missing = await fsck()
  assert.equal(missing.code, 1)
  assert.match(missing.stdout, /\/dear\.txt: blob [0-9a-f]{64} is missing/)
})

for (const [column, words] of [
  ['files_below', /folder \/: the counter "files below" says 8, and there are 1/],
  ['bytes_below', /folder \/: the counter "bytes below" says 38, and there are 31/],
  ['files_in', /folder \/: the counter "files in it" says 8, and there are 1/],
] as const) {
  test(`a wrong counter (${column}) is named`, async (t) => {
    const { app, fsck } = await storeWithFile(t)
    await app.close()
    const raw = new Database(join(app.folder, 'catalogue.db'))
    raw.exec(`UPDATE entries SET ${column} = ${column} + 7 WHERE segment = ''`)
    raw.close()
    const { code, stdout } = await fsck()
    assert.equal(code, 1)
    assert.match(stdout, words)
  })
}

test("a blob's wrong count of names is named", async (t) => {
  const { app, fsck } = await storeWithFile(t)
  await app.close()
  const raw = new Database(join(app.folder, 'catalogue.db'))
  raw.exec('UPDATE blobs SET names = 5')
  raw.close()
  const { code, stdout } = await fsck()
  assert.equal(code, 1)
  assert.match(stdout, /the counter "names" says 5, and there are 1/)
})

test('blobs that nothing names are counted, and are no damage', async (t) => {
  const { app, fsck } = await storeWithFile(t)
  await fetch(`${app.url}/api/v1/files/x`)
  const stray = createHash('sha256').update('stray').digest('hex')
  const folder = join(app.folder, 'blobs', 'sha256', stray.slice(0, 2), stray.slice(2, 4))
  await (await import('node:fs/promises')).mkdir(folder, { recursive: true })
  await writeFile(join(folder, stray), 'stray')
  const { code, stdout } = await fsck('--read-data')
  assert.equal(code, 0)
  assert.match(stdout, /Garbage: 1 blob \(5 bytes\)/)
})

test('wrong bytes can be set aside, so that nobody is served them, and are not dropped', async (t) => {
  const { app, file, blob, fsck } = await storeWithFile(t)
  await writeFile(blob, bytes.toUpperCase())
  const beside = await fsck('--read-data', '--quarantine')
  assert.equal(beside.code, 2)
  assert.match(beside.stderr, /stop the server/)
  await app.close()
  const { code, stdout } = await fsck('--read-data', '--quarantine')
  assert.equal(code, 1)
  assert.match(stdout, /set aside at/)
  const [aside = ''] = await readdir(join(app.folder, 'quarantine'))
  assert.equal(await readFile(join(app.folder, 'quarantine', aside), 'utf8'), bytes.toUpperCase())
  const again = await openTestApp(t, { 'data.dir': app.folder })
  assert.equal((await fetch(`${again.url}/m/${file.id}`)).status, 500)
})

test('where nothing can be checked the exit code is 2', async (t) => {
  const { blob } = await storeWithFile(t)
  const { code, stderr } = await runLarder(['--data-dir', blob, 'fsck'])
  assert.equal(code, 2)
  assert.match(stderr, /cannot be used/)
})

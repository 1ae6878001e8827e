import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { temporaryFolder, upload } from '../support/app.ts'
import { send, sha256, startedParts } from '../support/direct-uploads.ts'
import { keyIn, runLarder, startServer } from '../support/process.ts'
import { thisFile } from '../support/shared.ts'
import { namesBelow } from '../support/state.ts'
import { runCutOff } from '../upgrades/run-cut-off.ts'

const dir = join(await temporaryFolder(thisFile), 'data')
const server = await startServer(thisFile, dir, { args: ['--set', 'limits.api=off', '--set', 'limits.upload=off'] })
const app = { url: server.url, key: keyIn(server.output()) }

const blobPath = (folder: string, hash: string): string =>
  join(folder, 'blobs', 'sha256', hash.slice(0, 2), hash.slice(2, 4), hash)
const place = async (): Promise<string> => join(await temporaryFolder(thisFile), 'backup')
const backup = (to: string, ...more: string[]) => runLarder(['backup', to, '--data-dir', dir, ...more])

/** Files with content of their own, by id. */
async function uploadSome(count: number, size: number): Promise<Map<string, string>> {
  const sent = new Map<string, string>()
  for (let n = 0; n < count; n++) {
    const bytes = randomBytes(size)
    sent.set((await upload(app, bytes, `${n}.bin`, 'application/octet-stream')).id, sha256(bytes))
  }
  return sent
}

async function mustServe(url: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [id, hash] of files) {
    const { status, bytes } = await aether({ url, key: app.key }, 'GET', `/files/${id}/download`)
    assert.deepEqual([status, sha256(bytes)], [200, hash])
  }
}

test('A backup that is made while others upload opens as it is, with everything that was answered before it began', async (t) => {
  const before = await uploadSome(10, 20_000)
  const begun = await startedParts(app, { path: 'films/half.txt', part_count: 2 })
  await send(begun.part_urls[0] ?? '', Buffer.from('the first half'))
  let isOver = false
  const others = (async (): Promise<number> => {
    let count = 0
    for (; !isOver; count++) await uploadSome(1, 5_000)
    return count
  })()
  const to = await place()
  const { code, stdout, stderr } = await backup(to)
  isOver = true
  assert.ok((await others) > 0)
  assert.equal(code, 0, stdout + stderr)
  assert.match(
    stdout,
    /^Copied \d+ blobs \(\d+ bytes\) in [\d.]+ s\.\nThe backup holds \d+ blobs \(\d+ bytes\) in all, .*\n$/,
  )
  const names = await readdir(to)
  for (const name of ['cache', '.native', 'lock', 'quarantine', 'backups']) assert.ok(!names.includes(name), name)
  assert.deepEqual([await readdir(join(to, 'uploads')), await readdir(join(to, 'tmp'))], [[], []])
  const fsck = await runLarder(['fsck', '--read-data', '--data-dir', to])
  assert.equal(fsck.code, 0, fsck.stdout)
  const restored = await startServer(t, to)
  await mustServe(restored.url, before)
  await upload({ url: restored.url, key: app.key }, 'life goes on')
})

test('A backup that is killed can be begun anew; one that was never finished is not taken for a store', async () => {
  const files = await uploadSome(15, 100_000)
  const to = await place()
  assert.equal((await runCutOff('blob 5', 'backup', to, '--data-dir', dir)).signal, 'SIGKILL')
  assert.ok((await namesBelow(join(to, 'blobs'))).length > 0)
  const served = await runLarder(['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', to])
  assert.equal(served.code, 2)
  assert.match(served.stderr, /holds files, and their catalogue is missing/)
  const again = await backup(to)
  assert.equal(again.code, 0, again.stderr)
  assert.deepEqual(
    (await namesBelow(to)).filter((name) => /\.new|\.half|^tmp/.test(name)),
    [],
  )
  for (const hash of files.values()) assert.equal(sha256(await readFile(blobPath(to, hash))), hash)
  await uploadSome(10, 1_000)
  // What the last one holds is there until the next one takes its place.
  assert.equal((await runCutOff('blob 5', 'backup', to, '--data-dir', dir)).signal, 'SIGKILL')
  assert.equal((await runLarder(['fsck', '--read-data', '--data-dir', to])).code, 0)
  assert.equal((await backup(to)).code, 0)
  const second = await backup(to, '--read-data', '--prune')
  assert.match(second.stdout, /^Copied 0 blobs \(0 bytes\) in [\d.]+ s\.\nRemoved 0 blobs/)
})

test('What is no place for a backup is refused with the reason, and left as it is', async () => {
  const folder = await temporaryFolder(thisFile)
  const [full, other, link, file] = ['full', 'other', 'link', 'file'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  await mkdir(full)
  await writeFile(join(full, 'letter.txt'), 'mine')
  await writeFile(file, 'mine')
  await symlink(join(dir, 'tmp'), link)
  await mkdir(other)
  await writeFile(join(other, 'backup.json'), JSON.stringify({ larder_backup: 1, store: 'another', last: null }))
  const refusals: [string, RegExp][] = [
    [dir, /is the data folder itself/],
    [join(dir, 'backups', 'mine'), /lies in the data folder/],
    [link, /lies in the data folder/],
    [join(dir, '..'), /name a folder for the backup alone/],
    [full, /is not empty, and holds no backup/],
    [other, /holds the backup of another store/],
    [file, /cannot be used for a backup/],
  ]
  const outcomes = await Promise.all(refusals.map(([to]) => backup(to)))
  for (const [n, { code, stderr }] of outcomes.entries()) {
    assert.equal(code, 2, stderr)
    assert.match(stderr, refusals[n]?.[1] ?? /never/)
  }
  assert.deepEqual([await readdir(full), await readdir(other)], [['letter.txt'], ['backup.json']])
})

test('A backup that was served since is not written over, unless one says that what came into it may be lost', async (t) => {
  const to = await place()
  assert.equal((await backup(to)).code, 0)
  const restored = await startServer(t, to)
  const own = await upload({ url: restored.url, key: app.key }, 'since then')
  assert.match((await backup(to)).stderr, /was served since: .* may hold what the other has not/)
  await restored.stop('SIGTERM')
  const { code, stderr } = await backup(to)
  assert.equal(code, 2)
  const next = await startServer(t, to)
  assert.equal(await (await fetch(`${next.url}/m/${own.id}`)).text(), 'since then')
  await next.stop('SIGTERM')
  const [, remove = '', from = '', name = ''] = /remove (\S+), rename (\S+) to (\S+), and try/.exec(stderr) ?? []
  await rm(remove)
  await rename(from, name)
  assert.equal((await backup(to)).code, 0)
})

test('Damage ends a backup with exit code 1, once all else is in it', async () => {
  const [[id = '', hash = ''] = []] = await uploadSome(1, 1_000)
  const path = blobPath(dir, hash)
  const bytes = await readFile(path)
  await chmod(path, 0o600)
  await writeFile(path, Buffer.alloc(1_000, 'x'))
  const to = await place()
  const { code, stdout, stderr } = await backup(to)
  assert.equal(code, 1, stderr)
  assert.match(stdout, new RegExp(`^DAMAGE blob ${hash} has other bytes`))
  assert.match(stderr, /1 damaged in the store: see above/)
  await writeFile(path, bytes)
  assert.equal((await backup(to)).code, 0)
  assert.ok((await readFile(blobPath(to, hash))).equals(bytes), id)
  await rm(to, { recursive: true })
})

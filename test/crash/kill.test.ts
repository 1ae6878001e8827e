import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formWith, temporaryFolder, withKey } from '../support/app.ts'
import { keyIn, type RunningServer, startServer } from '../support/process.ts'
import { mustBeSound } from '../support/sound.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

interface Listed {
  readonly id: string
  readonly name: string
  readonly size: number
}

/** Sends an upload and notes what was answered; a broken connection is no answer. */
async function send(
  server: RunningServer,
  key: string,
  name: string,
  bytes: Buffer,
  answered: Map<string, string>,
): Promise<void> {
  try {
    const response = await fetch(`${server.url}/api/v1/files/upload`, {
      method: 'POST',
      headers: withKey(key),
      body: formWith(bytes, name, 'application/octet-stream'),
    })
    if (response.status === 201) answered.set(name, sha256(bytes))
  } catch {
    // The server was killed: nobody promised anything.
  }
}

async function listAll(server: RunningServer, key: string): Promise<Listed[]> {
  const files: Listed[] = []
  while (true) {
    const response = await fetch(`${server.url}/api/v1/files?limit=100&offset=${files.length}`, {
      headers: withKey(key),
    })
    const page = (await response.json()) as { files: Listed[]; pagination: { total: number } }
    files.push(...page.files)
    if (page.files.length === 0 || files.length >= page.pagination.total) return files
  }
}

test('a server killed in the middle of fifty uploads, five times over, keeps what it answered and nothing half', async (t) => {
  const folder = await temporaryFolder(t)
  const sent = new Map<string, string>()
  const answered = new Map<string, string>()
  let key = ''
  for (let round = 0; round < 5; round++) {
    const server = await startServer(t, folder)
    key ||= keyIn(server.output())
    await verify(server, folder, key, sent, answered)
    const before = answered.size
    const uploads = Array.from({ length: 50 }, (_, n) => {
      // Sizes from nothing to what takes a few batches, so that the kill finds uploads at every stage.
      const bytes = randomBytes(Math.floor(1_500_000 * (n / 50) ** 3))
      const name = `${round}-${n}.bin`
      sent.set(name, sha256(bytes))
      return send(server, key, name, bytes, answered)
    })
    // Killed after none, a few, many answers: always with others of the fifty still under way.
    while (answered.size - before < round * 4) await sleep(1)
    await server.stop('SIGKILL')
    await Promise.all(uploads)
  }
  await verify(await startServer(t, folder), folder, key, sent, answered)
  assert.ok(answered.size > 0 && answered.size < sent.size, `${answered.size} of ${sent.size} were answered`)
  t.diagnostic(`${answered.size} of ${sent.size} uploads were answered before a kill`)
})

/** Files whose bytes were looked at. */
const looked = new Set<string>()

async function verify(
  server: RunningServer,
  folder: string,
  key: string,
  sent: ReadonlyMap<string, string>,
  answered: ReadonlyMap<string, string>,
): Promise<void> {
  const listed = await listAll(server, key)
  const names = new Set(listed.map((file) => file.name))
  for (const name of answered.keys()) assert.ok(names.has(name), `${name} was answered, and is not listed`)
  // What was looked at before, fsck reads again below.
  for (const file of listed.filter(({ id }) => !looked.has(id))) {
    looked.add(file.id)
    const response = await fetch(`${server.url}/m/${file.id}`)
    assert.equal(
      sha256(new Uint8Array(await response.arrayBuffer())),
      sent.get(file.name),
      `${file.name} has other bytes`,
    )
  }
  const stats = await fetch(`${server.url}/api/v1/user/stats`, { headers: withKey(key) })
  const { totalFiles, totalSize } = ((await stats.json()) as { stats: { totalFiles: number; totalSize: number } }).stats
  assert.deepEqual(
    { totalFiles, totalSize },
    { totalFiles: listed.length, totalSize: listed.reduce((sum, file) => sum + file.size, 0) },
  )
  assert.deepEqual(await readdir(join(folder, 'tmp')), [])
  await mustBeSound(folder)
}

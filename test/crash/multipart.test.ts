import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder, withKey } from '../support/app.ts'
import { keyIn, type RunningServer, runLarder, startServer } from '../support/process.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const path = 'films/killed.bin'

interface Listed {
  readonly part_number: number
  readonly etag: string
}

/** A client that goes on where it was, whatever becomes of the server in between. */
class Client {
  readonly #key: string
  readonly parts: readonly Buffer[]
  readonly acknowledged = new Map<number, string>()
  uploadId = ''
  server: RunningServer

  constructor(server: RunningServer, parts: readonly Buffer[]) {
    this.server = server
    this.#key = keyIn(server.output())
    this.parts = parts
  }

  async call(method: string, route: string, json?: unknown) {
    const headers = { ...withKey(this.#key), 'Content-Type': 'application/json' }
    const body = json === undefined ? {} : { body: JSON.stringify(json) }
    const response = await fetch(`${this.server.url}/storage${route}`, { method, headers, ...body })
    return { status: response.status, body: (await response.json()) as Record<string, never> }
  }

  async start(): Promise<string[]> {
    const wish = { path, part_count: this.parts.length }
    const { status, body } = await this.call('POST', '/files/uploads/multipart', wish)
    assert.equal(status, 200, JSON.stringify(body))
    assert.ok(this.uploadId === '' || this.uploadId === body.upload_id, 'the open upload is joined')
    this.uploadId = body.upload_id ?? ''
    return body.part_urls ?? []
  }

  /** Sends what nobody has acknowledged yet, four at a time in no order; a broken connection is no answer. */
  async sendRest(): Promise<void> {
    const urls = await this.start()
    const rest = this.parts.map((_, at) => at + 1).filter((number) => !this.acknowledged.has(number))
    rest.sort(() => Math.random() - 0.5)
    const one = async (): Promise<void> => {
      for (let number = rest.pop(); number !== undefined; number = rest.pop()) {
        const body = this.parts[number - 1] as Uint8Array<ArrayBuffer>
        const response = await fetch(urls[number - 1] ?? '', { method: 'PUT', body })
        if (response.status === 200) this.acknowledged.set(number, response.headers.get('etag') ?? '')
        await response.arrayBuffer()
      }
    }
    await Promise.allSettled(Array.from({ length: 4 }, one))
  }

  complete() {
    const parts = [...this.acknowledged].map(([part_number, etag]): Listed => ({ part_number, etag }))
    return this.call('POST', '/files/uploads/multipart/complete', { path, upload_id: this.uploadId, parts })
  }

  /** Everything acknowledged must be there still. */
  async verify(): Promise<void> {
    const { status, body } = await this.call('GET', `/uploads/${this.uploadId}`)
    assert.equal(status, 200, JSON.stringify(body))
    const listed = new Map((body.parts as unknown as Listed[]).map((part) => [part.part_number, part.etag]))
    for (const [number, etag] of this.acknowledged) assert.equal(listed.get(number), etag, `part ${number}`)
  }
}

test('an upload in parts survives a server that is killed while parts come and while they are put together', async (t) => {
  const folder = await temporaryFolder(t)
  const parts = Array.from({ length: 24 }, () => randomBytes(1024 * 1024))
  const client = new Client(await startServer(t, folder), parts)
  for (const atLeast of [5, 14]) {
    const sending = client.sendRest()
    while (client.acknowledged.size < atLeast) await sleep(1)
    await client.server.stop('SIGKILL')
    await sending
    client.server = await startServer(t, folder)
    await client.verify()
  }
  await client.sendRest()
  assert.equal(client.acknowledged.size, parts.length)
  let kills = 0
  // Ever later, until the answer comes first.
  for (let waitMs = 30; ; waitMs *= 2) {
    const outcome = await Promise.race([client.complete().catch(() => undefined), sleep(waitMs)])
    await client.server.stop('SIGKILL')
    client.server = await startServer(t, folder)
    if (outcome) break
    kills++
  }
  const { status, body } = await client.complete()
  assert.equal(status, 200, JSON.stringify(body))
  t.diagnostic(`killed ${kills} times while the parts were put together`)
  const log = await client.call('GET', '/files/log')
  assert.equal((log.body.events as unknown as unknown[]).length, 1)
  const fsck = await runLarder(['--data-dir', folder, 'fsck', '--read-data'])
  assert.equal(fsck.code, 0, fsck.stdout + fsck.stderr)
  for (const left of ['uploads', 'tmp']) assert.deepEqual(await readdir(join(folder, left)), [])
  const whole = sha256(Buffer.concat(parts))
  const blobs = join(folder, 'blobs', 'sha256', whole.slice(0, 2), whole.slice(2, 4))
  assert.deepEqual(await readdir(blobs), [whole])
})

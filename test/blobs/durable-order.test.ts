import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openWriter } from '../../src/catalogue/connection.ts'
import { formWith, temporaryFolder, withKey } from '../support/app.ts'
import { openInnerApp } from '../support/inner-app.ts'
import { type Event, lossesAfterAnswer, recordingDisk } from '../support/power-cut.ts'

/** One upload through the whole server on a disk that writes down what is done to it. */
async function uploadOn(t: TestContext, recorder: ReturnType<typeof recordingDisk>, bytes: Buffer) {
  const app = await openInnerApp(t, {}, { disk: recorder.disk })
  recordRow(app.catalogue.write, recorder.events)
  recordAnswer(t, recorder.events)
  const response = await fetch(`${app.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: withKey(app.key),
    body: formWith(bytes),
  })
  assert.equal(response.status, 201)
  const { file } = (await response.json()) as { file: { url: string } }
  const etag = (await fetch(file.url, { method: 'HEAD' })).headers.get('etag') ?? ''
  const digest = etag.replaceAll('"', '')
  return join(app.folder, 'blobs', 'sha256', digest.slice(0, 2), digest.slice(2, 4), digest)
}

function recordRow(write: { publishFiles(input: never): Promise<unknown> }, events: Event[]): void {
  const publish = write.publishFiles.bind(write)
  write.publishFiles = async (input) => {
    events.push({ what: 'row asked for' })
    const output = await publish(input)
    events.push({ what: 'row committed' })
    return output
  }
}

/** The moment the server hands its 201 to the socket; what the client sees comes later. */
function recordAnswer(t: TestContext, events: Event[]): void {
  const original = ServerResponse.prototype.writeHead
  t.after(() => {
    ServerResponse.prototype.writeHead = original
  })
  ServerResponse.prototype.writeHead = function writeHead(this: ServerResponse, ...rest: unknown[]) {
    if (rest[0] === 201) events.push({ what: 'answer' })
    return Reflect.apply(original, this, rest)
  } as typeof original
}

for (const size of [1_000, 3_000_000, 70_000_000]) {
  test(`when an upload of ${size} bytes is answered, its bytes, its name, each new folder and its row are on the disk`, async (t) => {
    const recorder = recordingDisk()
    const path = await uploadOn(t, recorder, randomBytes(size))
    assert.deepEqual(lossesAfterAnswer(recorder.events, path), [])
  })
}

/** The first upload of a store syncs its file once, and three folders: the blob's own, its parent, and the root of blobs. */
const syncs = [
  { kind: 'file', nth: 0 },
  { kind: 'folder', nth: 0 },
  { kind: 'folder', nth: 1 },
  { kind: 'folder', nth: 2 },
] as const

for (const leaveOut of syncs) {
  test(`the check above would notice if ${leaveOut.kind} sync number ${leaveOut.nth + 1} of an upload were left out`, async (t) => {
    const recorder = recordingDisk(leaveOut)
    const path = await uploadOn(t, recorder, randomBytes(1_000))
    assert.equal(lossesAfterAnswer(recorder.events, path).length, 1)
  })
}

test('an upload makes no syncs but those that it needs', async (t) => {
  const recorder = recordingDisk()
  await uploadOn(t, recorder, randomBytes(1_000))
  const made = recorder.events.filter((event) => event.what.endsWith('sync begins')).map((event) => event.what)
  assert.deepEqual(made.sort(), ['file sync begins', ...Array(3).fill('folder sync begins')])
})

test('a commit of the catalogue waits for the disk', async (t) => {
  const { raw } = openWriter(await temporaryFolder(t))
  t.after(() => raw.close())
  assert.equal(raw.pragma('journal_mode', { simple: true }), 'wal')
  // 2 is FULL: the log is synced with every commit. 1 (NORMAL) would sync it at checkpoints only.
  assert.equal(raw.pragma('synchronous', { simple: true }), 2)
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { ServerResponse } from 'node:http'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Disk, disk as realDisk } from '../../src/blobs/disk.ts'
import { completeParts, ok, sent, sha256, startedParts } from '../support/direct-uploads.ts'
import { type InnerApp, openInnerApp } from '../support/inner-app.ts'

/** What happened, in order: `write`, `sync` and `synced` of a file or folder, `made`, `link`, `rename`, `unlink`, and what the catalogue and the client were told. */
interface Event {
  readonly what: string
  readonly of?: string
}

/** The real disk, writing down what is done to it. `leaveOut` skips syncs, as a bug would. */
function recording(leaveOut: (path: string) => boolean) {
  const events: Event[] = []
  const note = (what: string, of: string) => void events.push({ what, of })
  const pathOf = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`)
  const synced = async (path: string, work: () => Promise<void>): Promise<void> => {
    if (leaveOut(path)) return
    note('sync', path)
    await work()
    note('synced', path)
  }
  const disk: Disk = {
    ...realDisk,
    write: async (fd, chunks, position) => {
      await realDisk.write(fd, chunks, position)
      note('write', pathOf(fd))
    },
    syncFile: (fd) => synced(pathOf(fd), () => realDisk.syncFile(fd)),
    syncFolder: (path) => synced(path, () => realDisk.syncFolder(path)),
    makeFolder: async (path) => {
      await realDisk.makeFolder(path)
      note('made', path)
    },
    link: async (path, name) => {
      await realDisk.link(path, name)
      note('link', path)
    },
    rename: async (from, to) => {
      await realDisk.rename(from, to)
      note('rename', to)
    },
  }
  return { disk, events }
}

function recordRows(app: InnerApp, events: Event[]): void {
  const write = app.catalogue.write as unknown as Record<string, (input: never) => Promise<unknown>>
  for (const name of ['addPart', 'noteAssembled', 'putFile']) {
    const original = write[name]?.bind(write)
    write[name] = async (input) => {
      events.push({ what: `${name} asked for` })
      const output = await original?.(input)
      events.push({ what: `${name} committed` })
      return output
    }
  }
}

/** The moment the server hands its 200 to the socket. */
function recordAnswers(t: TestContext, events: Event[]): void {
  const original = ServerResponse.prototype.writeHead
  t.after(() => {
    ServerResponse.prototype.writeHead = original
  })
  ServerResponse.prototype.writeHead = function writeHead(this: ServerResponse, ...rest: unknown[]) {
    if (rest[0] === 200) events.push({ what: 'answer' })
    return Reflect.apply(original, this, rest)
  } as typeof original
}

/** Whether a sync of it began after an event and ended before another. */
function isSynced(events: readonly Event[], path: string, since: number, until: number): boolean {
  const begun = events.findIndex(({ what, of }, at) => at > since && what === 'sync' && of === path)
  const ended = events.findIndex(({ what, of }, at) => at > begun && what === 'synced' && of === path)
  return begun >= 0 && ended >= 0 && ended < until
}

const at = (events: readonly Event[], what: string, of?: string): number =>
  events.findLastIndex((event) => event.what === what && (of === undefined || event.of === of))

async function openRecording(t: TestContext, leaveOut: (path: string) => boolean = () => false) {
  const { disk, events } = recording(leaveOut)
  const app = await openInnerApp(t, {}, { disk })
  recordRows(app, events)
  recordAnswers(t, events)
  return { app, events }
}

/** What a power cut right after the answer to a part could lose. */
async function lossesOfPart(t: TestContext, size: number, leaveOut?: (path: string) => boolean): Promise<string[]> {
  const { app, events } = await openRecording(t, leaveOut)
  const { upload_id: id, part_urls: urls } = await startedParts(app, { path: 'part.bin' })
  events.splice(0)
  await sent(urls[0] ?? '', randomBytes(size))
  const uploads = join(app.folder, 'uploads')
  const [part] = await app.catalogue.read.parts(id)
  const row = at(events, 'addPart asked for')
  const written = at(events, 'write', join(uploads, id, part?.file ?? ''))
  assert.ok(written >= 0 && row > written)
  return [
    ...(isSynced(events, join(uploads, id, part?.file ?? ''), written, row) ? [] : ['bytes']),
    ...(isSynced(events, join(uploads, id), written, row) ? [] : ['name']),
    ...(isSynced(events, uploads, at(events, 'made', join(uploads, id)), row) ? [] : ['folder']),
    ...(at(events, 'addPart committed') < at(events, 'answer') ? [] : ['row']),
  ]
}

for (const size of [1_000, 3_000_000]) {
  test(`when a part of ${size} bytes is answered, its bytes, its name, its folder and its row are on the disk`, async (t) => {
    assert.deepEqual(await lossesOfPart(t, size), [])
  })
}

for (const [lost, leaveOut] of [
  ['bytes', (path: string) => !/\/uploads(\/[0-9a-f-]{36})?$/.test(path)],
  ['name', (path: string) => /\/uploads\/[0-9a-f-]{36}$/.test(path)],
  ['folder', (path: string) => basename(path) === 'uploads'],
] as const) {
  test(`the check above would notice if the sync of a part's ${lost} were left out`, async (t) => {
    assert.deepEqual(await lossesOfPart(t, 1_000, leaveOut), [lost])
  })
}

/** What a power cut right after the answer to a completion, or in the middle of it, could lose. */
async function lossesOfCompletion(t: TestContext, leaveOut?: (path: string) => boolean): Promise<string[]> {
  const { app, events } = await openRecording(t, leaveOut)
  const bodies = [randomBytes(400_000), randomBytes(2_000_000), randomBytes(10)]
  const { upload_id: id, part_urls: urls } = await startedParts(app, { path: 'whole.bin', part_count: 3 })
  const parts = await Promise.all(bodies.map((bytes, n) => sent(urls[n] ?? '', bytes, n + 1)))
  const [first] = await app.catalogue.read.parts(id)
  events.splice(0)
  ok(await completeParts(app, { path: 'whole.bin', upload_id: id, parts }))
  const file = join(app.folder, 'uploads', id, first?.file ?? '')
  const blob = app.core.blobs.pathOf(sha256(Buffer.concat(bodies)))
  const [written, noted] = [at(events, 'write', file), at(events, 'noteAssembled asked for')]
  const [linked, renamed, row] = [at(events, 'link', file), at(events, 'rename', blob), at(events, 'putFile asked for')]
  const [own, ...above] = [join(blob, '..'), join(blob, '../..'), join(blob, '../../..')]
  // The part's own name stays until all of it is in the catalogue.
  assert.ok(written >= 0 && linked > 0 && renamed > linked && at(events, 'rename', file) < 0)
  return [
    ...(isSynced(events, file, written, noted) ? [] : ['bytes']),
    ...(at(events, 'noteAssembled committed') < linked ? [] : ['note']),
    ...(isSynced(events, own ?? '', renamed, row) ? [] : ['name']),
    ...(above.every((folder) => isSynced(events, folder, -1, row)) ? [] : ['folders']),
    ...(at(events, 'putFile committed') < at(events, 'answer') ? [] : ['row']),
  ]
}

test('a completion syncs what the parts become and notes it before the file gets another name, and all of it before the row', async (t) => {
  assert.deepEqual(await lossesOfCompletion(t), [])
})

for (const [lost, leaveOut] of [
  ['bytes', (path: string) => /\/uploads\/[0-9a-f-]{36}\//.test(path)],
  ['name', (path: string) => /\/sha256\/..\/..$/.test(path)],
  ['folders', (path: string) => /\/sha256(\/..)?$/.test(path)],
] as const) {
  test(`the check above would notice if the sync of a completion's ${lost} were left out`, async (t) => {
    assert.deepEqual(await lossesOfCompletion(t, leaveOut), [lost])
  })
}

test('a blob that is held is on the disk by its name, whoever put it there', async (t) => {
  const { app, events } = await openRecording(t)
  const { part_urls: urls, upload_id: id } = await startedParts(app, { path: 'held.bin' })
  const part = await sent(urls[0] ?? '', 'held')
  ok(await completeParts(app, { path: 'held.bin', upload_id: id, parts: [part] }))
  events.splice(0)
  const held = await app.core.blobs.hold(sha256('held'))
  assert.ok(isSynced(events, join(app.core.blobs.pathOf(sha256('held')), '..'), -1, events.length))
  held?.release()
})

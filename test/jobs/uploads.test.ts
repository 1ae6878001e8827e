import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import Database from 'better-sqlite3'
import { expireUploads } from '../../src/core/upload-upkeep.ts'
import { checkStore, type FsckReport } from '../../src/jobs/fsck.ts'
import { forgetThePast } from '../../src/jobs/retention.ts'
import { MovingClock } from '../support/clock.ts'
import {
  complete,
  ok,
  partFiles,
  refusedWith,
  send,
  sent,
  started,
  startedParts,
  uploadBytes,
  uploadFolders,
} from '../support/direct-uploads.ts'
import { type InnerApp, openInnerApp } from '../support/inner-app.ts'
import { runLarder } from '../support/process.ts'
import { storage } from '../support/storage.ts'

const dayMs = 86_400_000

async function openWithClock(t: TestContext) {
  const clock = new MovingClock()
  const app = await openInnerApp(t, {}, { clock })
  return { app, clock, expire: () => expireUploads({ ...app.core, clock }) }
}

/** What a check of the store finds wrong. */
async function damagesOf({ core }: InnerApp): Promise<{ report: FsckReport; damages: string[] }> {
  const damages: string[] = []
  const onDamage = ({ what, remedy }: { what: string; remedy: string }) => void damages.push(`${what}; ${remedy}`)
  const report = await checkStore(core, { readData: false, quarantine: false, onDamage })
  return { report, damages }
}

test('what is over is ended, its parts are removed, and its bytes leave the quota', async (t) => {
  const { app, clock, expire } = await openWithClock(t)
  const single = await started(app, { path: 'day.bin' })
  await sent(single.url, randomBytes(1_000))
  const parts = await startedParts(app, { path: 'week.bin' })
  await sent(parts.part_urls[0] ?? '', randomBytes(2_000))
  await expire()
  assert.deepEqual([(await partFiles(app)).length, await uploadBytes(app)], [2, 3_000])
  clock.aheadMs = dayMs + 1_000
  await expire()
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[parts.upload_id], 2_000])
  clock.aheadMs = 7 * dayMs + 1_000
  await expire()
  assert.deepEqual([await uploadFolders(app), await uploadBytes(app)], [[], 0])
  // By the address's own end, before the upload is looked for.
  assert.deepEqual(refusedWith(await send(single.url, 'x')), [403, 'forbidden'])
})

test('a thousand uploads that are over are ended in one go', async (t) => {
  const { app, clock, expire } = await openWithClock(t)
  const { owner, catalogue } = app
  const wish = {
    accountId: owner.id,
    kind: 'single',
    keyId: null,
    contentType: null,
    contentHash: null,
    openAtMost: 10_000,
  } as const
  const now = clock.now()
  await Promise.all(
    Array.from({ length: 1_000 }, (_, n) =>
      catalogue.write.openUpload({ ...wish, id: randomUUID(), path: `many/${n}`, expiresAt: now + n, now }),
    ),
  )
  clock.aheadMs = 60_000
  await expire()
  assert.deepEqual(await catalogue.read.overdueUploads({ now: clock.now(), limit: 1 }), [])
})

test('an upload that is over while it is completed is completed first, and one begun anew is not over', async (t) => {
  const { app, clock, expire } = await openWithClock(t)
  const { write } = app.catalogue
  await sent((await started(app, { path: 'last.bin' })).url, 'at the last moment')
  const putFile = write.putFile
  write.putFile = async (input) => {
    clock.aheadMs = dayMs + 1_000
    await expire()
    assert.equal((await partFiles(app)).length, 1)
    return putFile(input)
  }
  ok(await complete(app, { path: 'last.bin' }))
  const { upload_id: id, part_urls: urls } = await startedParts(app, { path: 'anew.bin' })
  await sent(urls[0] ?? '', 'acknowledged')
  assert.equal(await write.endUpload({ id, state: 'expired', now: clock.now() }), false)
  assert.equal((await partFiles(app)).length, 1)
})

test('a start looks at no upload that has received nothing', async (t) => {
  const { app } = await openWithClock(t)
  const { upload_id: id, part_urls: urls } = await startedParts(app, { path: 'open.bin' })
  for (let n = 0; n < 3; n++) await startedParts(app, { path: `empty/${n}` })
  await sent(urls[0] ?? '', 'a part')
  assert.deepEqual(
    (await app.catalogue.read.uploadsWithParts()).map((upload) => upload.id),
    [id],
  )
  await app.core.directUploads.recover()
  assert.deepEqual([await uploadFolders(app), (await partFiles(app)).length], [[id], 1])
})

test('ended uploads are forgotten a few at a time', async (t) => {
  const { app, clock } = await openWithClock(t)
  const now = clock.now()
  for (let n = 0; n < 5; n++) {
    const { upload_id: id } = await startedParts(app, { path: `ended/${n}` })
    await app.catalogue.write.endUpload({ id, state: 'aborted', now })
  }
  const prune = () => app.catalogue.write.pruneUploads({ before: now, limit: 2 })
  assert.deepEqual([await prune(), await prune(), await prune()], [true, true, false])
})

test('ended uploads are forgotten after a day, and what they came to stays', async (t) => {
  const { app, clock } = await openWithClock(t)
  await sent((await started(app, { path: 'kept.txt' })).url, 'kept')
  ok(await complete(app, { path: 'kept.txt' }))
  const rows = () => {
    const raw = new Database(join(app.folder, 'catalogue.db'), { readonly: true })
    const found = raw.prepare('SELECT state FROM uploads').pluck().all()
    raw.close()
    return found
  }
  await forgetThePast({ catalogue: app.catalogue, clock })
  assert.deepEqual(rows(), ['complete'])
  clock.aheadMs = dayMs + 1_000
  await forgetThePast({ catalogue: app.catalogue, clock })
  assert.deepEqual(rows(), [])
  assert.equal((await storage(app, 'HEAD', '/files/kept.txt')).status, 200)
})

test('a check names parts that are missing or short, and none that are sound', async (t) => {
  const { app } = await openWithClock(t)
  const { upload_id: id, part_urls: urls } = await startedParts(app, { path: 'docs/a.bin', part_count: 3 })
  for (const [at, url] of urls.entries()) await sent(url, randomBytes(100 + at), at + 1)
  assert.deepEqual((await damagesOf(app)).damages, [])
  const rows = await app.catalogue.read.parts(id)
  const fileOf = (number: number) => join(app.folder, 'uploads', id, rows[number - 1]?.file ?? '')
  await rm(fileOf(1))
  await truncate(fileOf(3), 5)
  const { damages } = await damagesOf(app)
  assert.equal(damages.length, 2)
  assert.match(damages[0] ?? '', /upload .* to \/docs\/a\.bin: part 1 is missing; send the part again/)
  assert.match(damages[1] ?? '', /part 3 has 5 bytes, and should have 102/)
  await app.core.directUploads.recover()
  assert.deepEqual((await damagesOf(app)).damages, [], 'a start forgets them')
  assert.equal(await uploadBytes(app), 101)
})

test("a check names a wrong sum of an account's uploads", async (t) => {
  const { app } = await openWithClock(t)
  await sent((await started(app, { path: 'a.bin' })).url, randomBytes(100))
  const raw = new Database(join(app.folder, 'catalogue.db'))
  raw.exec('UPDATE accounts SET upload_bytes = 7')
  raw.close()
  const { damages } = await damagesOf(app)
  assert.equal(damages.length, 1)
  assert.match(damages[0] ?? '', /the counter "bytes of open uploads" says 7, and there are 100/)
})

test('what uploads left behind is counted and no damage, and a start removes it', async (t) => {
  const { app } = await openWithClock(t)
  const { upload_id: id, part_urls: urls } = await startedParts(app, { path: 'open.bin' })
  await sent(urls[0] ?? '', 'a part')
  await writeFile(join(app.folder, 'uploads', id, 'stray'), 'no row knows this')
  const orphan = join(app.folder, 'uploads', randomUUID())
  await mkdir(orphan)
  await writeFile(join(orphan, 'left'), randomBytes(1_000))
  const { report, damages } = await damagesOf(app)
  assert.deepEqual([report.leftovers, damages], [{ count: 1, bytes: 1_000 }, []])
  assert.equal((await runLarder(['--data-dir', app.folder, 'fsck'])).code, 0)
  await app.core.directUploads.recover()
  assert.deepEqual([await uploadFolders(app), (await partFiles(app)).length], [[id], 1])
})

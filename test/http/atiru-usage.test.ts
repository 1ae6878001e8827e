import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { aether } from '../support/aether.ts'
import { openTestApp, type TestApp, withKey } from '../support/app.ts'
import { atiru, newPerson, refusal, store } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { until } from '../support/state.ts'

interface Usage {
  storage_bytes: number
  files_count: number
  origin_reads: number
  image_ops: number
  period_start: string
  period_end: string
}

async function usageOf(app: TestApp, key = app.key): Promise<Usage> {
  const { status, body } = await atiru(app, 'GET', '/usage', { key })
  assert.equal(status, 200)
  return body as unknown as Usage
}

/** What was read and made this month, once it is what it should be: an answer is counted when its last byte is out. */
async function counts(app: TestApp, reads: number, ops: number, key = app.key): Promise<void> {
  const now = async () => {
    const { origin_reads: originReads, image_ops: imageOps } = await usageOf(app, key)
    return [originReads, imageOps]
  }
  const isSo = async () => String(await now()) === String([reads, ops])
  await until('the counts', isSo, 1_000).catch(() => {})
  assert.deepEqual(await now(), [reads, ops])
}

async function fetched(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, init)
  await response.arrayBuffer()
  return response.status
}

const picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
  .png()
  .toBuffer()

test('Usage tells what is stored now, and the bounds of the calendar month in UTC', async (t) => {
  const clock = new MovingClock()
  clock.goTo('2028-02-10T12:00:00Z')
  const app = await openTestApp(t, {}, { clock })
  const nothing = { storage_bytes: 0, files_count: 0, origin_reads: 0, image_ops: 0 }
  const february = { period_start: '2028-02-01T00:00:00.000Z', period_end: '2028-02-29T23:59:59.000Z' }
  assert.deepEqual(await usageOf(app), { ...nothing, ...february })
  const file = await store(app, 'x'.repeat(1_000))
  await store(app, 'x'.repeat(1_000))
  assert.deepEqual(await usageOf(app), { ...nothing, storage_bytes: 2_000, files_count: 2, ...february })
  await atiru(app, 'DELETE', `/files/${file.file_id}`)
  clock.goTo('2028-12-31T23:59:00Z')
  assert.deepEqual(await usageOf(app), {
    ...nothing,
    storage_bytes: 1_000,
    files_count: 1,
    period_start: '2028-12-01T00:00:00.000Z',
    period_end: '2028-12-31T23:59:59.000Z',
  })
})

test('An answer with a file’s bytes is an origin read, and one without is none', async (t) => {
  const app = await openTestApp(t)
  const { file_id: id } = await store(app, 'some bytes')
  const empty = await store(app, '')
  await fetched(`${app.url}/m/${id}`)
  await counts(app, 1, 0)
  await fetched(`${app.url}/d/${id}`)
  await counts(app, 2, 0)
  assert.equal(await fetched(`${app.url}/m/${id}`, { headers: { Range: 'bytes=0-1' } }), 206)
  await counts(app, 3, 0)
  await aether(app, 'GET', `/files/${id}/download`)
  await counts(app, 4, 0)
  const none: [string, RequestInit, number][] = [
    [`/m/${id}`, { method: 'HEAD' }, 200],
    [`/m/${id}`, { headers: { 'If-None-Match': '*' } }, 304],
    [`/m/${id}`, { headers: { 'If-Match': '"x"' } }, 412],
    [`/m/${id}`, { headers: { Range: 'bytes=999-' } }, 416],
    [`/m/${id}`, { method: 'OPTIONS' }, 204],
    [`/m/${empty.file_id}`, {}, 200],
    ['/m/AAAAAAAAAAAAAAAA', {}, 404],
    [`/files/${id}`, { headers: withKey(app.key) }, 200],
  ]
  for (const [path, init, status] of none) assert.equal(await fetched(app.url + path, init), status, path)
  await counts(app, 4, 0)
})

test('A picture that is made is an image operation, and one from the cache is none', async (t) => {
  const app = await openTestApp(t)
  const { file_id: id } = await store(app, picture, { type: 'image/png' })
  const text = await store(app, 'no picture')
  const small = `${app.url}/m/${id}?width=10`
  assert.equal(await fetched(small), 200)
  await counts(app, 1, 1)
  assert.equal(await fetched(small), 200)
  assert.equal(await fetched(`${app.url}/d/${id}?width=10`), 200)
  await counts(app, 3, 1)
  assert.equal(await fetched(small, { method: 'HEAD' }), 200)
  assert.equal(await fetched(`${app.url}/m/${id}?width=0`), 400)
  await counts(app, 3, 1)
  assert.equal(await fetched(`${app.url}/m/${id}?width=11`, { method: 'HEAD' }), 200)
  await counts(app, 3, 2)
  assert.equal(await fetched(`${app.url}/m/${id}`), 200)
  assert.equal(await fetched(`${app.url}/m/${text.file_id}?width=10`), 200)
  await counts(app, 5, 2)
  const same = await Promise.all(Array.from({ length: 10 }, () => fetched(`${app.url}/m/${id}?width=12`)))
  assert.deepEqual(new Set(same), new Set([200]))
  await counts(app, 15, 3)
})

test('With the month the counts begin anew, and what is stored stays', async (t) => {
  const clock = new MovingClock()
  clock.goTo('2026-10-31T23:59:00Z')
  const app = await openTestApp(t, {}, { clock })
  const { file_id: id } = await store(app, picture, { type: 'image/png' })
  await fetched(`${app.url}/m/${id}?width=10`)
  await counts(app, 1, 1)
  clock.goTo('2026-11-01T00:00:00Z')
  assert.deepEqual(await usageOf(app), {
    storage_bytes: picture.length,
    files_count: 1,
    origin_reads: 0,
    image_ops: 0,
    period_start: '2026-11-01T00:00:00.000Z',
    period_end: '2026-11-30T23:59:59.000Z',
  })
  await fetched(`${app.url}/m/${id}?width=10`)
  await counts(app, 1, 0)
  await atiru(app, 'DELETE', `/files/${id}`)
  await counts(app, 1, 0)
})

test('Through a key that is held to a folder, usage is of that folder alone', async (t) => {
  const app = await openTestApp(t)
  const { text: key } = await app.newKey({ pathPrefix: 'docs/' })
  const nothing = async () => {
    const { storage_bytes: bytes, files_count: files } = await usageOf(app, key)
    return [bytes, files]
  }
  const outside = await store(app, picture, { type: 'image/png' })
  await fetched(`${app.url}/m/${outside.file_id}?width=10`)
  assert.deepEqual(await nothing(), [0, 0])
  await counts(app, 0, 0, key)
  const inside = await store(app, picture, { type: 'image/png', key })
  await fetched(`${app.url}/m/${inside.file_id}?width=20`)
  await fetched(`${app.url}/m/${inside.file_id}`)
  assert.deepEqual(await nothing(), [picture.length, 1])
  await counts(app, 2, 1, key)
  await counts(app, 3, 2)
})

test('Usage is one’s own, and asks for user:read', async (t) => {
  const app = await openTestApp(t)
  const { session } = await newPerson(app)
  const { file_id: id } = await store(app, 'of the owner')
  await fetched(`${app.url}/m/${id}`)
  await counts(app, 1, 0)
  await counts(app, 0, 0, session.access_token)
  assert.equal((await usageOf(app, session.access_token)).files_count, 0)
  const { text } = await app.newKey({ scopes: ['files:read', 'files:write'] })
  refusal(await atiru(app, 'GET', '/usage', { key: text }), 403, 'FORBIDDEN', /user:read/)
  refusal(await atiru(app, 'GET', '/usage', { key: null }), 401, 'MISSING_AUTH')
})

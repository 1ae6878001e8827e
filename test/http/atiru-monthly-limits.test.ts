import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import sharp from 'sharp'
import { aether } from '../support/aether.ts'
import { openTestApp, type TestApp } from '../support/app.ts'
import { atiru, refusal, store } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'

const picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
  .png()
  .toBuffer()
const plans = { five: { image_ops: 5, origin_reads: 5 }, pictures: { image_ops: 5 }, reads: { origin_reads: 5 } }

/** A server whose owner is on a plan, and has one picture. */
async function serverOn(t: TestContext, plan: keyof typeof plans, clock = new MovingClock()) {
  const app = await openTestApp(t, { plans }, { clock })
  await app.accounts.setPlan(app.owner, plan, null)
  return { app, id: (await store(app, picture, { type: 'image/png' })).file_id }
}

const get = (app: TestApp, path: string, headers: Record<string, string> = {}) =>
  atiru(app, 'GET', path, { key: null, headers })
const statusesOf = (answers: readonly { status: number }[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

test('When the pictures of a month are used up, no more are made, and those that there are stay to be seen', async (t) => {
  const { app, id } = await serverOn(t, 'pictures')
  for (let width = 1; width <= 5; width++) assert.equal((await get(app, `/m/${id}?width=${width}`)).status, 200)
  refusal(
    await get(app, `/m/${id}?width=6`),
    429,
    'IMAGE_OPS_LIMIT_REACHED',
    'the 5 pictures of this month are used up',
  )
  refusal(await get(app, `/d/${id}?width=6`), 429, 'IMAGE_OPS_LIMIT_REACHED')
  for (let width = 1; width <= 5; width++) assert.equal((await get(app, `/m/${id}?width=${width}`)).status, 200)
  assert.equal((await get(app, `/m/${id}`)).status, 200)
})

test('Of twenty pictures that are asked for at once where one is left, one is made', async (t) => {
  const { app, id } = await serverOn(t, 'pictures')
  for (let width = 1; width <= 4; width++) await get(app, `/m/${id}?width=${width}`)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => get(app, `/m/${id}?width=${n + 10}`)))
  assert.deepEqual(statusesOf(answers), { 200: 1, 429: 19 })
  const { image_ops: made } = (await atiru(app, 'GET', '/usage')).body as unknown as Record<string, number>
  assert.equal(made, 5)
})

test('A picture that could not be made is none of those that the month allows for', async (t) => {
  const { app, id } = await serverOn(t, 'pictures')
  const broken = await store(app, picture.subarray(0, 40), { type: 'image/png' })
  for (let width = 1; width <= 10; width++) {
    const answer = await get(app, `/m/${broken.file_id}?width=${width}`)
    refusal(answer, 415, 'IMAGE_UNREADABLE')
  }
  for (let width = 1; width <= 5; width++) assert.equal((await get(app, `/m/${id}?width=${width}`)).status, 200)
})

test('When the reads of a month are used up, no bytes are sent, by any way out', async (t) => {
  const { app, id } = await serverOn(t, 'reads')
  const ways = [`/m/${id}`, `/d/${id}`, `/m/${id}?width=10`]
  for (const path of [...ways, `/m/${id}`]) assert.equal((await get(app, path)).status, 200)
  assert.equal((await aether(app, 'GET', `/files/${id}/download`)).status, 200)
  for (const path of ways)
    refusal(await get(app, path), 429, 'ORIGIN_READS_LIMIT_REACHED', 'the 5 reads of this month are used up')
  const there = await aether(app, 'GET', `/files/${id}/download`)
  assert.deepEqual([there.status, there.body.error.code], [403, 'quota_exceeded'])
  assert.equal((await atiru(app, 'GET', `/files/${id}`)).status, 200)
})

test('Of twenty reads at once where one is left, one is answered', async (t) => {
  const { app, id } = await serverOn(t, 'reads')
  for (let n = 0; n < 4; n++) await get(app, `/m/${id}`)
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(app, `/m/${id}`)))
  assert.deepEqual(statusesOf(answers), { 200: 1, 429: 19 })
})

test('Answers without bytes use nothing up', async (t) => {
  const { app, id } = await serverOn(t, 'five')
  for (let n = 0; n < 10; n++) {
    assert.equal((await get(app, `/m/${id}`, { 'If-None-Match': '*' })).status, 304)
    assert.equal((await atiru(app, 'HEAD', `/m/${id}`, { key: null })).status, 200)
    assert.equal((await get(app, `/m/${id}`, { Range: 'bytes=999999-' })).status, 416)
    assert.equal((await get(app, `/m/${id}?width=0`)).status, 400)
  }
  for (let n = 0; n < 5; n++) assert.equal((await get(app, `/m/${id}`)).status, 200)
  assert.equal((await get(app, `/m/${id}`)).status, 429)
  assert.equal((await get(app, `/m/${id}`, { 'If-None-Match': '*' })).status, 304, 'what needs none is answered still')
})

test('With the next month everything is allowed again', async (t) => {
  const clock = new MovingClock()
  clock.goTo('2026-10-31T23:59:00Z')
  const { app, id } = await serverOn(t, 'five', clock)
  for (let width = 1; width <= 5; width++) assert.equal((await get(app, `/m/${id}?width=${width}`)).status, 200)
  assert.equal((await get(app, `/m/${id}?width=1`)).status, 429)
  clock.goTo('2026-11-01T00:00:00Z')
  for (let width = 6; width <= 10; width++) assert.equal((await get(app, `/m/${id}?width=${width}`)).status, 200)
  assert.equal((await get(app, `/m/${id}`)).status, 429)
})

test('A restart forgets nothing that was used', async (t) => {
  const { app, id } = await serverOn(t, 'reads')
  for (let n = 0; n < 3; n++) await get(app, `/m/${id}`)
  await app.close()
  const again = await openTestApp(t, { plans, 'data.dir': app.folder })
  for (let n = 0; n < 2; n++) assert.equal((await get(again, `/m/${id}`)).status, 200)
  assert.equal((await get(again, `/m/${id}`)).status, 429)
})

test('Who comes to another plan within a month has used there what was used before', async (t) => {
  const { app, id } = await serverOn(t, 'pictures')
  // What is used up of one thing is known from here on; of the other, which this plan does not limit, it must be too.
  assert.equal((await get(app, `/m/${id}?width=1`)).status, 200)
  for (let n = 0; n < 4; n++) assert.equal((await get(app, `/m/${id}`)).status, 200)
  await app.accounts.setPlan(app.owner, 'reads', null)
  refusal(await get(app, `/m/${id}`), 429, 'ORIGIN_READS_LIMIT_REACHED')
})

test('What one account has used up leaves the others alone', async (t) => {
  const { app, id } = await serverOn(t, 'reads')
  for (let n = 0; n < 6; n++) await get(app, `/m/${id}`)
  const other = await app.newAccount('other@example.org')
  const { text: key } = await app.newKey({}, other)
  const file = await store(app, 'of another', { key })
  assert.equal((await get(app, `/m/${id}`)).status, 429)
  for (let n = 0; n < 10; n++) assert.equal((await get(app, `/m/${file.file_id}`)).status, 200)
})

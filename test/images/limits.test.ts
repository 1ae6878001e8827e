import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import sharp from 'sharp'
import type { PictureSource } from '../../src/core/ports.ts'
import { WAITING_MAX } from '../../src/images/limits.ts'
import { Maker } from '../../src/images/maker.ts'
import { animation, emptyPng, failure, noise, plain, type Studio, studio } from './support.ts'

const tooLarge = (limit: number) => failure('too_large', { of: 'picture', limit, unit: 'pixels' })

test('a picture of 20,000 x 20,000 is refused by its header, before a pixel is decoded', async (t) => {
  const images = await studio(t)
  const source = await images.store(emptyPng(20_000, 20_000), 'image/png')
  for (const query of ['width=10', 'f=webp', 'w=10&h=10&fit=fill']) {
    await assert.rejects(images.variant(source, query), tooLarge(50_000_000))
  }
  assert.equal(sharp.counters().process, 0)
  assert.equal(sharp.cache().memory.high, 0)
})

test('a picture with as many pixels as are allowed is made, one with a row more is not', async (t) => {
  const images = await studio(t, { maxPixels: 10_000 })
  assert.equal((await images.made(emptyPng(100, 100), 'image/png', 'width=10')).header.width, 10)
  const larger = await images.store(emptyPng(100, 101), 'image/png')
  await assert.rejects(images.variant(larger, 'width=10'), tooLarge(10_000))
})

test('every frame that is used counts', async (t) => {
  const images = await studio(t, { maxPixels: 5_000 })
  for (const kind of ['gif', 'webp'] as const) {
    const source = await images.store(await animation(kind, 4), `image/${kind}`)
    await assert.rejects(images.variant(source, 'width=10'), tooLarge(5_000))
    assert.equal((await images.variant(source, 'width=10&f=png')).contentType, 'image/png')
  }
})

test('what is made counts, too: a border around many frames', async (t) => {
  const images = await studio(t, { maxPixels: 100_000 })
  const source = await images.store(await animation('gif', 20), 'image/gif')
  assert.ok(await images.variant(source, 'width=40'))
  await assert.rejects(images.variant(source, 'w=2000&h=40&fit=contain'), tooLarge(100_000))
})

test('a side that the format cannot hold is refused, or left to another format where one may choose', async (t) => {
  const images = await studio(t)
  const source = await images.store(emptyPng(20_000, 10), 'image/png')
  await assert.rejects(images.variant(source, 'f=webp'), tooLarge(16_383))
  await assert.rejects(images.variant(source, 'f=avif'), tooLarge(16_384))
  assert.equal((await images.variant(source, 'f=auto', 'image/avif,image/webp')).contentType, 'image/png')
})

test('auto leaves avif alone where encoding it would take long', async (t) => {
  const images = await studio(t)
  const source = await images.store(emptyPng(2_001, 2_000), 'image/png')
  const typeOf = async (query: string) => (await images.variant(source, query, 'image/avif,image/webp')).contentType
  assert.equal(await typeOf('f=auto'), 'image/webp')
  assert.equal(await typeOf('f=auto&w=2000'), 'image/avif')
})

test('a render that takes too long is answered with busy, and its pixels are given back when it has stopped', async (t) => {
  const images = await studio(t)
  const source = await images.store(await noise(1_000, 1_000).png().toBuffer(), 'image/png')
  const maker = new Maker({ maxPixels: 50_000_000, timeoutMs: 1, budgetPixels: 50_000_000 })
  const order = { wish: { format: 'avif' }, accepts: [] } as const
  await assert.rejects(maker.make(source, order), failure('busy', { retryAfterSeconds: 1 }))
  while (sharp.counters().process + sharp.counters().queue + maker.pixelsUnderWay > 0) await pause(10)
})

test('the budget is given back whatever becomes of the render', async (t) => {
  const images = await studio(t)
  const maker = new Maker({ maxPixels: 1_000_000, timeoutMs: 60_000, budgetPixels: 1_000_000 })
  const order = { wish: { width: 10 }, accepts: [] }
  const sources = [
    await images.store(await plain(100, 100).png().toBuffer(), 'image/png'),
    await images.store(await undecodable(), 'image/avif'),
    await images.store(emptyPng(2_000, 2_000), 'image/png'),
    await images.store(Buffer.from('nothing'), 'image/gif'),
  ]
  const outcomes = await Promise.allSettled(sources.map((source) => maker.make(source, order)))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'rejected'],
  )
  assert.equal(maker.pixelsUnderWay, 0)
})

test('a small budget makes pictures one after the other, and all of them', async (t) => {
  const images = await studio(t, { budgetPixels: 1 })
  const source = await images.store(await noise(400, 400).png().toBuffer(), 'image/png')
  const widths = Array.from({ length: 20 }, (_, index) => index + 1)
  const made = await Promise.all(widths.map((width) => images.variant(source, `width=${width}`)))
  assert.equal(new Set(made.map(({ digest }) => digest)).size, 20)
})

test('more requests than may wait are refused with busy, and the others are answered', async (t) => {
  const images = await studio(t, { budgetPixels: 1 })
  const source = await images.store(await noise(400, 400).png().toBuffer(), 'image/png')
  const outcomes = await everyWidth(images, source, 200)
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  assert.ok(refused.length >= 1 && refused.length < 200 - WAITING_MAX)
  for (const outcome of refused) {
    assert.ok(outcome.status === 'rejected' && failure('busy', { retryAfterSeconds: 60 })(outcome.reason))
  }
  assert.ok(await images.variant(source, 'width=400'), 'and afterwards there is room again')
})

function everyWidth(images: Studio, source: PictureSource, count: number) {
  return Promise.allSettled(Array.from({ length: count }, (_, index) => images.variant(source, `width=${index + 1}`)))
}

/** An AVIF with a sound header and no sound pixels. */
async function undecodable(): Promise<Buffer> {
  const bytes = await noise(100, 100).avif().toBuffer()
  return bytes.fill(0xff, bytes.indexOf('mdat') + 4)
}

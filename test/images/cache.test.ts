import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { PictureSource, Variant } from '../../src/core/ports.ts'
import { HEADER_BYTES } from '../../src/images/record.ts'
import { failure, noise, plain, type Studio, studio } from './support.ts'

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

const cached = (images: Studio) => filesIn(images.options.cacheDir)

async function onlyFile(images: Studio): Promise<string> {
  const [file, ...others] = await cached(images)
  assert.ok(file && others.length === 0)
  return file
}

const picture = async (images: Studio, side = 60): Promise<PictureSource> =>
  images.store(await noise(side, side).png().toBuffer(), 'image/png')

function same(found: Variant, made: Variant): void {
  assert.deepEqual(
    [found.digest, found.size, found.contentType, found.made],
    [made.digest, made.size, made.contentType, false],
  )
}

test('twenty requests for the same picture make it once', async (t) => {
  const images = await studio(t)
  const source = await picture(images)
  const variants = await Promise.all(
    Array.from({ length: 20 }, (_, index) => images.variant(source, index % 2 ? 'w=20&f=jpg' : 'format=jpeg&width=20')),
  )
  assert.equal(variants.filter(({ made }) => made).length, 1)
  assert.equal(new Set(variants.map(({ digest }) => digest)).size, 1)
  assert.ok(variants.every(({ bytes, size }) => bytes?.length === size))
})

test('a failure is told to all who wait for it and is not kept', async (t) => {
  const images = await studio(t)
  const source = await picture(images)
  const bytes = await readFile(source.path)
  await writeFile(source.path, 'nothing')
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => images.variant(source, 'width=20')))
  const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined))
  assert.equal(new Set(reasons).size, 1)
  assert.ok(failure('type_refused', { because: 'unreadable' })(reasons[0]))
  await writeFile(source.path, bytes)
  assert.equal((await images.variant(source, 'width=20')).made, true)
})

test('a variant is found again after a restart, with its own digest', async (t) => {
  const images = await studio(t)
  const source = await picture(images)
  const made = await images.variant(source, 'width=20')
  assert.equal(
    made.digest,
    createHash('sha256')
      .update(made.bytes ?? '')
      .digest('hex'),
  )
  await images.reopen()
  await rm(source.path)
  const found = await images.variant(source, 'width=20')
  same(found, made)
  assert.deepEqual(found.bytes, made.bytes)
  const file = await readFile(found.path)
  assert.deepEqual(file.subarray(found.offset), made.bytes)
})

test('a large variant is found by its place in a file and not read', async (t) => {
  const images = await studio(t)
  const source = await picture(images, 400)
  const made = await images.variant(source, 'f=png')
  assert.ok(made.size > 256 * 1024)
  await images.reopen()
  const found = await images.variant(source, 'f=png')
  same(found, made)
  assert.equal(found.bytes, undefined)
  assert.deepEqual((await readFile(found.path)).subarray(found.offset), made.bytes)
})

test('equal recipes on different pictures, and different ones on the same, are kept apart', async (t) => {
  const images = await studio(t)
  const [one, other] = [await picture(images), await picture(images)]
  for (const source of [one, other]) for (const query of ['width=20', 'width=21']) await images.variant(source, query)
  await images.close()
  assert.equal((await cached(images)).length, 4)
})

test('nothing is left in the folder for temporary files', async (t) => {
  const images = await studio(t)
  await images.variant(await picture(images), 'width=20')
  await images.close()
  assert.deepEqual(await filesIn(images.options.tmpDir), [])
})

const damages: Record<string, (file: string) => Promise<unknown>> = {
  'was cut in its bytes': (file) => truncate(file, HEADER_BYTES + 10),
  'was cut in its header': (file) => truncate(file, 10),
  'is empty': (file) => truncate(file, 0),
  'is longer than it says': (file) => writeFile(file, 'more', { flag: 'a' }),
  'has a flipped byte': async (file) => {
    const handle = await open(file, 'r+')
    await handle.write(Buffer.from([0]), 0, 1, HEADER_BYTES)
    await handle.close()
  },
  'was written by something else': (file) => writeFile(file, Buffer.alloc(500, 'x')),
}

for (const [what, damage] of Object.entries(damages)) {
  test(`a cached file that ${what} counts as missing and is made again`, async (t) => {
    const images = await studio(t)
    const source = await picture(images)
    const made = await images.variant(source, 'width=20')
    await images.reopen()
    await damage(await onlyFile(images))
    const again = await images.variant(source, 'width=20')
    assert.equal(again.made, true)
    assert.equal(again.digest, made.digest)
    await images.reopen()
    same(await images.variant(source, 'width=20'), made)
    assert.deepEqual(images.errors, [])
  })
}

test('a damaged file is gone even when its picture cannot be made again', async (t) => {
  const images = await studio(t)
  const source = await picture(images)
  await images.variant(source, 'width=20')
  await images.reopen()
  await truncate(await onlyFile(images), HEADER_BYTES)
  await rm(source.path)
  await assert.rejects(images.variant(source, 'width=20'), failure('not_found', { what: 'blob' }))
  assert.deepEqual(await cached(images), [])
})

test('the cache may be deleted while it is in use', async (t) => {
  const images = await studio(t)
  const source = await picture(images)
  for (let round = 0; round < 3; round++) {
    await Promise.all(['width=20', 'width=21'].map((query) => images.variant(source, query)))
    await images.reopen()
    await rm(images.options.cacheDir, { recursive: true })
    assert.equal((await images.variant(source, 'width=20')).made, true)
  }
  await images.close()
  assert.equal((await cached(images)).length, 1)
  assert.deepEqual(images.errors, [])
})

/** Noise as PNG: every variant of one width is about as large as any other. */
async function withRoomFor(t: Parameters<typeof studio>[0], count: number): Promise<[Studio, PictureSource[]]> {
  const probe = await noise(40, 40).png().toBuffer()
  const images = await studio(t, { cacheSizeBytes: Math.round((probe.length + HEADER_BYTES) * (count + 0.5)) })
  const sources = await Promise.all(Array.from({ length: count + 2 }, () => picture(images, 40)))
  return [images, sources]
}

/** Which of the pictures are found; looking counts as a use. */
async function foundOf(images: Studio, sources: readonly PictureSource[]): Promise<boolean[]> {
  const found: boolean[] = []
  for (const source of sources) found.push(!(await images.variant(source, 'f=png')).made)
  return found
}

test('past its size the cache lets go of what was used least recently', async (t) => {
  const [images, sources] = await withRoomFor(t, 3)
  const [a, b, c, d] = sources as [PictureSource, PictureSource, PictureSource, PictureSource]
  for (const source of [a, b, c, a]) {
    await images.variant(source, 'f=png')
    await settled(images, source)
  }
  await images.variant(d, 'f=png')
  await images.reopen()
  assert.equal((await cached(images)).length, 3)
  assert.deepEqual(await foundOf(images, [c, d, a]), [true, true, true])
  assert.deepEqual(await foundOf(images, [b]), [false])
})

/** Waits until a variant is on disk, by asking until it comes from there. */
async function settled(images: Studio, source: PictureSource): Promise<void> {
  while ((await images.variant(source, 'f=png')).path === '') await setImmediate()
}

test('after a restart the order of use is that of the files, which note a use at most once an hour', async (t) => {
  const [images, sources] = await withRoomFor(t, 3)
  const [a, b, c, d] = sources as [PictureSource, PictureSource, PictureSource, PictureSource]
  const paths: string[] = []
  for (const source of [a, b, c]) {
    await images.variant(source, 'f=png')
    await images.reopen()
    paths.push((await images.variant(source, 'f=png')).path)
  }
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000)
  for (const [index, path] of paths.entries()) await utimes(path, hoursAgo(5 - index), hoursAgo(5 - index))
  await images.reopen()
  await images.variant(a, 'f=png')
  const { mtimeMs } = await stat(paths[0] ?? '')
  assert.ok(mtimeMs > hoursAgo(1).getTime(), 'a use is noted')
  await utimes(paths[0] ?? '', hoursAgo(0.5), hoursAgo(0.5))
  await images.variant(a, 'f=png')
  assert.ok((await stat(paths[0] ?? '')).mtimeMs < hoursAgo(0.4).getTime(), 'and not again within the hour')
  await images.reopen()
  await images.variant(d, 'f=png')
  await images.reopen()
  assert.deepEqual(await foundOf(images, [a, c, d]), [true, true, true])
  assert.equal((await foundOf(images, [b]))[0], false)
})

test('a variant larger than the whole cache is answered and not kept', async (t) => {
  const images = await studio(t, { cacheSizeBytes: 500 })
  const source = await picture(images)
  assert.equal((await images.variant(source, 'f=png')).made, true)
  await images.close()
  assert.deepEqual(await cached(images), [])
  assert.equal((await images.variant(source, 'f=png')).made, true)
  await images.variant(await images.store(await plain(9, 9).png().toBuffer(), 'image/png'), 'f=png')
  await images.close()
  assert.equal((await cached(images)).length, 1)
})

test('a cache that cannot be written costs no answer, and is reported when it begins to fail', async (t) => {
  const images = await studio(t)
  const source = await picture(images)
  await rm(images.options.tmpDir, { recursive: true })
  for (const query of ['width=20', 'width=21', 'width=22']) {
    const variant = await images.variant(source, query)
    assert.deepEqual([variant.made, variant.path, variant.bytes?.length], [true, '', variant.size])
  }
  await images.close()
  assert.equal(images.errors.length, 1)
})

test('a cache that cannot be read costs no answer', async (t) => {
  const images = await studio(t)
  const source = await picture(images)
  await images.variant(source, 'width=20')
  await images.reopen()
  const file = await onlyFile(images)
  await rm(file)
  await mkdir(file)
  assert.equal((await images.variant(source, 'width=20')).made, true)
  assert.equal(images.errors.length, 1)
})

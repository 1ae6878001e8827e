import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { animation, clear, failure, noise, pixelAt, plain, studio } from './support.ts'

const near = (seen: readonly number[], wanted: readonly number[]) =>
  assert.ok(
    wanted.every((value, index) => Math.abs(value - (seen[index] ?? -99)) <= 6),
    `${seen} is not near ${wanted}`,
  )

for (const kind of ['jpeg', 'png', 'webp', 'avif', 'gif'] as const) {
  test(`a ${kind} stays a ${kind} unless asked otherwise`, async (t) => {
    const { variant, header } = await (await studio(t)).made(
      await plain(80, 60)[kind]().toBuffer(),
      `image/${kind}`,
      'width=40',
    )
    assert.equal(variant.contentType, `image/${kind}`)
    assert.equal(header.format, kind === 'avif' ? 'heif' : kind)
    assert.deepEqual([header.width, header.height], [40, 30])
  })

  test(`a picture becomes a ${kind} when asked to`, async (t) => {
    const { variant, header } = await (await studio(t)).made(
      await plain(80, 60).png().toBuffer(),
      'image/png',
      `f=${kind}`,
    )
    assert.equal(variant.contentType, `image/${kind}`)
    assert.deepEqual([header.width, header.height], [80, 60])
  })
}

test('the format is told from the bytes, not from the type that the file was given', async (t) => {
  const { variant } = await (await studio(t)).made(await plain(8, 8).webp().toBuffer(), 'image/png', 'width=4')
  assert.equal(variant.contentType, 'image/webp')
})

test('a lower quality makes fewer bytes', async (t) => {
  const images = await studio(t)
  const source = await images.store(await noise(200, 200).png().toBuffer(), 'image/png')
  for (const format of ['jpeg', 'webp', 'avif']) {
    const low = await images.variant(source, `f=${format}&q=10`)
    const high = await images.variant(source, `f=${format}&q=95`)
    assert.ok(low.size < high.size, format)
  }
})

test('auto gives avif or webp to clients that name it, and else what the picture is', async (t) => {
  const images = await studio(t)
  const source = await images.store(await plain(40, 40).png().toBuffer(), 'image/png')
  const typeFor = async (accept: string | undefined) => (await images.variant(source, 'f=auto', accept)).contentType
  assert.equal(await typeFor('image/avif,image/webp,*/*'), 'image/avif')
  assert.equal(await typeFor('image/webp,*/*'), 'image/webp')
  assert.equal(await typeFor('*/*'), 'image/png')
  assert.equal(await typeFor(undefined), 'image/png')
})

test('a photo taken sideways is upright in its variant, which carries no metadata', async (t) => {
  const images = await studio(t)
  const red = await plain(30, 60, '#f00').png().toBuffer()
  const sideways = await plain(60, 60, '#00f')
    .composite([{ input: red, left: 0, top: 0 }])
    .jpeg()
    .withExif({ IFD0: { Copyright: 'somebody' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .toBuffer()
  assert.ok((await sharp(sideways).metadata()).exif)
  const { header, bytes } = await images.made(sideways, 'image/jpeg', 'width=30&f=png')
  assert.equal(header.orientation, undefined)
  assert.deepEqual([header.exif, header.icc, header.xmp, header.iptc], [undefined, undefined, undefined, undefined])
  near(await pixelAt(bytes, 15, 5), [255, 0, 0])
  near(await pixelAt(bytes, 15, 25), [0, 0, 255])
})

test('width and height are those of the upright picture', async (t) => {
  const sideways = await plain(80, 40).jpeg().withMetadata({ orientation: 8 }).toBuffer()
  const images = await studio(t)
  for (const [query, width, height] of [
    ['width=20', 20, 40],
    ['f=png', 40, 80],
    ['w=30&h=20', 30, 20],
  ] as const) {
    const { header } = await images.made(sideways, 'image/jpeg', query)
    assert.deepEqual([header.width, header.height], [width, height], query)
  }
})

test('a picture is never enlarged', async (t) => {
  const images = await studio(t)
  const small = await plain(30, 20).png().toBuffer()
  for (const fit of ['cover', 'contain', 'inside', 'outside', 'fill']) {
    const { header } = await images.made(small, 'image/png', `w=300&h=200&fit=${fit}`)
    assert.deepEqual([header.width, header.height], [30, 20], fit)
  }
  assert.equal((await images.made(small, 'image/png', 'height=2000')).header.height, 20)
})

test('cover cuts off both ends alike', async (t) => {
  const middle = await plain(20, 20, '#0f0').png().toBuffer()
  const wide = await plain(60, 20, '#f00')
    .composite([{ input: middle, left: 20, top: 0 }])
    .png()
    .toBuffer()
  const { header, bytes } = await (await studio(t)).made(wide, 'image/png', 'w=20&h=20')
  assert.deepEqual([header.width, header.height], [20, 20])
  for (const left of [1, 18]) near(await pixelAt(bytes, left, 10), [0, 255, 0])
})

test('contain adds a border: clear where the format can, white in a jpeg', async (t) => {
  const images = await studio(t)
  const wide = await plain(40, 20, '#f00').jpeg().toBuffer()
  const asPng = await images.made(wide, 'image/jpeg', 'w=20&h=20&fit=contain&f=png')
  assert.deepEqual([asPng.header.width, asPng.header.height], [20, 20])
  assert.equal((await pixelAt(asPng.bytes, 10, 1))[3], 0)
  near(await pixelAt(asPng.bytes, 10, 10), [255, 0, 0, 255])
  near(await pixelAt((await images.made(wide, 'image/jpeg', 'w=20&h=20&fit=contain')).bytes, 10, 1), [255, 255, 255])
})

test('what is transparent lies on white in a jpeg and stays transparent elsewhere', async (t) => {
  const images = await studio(t)
  const through = await plain(20, 20, clear).png().toBuffer()
  near(await pixelAt((await images.made(through, 'image/png', 'width=10&f=jpeg')).bytes, 5, 5), [255, 255, 255])
  for (const format of ['png', 'webp', 'avif', 'gif']) {
    const { bytes } = await images.made(through, 'image/png', `width=10&f=${format}`)
    assert.equal((await pixelAt(bytes, 5, 5))[3], 0, format)
  }
})

test('colours of any kind come out in sRGB', async (t) => {
  const images = await studio(t)
  const cmyk = await plain(20, 20, '#c33').toColourspace('cmyk').jpeg().toBuffer()
  const deep = await plain(20, 20, '#c33').toColourspace('rgb16').png().toBuffer()
  const wide = await plain(20, 20, '#c33').withIccProfile('p3').png().toBuffer()
  for (const [bytes, type] of [
    [cmyk, 'image/jpeg'],
    [deep, 'image/png'],
    [wide, 'image/png'],
  ] as const) {
    const { header } = await images.made(bytes, type, 'width=10')
    assert.deepEqual([header.space, header.depth, header.hasProfile], ['srgb', 'uchar', false])
  }
})

for (const kind of ['gif', 'webp'] as const) {
  test(`an animated ${kind} stays one as gif and webp, and is its first frame elsewhere`, async (t) => {
    const images = await studio(t)
    const moving = await animation(kind, 4)
    for (const [query, frames] of [
      ['width=20', 4],
      ['width=20&f=gif', 4],
      ['width=20&f=webp', 4],
      ['w=10&h=20&fit=contain', 4],
      ['width=20&f=png', undefined],
      ['width=20&f=jpeg', undefined],
      ['width=20&f=avif', 1],
    ] as const) {
      const { header, bytes } = await images.made(moving, `image/${kind}`, query)
      assert.equal(header.pages, frames, query)
      if ((frames ?? 1) === 1) near(await pixelAt(bytes, 5, 5), [255, 0, 0])
    }
  })
}

test('auto does not stop an animation to make it an avif', async (t) => {
  const images = await studio(t)
  const moving = await animation('gif', 3)
  const both = await images.made(moving, 'image/gif', 'f=auto', 'image/avif,image/webp')
  assert.deepEqual([both.variant.contentType, both.header.pages], ['image/webp', 3])
  const avif = await images.made(moving, 'image/gif', 'f=auto', 'image/avif')
  assert.deepEqual([avif.variant.contentType, avif.header.pages], ['image/gif', 3])
})

test('a tiff becomes a jpeg, or a png where it has transparency', async (t) => {
  const images = await studio(t)
  const solid = await images.made(await plain(40, 40).tiff().toBuffer(), 'image/tiff', 'width=20')
  assert.equal(solid.variant.contentType, 'image/jpeg')
  const through = await images.made(
    await plain(40, 40, clear).tiff({ compression: 'deflate' }).toBuffer(),
    'image/tiff',
    'width=20',
  )
  assert.equal(through.variant.contentType, 'image/png')
})

for (const [kind, type] of [
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
] as const) {
  test(`a ${kind} that ends too early gives what there is`, async (t) => {
    const whole = await noise(300, 300)[kind]().toBuffer()
    const cut = whole.subarray(0, Math.floor(whole.length / 2))
    const { header } = await (await studio(t)).made(cut, type, 'width=100&f=png')
    assert.deepEqual([header.width, header.height], [100, 100])
  })
}

test('what is no picture is refused as unreadable, whatever it calls itself', async (t) => {
  const images = await studio(t)
  const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), Buffer.alloc(200)])
  const jpeg = await noise(50, 50).jpeg().toBuffer()
  for (const [bytes, type] of [
    [Buffer.from('not a picture at all'), 'image/jpeg'],
    [Buffer.alloc(0), 'image/png'],
    [jpeg.subarray(0, 20), 'image/jpeg'],
    [heic, 'image/heic'],
    [Buffer.from('%PDF-1.7'), 'image/png'],
    [Buffer.from('RIFF\xff\xff\xff\x7fWEBPVP8 ', 'latin1'), 'image/webp'],
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'image/png'],
  ] as const) {
    const source = await images.store(bytes, type)
    await assert.rejects(images.variant(source, 'width=10'), failure('type_refused', { type, because: 'unreadable' }))
  }
})

test('a blob that is not there is told apart from one that cannot be read', async (t) => {
  const images = await studio(t)
  for (const contentType of ['image/png', 'image/svg+xml']) {
    const source = { digest: 'ab'.repeat(32), size: 9, contentType, path: `${images.dir}/nothing` }
    const expected = failure('not_found', { what: 'blob', id: source.digest })
    await assert.rejects(images.variant(source, 'width=10'), expected)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { supportedMimeTypes } from 'file-type'
import sharp from 'sharp'
import { settleType } from '../../src/core/content-types.ts'
import { isFailure } from '../../src/core/failure.ts'
import { checkedTypes, kinds, lookAt } from '../../src/core/signatures.ts'

/** Of what a file is, an upload keeps as much. */
const headBytes = 4_100
const head = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, headBytes)
/** Hexadecimal, or text; zeros after it. */
const hex = (digits: string): Buffer =>
  Buffer.concat([Buffer.from(digits.replaceAll(' ', ''), 'hex'), Buffer.alloc(64)])
const text = (chars: string): Buffer => Buffer.from(chars, 'latin1')
const after = (bytes: number, chars: string): Buffer => Buffer.concat([Buffer.alloc(bytes), text(chars)])

const picture = sharp({ create: { width: 9, height: 7, channels: 3, background: '#368' } })
const png = await picture.png().toBuffer()
const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
const largeTiff = await sharp({ create: { width: 90, height: 90, channels: 3, background: '#000', noise } })
  .tiff({ compression: 'none' })
  .toBuffer()

/** A zip of one member that is stored as it is. */
function zip(name: string, content: string): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt32LE(content.length, 18)
  header.writeUInt32LE(content.length, 22)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, text(name + content), Buffer.from('504b0102', 'hex'), Buffer.alloc(42)])
}

const zero = '\0'
/** A tar's header, as old programs wrote it: without a word that says so. */
const oldTar = Buffer.concat([
  text('BMW.txt'.padEnd(100, '\0')),
  text(`000644 ${zero}000000 ${zero}000000 ${zero}`),
  text('00000000003 00000000000 000000 '.padEnd(412, '\0')),
])

const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
const odt = 'application/vnd.oasis.opendocument.text'
const zipped = ['application/zip', docx, odt, 'application/epub+zip']
const mp4 = ['video/mp4', 'video/quicktime', 'audio/mp4']

/** One strict type of every family, or several where more is to be said. */
const strict = [
  ...[
    'image/jpeg',
    'image/png',
    'image/gif',
    'image/webp',
    'image/heic',
    'image/avif',
    'image/tiff',
    'image/x-adobe-dng',
  ],
  ...['image/bmp', 'image/x-icon', 'image/jxl', 'image/jp2', 'image/vnd.adobe.photoshop', 'image/icns', 'image/x-xcf'],
  ...[...mp4, 'video/webm', 'audio/ogg', 'video/ogg', 'audio/wav', 'video/x-msvideo', 'audio/flac', 'audio/aiff'],
  ...['audio/midi', 'audio/amr', 'video/x-flv', 'application/pdf', 'application/rtf', ...zipped, 'application/gzip'],
  ...[
    'application/x-bzip2',
    'application/x-xz',
    'application/zstd',
    'application/x-7z-compressed',
    'application/vnd.rar',
  ],
  ...['font/woff', 'font/woff2'],
]

/** Files, and which of these types each may be. */
const samples: [what: string, bytes: Uint8Array, types: string[]][] = [
  ['JPEG', await picture.jpeg().toBuffer(), ['image/jpeg']],
  ['PNG', png, ['image/png']],
  ['animated PNG', Buffer.concat([png.subarray(0, 33), hex('00000008 6163544c')]), ['image/png']],
  ['GIF', await picture.gif().toBuffer(), ['image/gif']],
  ['WebP', await picture.webp().toBuffer(), ['image/webp']],
  ['AVIF', await picture.avif().toBuffer(), ['image/heic', 'image/avif']],
  ['HEIC', hex('00000018 66747970 68656963 00000000 6d696631 68656963'), ['image/heic', 'image/avif']],
  [
    'HEIC of a brand that the library does not know',
    after(4, 'ftypheim\0\0\0\0mif1'),
    ['image/heic', 'image/avif', ...mp4],
  ],
  ['TIFF', await picture.tiff().toBuffer(), ['image/tiff', 'image/x-adobe-dng']],
  ['TIFF whose directory is at its end', largeTiff, ['image/tiff', 'image/x-adobe-dng']],
  ['TIFF with its high bytes first', hex('4d4d002a 000fffff'), ['image/tiff', 'image/x-adobe-dng']],
  ['photograph of a Canon', hex('49492a00 10000000 4352 0200'), ['image/tiff', 'image/x-adobe-dng']],
  ['BMP', hex('424d 46000000 00000000 36000000 28000000'), ['image/bmp']],
  ['icon', hex('00000100 0100 1010 0000 0100 2000'), ['image/x-icon']],
  ['JPEG XL', hex('ff0a fa'), ['image/jxl']],
  ['JPEG XL in a container', hex('0000000c 4a584c20 0d0a870a'), ['image/jxl']],
  ['JPEG 2000', hex('0000000c 6a502020 0d0a870a 00000014 66747970 6a703220'), ['image/jp2']],
  ['Photoshop', text('8BPS\0\x01\0\0\0\0\0\0'), ['image/vnd.adobe.photoshop']],
  ['Apple icon', text('icns\0\0\x10\0ic07'), ['image/icns']],
  ['Gimp', text('gimp xcf v011\0'), ['image/x-xcf']],
  ['MP4', after(4, 'ftypisom\0\0\x02\0isomiso2avc1mp41'), mp4],
  ['QuickTime', after(4, 'ftypqt  \0\0\0\0qt  '), mp4],
  ['QuickTime that begins with its pictures', hex('00004242 6d646174'), mp4],
  ['sound of an iPhone', after(4, 'ftypM4A \0\0\0\0M4A mp42'), mp4],
  ['fragment of a film', after(4, 'styp msdh'), mp4],
  ['WebM', hex('1a45dfa3 9f 4286 81 01 4282 84 7765626d'), ['video/webm']],
  ['Matroska', hex('1a45dfa3 a3 4282 88 6d6174726f736b61'), ['video/webm']],
  ['Ogg', text('OggS\0\x02'.padEnd(28, '\0').concat('\x01vorbis')), ['audio/ogg', 'video/ogg', 'audio/flac']],
  ['Opus', text('OggS\0\x02'.padEnd(28, '\0').concat('OpusHead')), ['audio/ogg', 'video/ogg', 'audio/flac']],
  ['WAV', text('RIFF\x24\0\0\0WAVEfmt \x10'), ['audio/wav']],
  ['WAV of more than 4 GiB', text('RF64\xff\xff\xff\xffWAVEds64'), ['audio/wav']],
  ['AVI', text('RIFF\x24\0\0\0AVI LIST'), ['video/x-msvideo']],
  ['FLAC', text('fLaC\0\0\0\x22'), ['audio/flac']],
  ['FLAC with a tag before it', Buffer.concat([text('ID3\x04\0\0\0\0\0\x04\0\0\0\0'), text('fLaC')]), ['audio/flac']],
  ['AIFF', text('FORM\0\0\0\x2eAIFFCOMM'), ['audio/aiff']],
  ['MIDI', text('MThd\0\0\0\x06\0\x01'), ['audio/midi']],
  ['AMR', text('#!AMR\n\x3c\x91'), ['audio/amr']],
  ['Flash film', text('FLV\x01\x05\0\0\0\x09'), ['video/x-flv']],
  ['PDF', text('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'), ['application/pdf']],
  ['PDF with something before it', text(`${'\0'.repeat(1_000)}\n%PDF-1.4\n`), ['application/pdf']],
  ['RTF', text('{\\rtf1\\ansi Grüße}'), ['application/rtf']],
  ['zip', zip('a.txt', 'hello'), zipped],
  ['empty zip', hex('504b0506'), zipped],
  ['Word', zip('[Content_Types].xml', `<Types ContentType="${docx}.main+xml"/>`), zipped],
  ['Word whose list of parts is further behind', zip('word/document.xml', 'x'.repeat(9_000)), zipped],
  ['OpenDocument', zip('mimetype', odt), zipped],
  ['book', zip('mimetype', 'application/epub+zip'), zipped],
  ['old Word, or a new one with a password', hex('d0cf11e0a1b11ae1'), [docx]],
  ['gzip', gzipSync('hello'), ['application/gzip']],
  ['gzip of a tar', gzipSync(oldTar), ['application/gzip']],
  ['bzip2', text('BZh91AY&SY\0'), ['application/x-bzip2']],
  ['xz', hex('fd377a585a00 0004'), ['application/x-xz']],
  ['zstd', zstdCompressSync('hello'), ['application/zstd']],
  ['zstd made by several threads', hex('502a4d18 04000000'), ['application/zstd']],
  ['7z', hex('377abcaf271c 0004'), ['application/x-7z-compressed']],
  ['RAR', hex('526172211a0700'), ['application/vnd.rar']],
  ['RAR 5', hex('526172211a070100'), ['application/vnd.rar']],
  ['WOFF', text('wOFF\0\x01\0\0\0\0'), ['font/woff']],
  ['WOFF of Apple', text('wOFFtrue\0\0'), ['font/woff']],
  ['WOFF2', text('wOF2OTTO\0\0'), ['font/woff2']],
  ['text', text('Hello, world.\n'), []],
  ['text that begins like a program', text('MZ is where I was born'), []],
  ['program', hex('4d5a9000 03000000'), []],
  ['nothing', Buffer.alloc(0), []],
  ['zeros', Buffer.alloc(headBytes), []],
]

for (const [what, bytes, types] of samples) {
  test(`${what}: taken as what it is, and as nothing else that is checked`, async () => {
    const looked = await lookAt(head(bytes))
    assert.deepEqual(
      strict.filter((type) => looked.mayBe(type)),
      strict.filter((type) => types.includes(type)),
    )
  })
}

test('Every strict type of the samples is one, and every sample has its own', () => {
  for (const type of strict) assert.equal(checkedTypes.get(type), 'strict', type)
  const sampled = new Set(samples.flatMap(([, , types]) => types))
  assert.deepEqual(
    strict.filter((type) => !sampled.has(type)),
    [],
  )
})

test('A type goes by other names, and a file is taken under each of them', async () => {
  const aliases: Record<string, string[]> = {
    JPEG: ['image/jpg', 'image/pjpeg'],
    PNG: ['image/apng', 'image/x-png'],
    icon: ['image/vnd.microsoft.icon'],
    WAV: ['audio/x-wav', 'audio/wave', 'audio/vnd.wave'],
    zip: ['application/x-zip-compressed', 'application/java-archive', 'application/vnd.android.package-archive'],
    gzip: ['application/x-gzip', 'application/x-tar'],
    RAR: ['application/x-rar', 'application/x-rar-compressed'],
    MP4: ['video/x-m4v', 'audio/x-m4a', 'video/3gpp', 'application/mp4'],
    WebM: ['audio/webm', 'video/x-matroska'],
    'sound of an iPhone': ['audio/aac'],
  }
  for (const [what, types] of Object.entries(aliases)) {
    const [, bytes] = samples.find(([name]) => name === what) ?? assert.fail(what)
    for (const type of types) assert.equal(await settleType(type, head(bytes), 'x'), type)
  }
})

/** What may begin with anything, against bytes that it is taken with, and bytes that it surely is not. */
const loose: [type: string, taken: Uint8Array[], refused: Uint8Array[]][] = [
  [
    'audio/mpeg',
    [hex('fffb9000'), text('ID3\x04\0\0\0\0\0\0'), hex('0102030405'), Buffer.alloc(0)],
    [png, zip('a', 'b')],
  ],
  ['audio/aac', [hex('fff15080'), hex('0102030405')], [png, text('%PDF-1.7\n')]],
  ['video/mp2t', [hex('47400010'), text('GIFs are made here')], [png, after(4, 'ftypisom\0\0\x02\0isom')]],
  ['video/mpeg', [hex('000001ba44'), hex('0102030405')], [png, text('fLaC\0\0\0\x22')]],
  [
    'application/x-tar',
    [oldTar, gzipSync('a'), hex('fd377a585a00'), Buffer.alloc(1_024)],
    [png, hex('7f454c46020101')],
  ],
  ['font/ttf', [hex('0001000000'), text('OTTO\0\x0c'), text('true\0\x0c'), hex('0102030405')], [png, gzipSync('a')]],
  ['application/msword', [hex('d0cf11e0a1b11ae1'), text('{\\rtf1}'), text('<html>'), text('MZ'), zip('a', 'b')], [png]],
  [
    'application/vnd.ms-excel',
    [text('GIF;BM;MZ\r\n1;2;3'), text('ID3,FORM\n'), hex('09081000')],
    [png, hex('4d5a9000')],
  ],
  ['application/vnd.ms-powerpoint', [hex('d0cf11e0a1b11ae1')], [after(4, 'ftypisom\0\0\0\0'), hex('7f454c46020101')]],
  ['application/vnd.apple.keynote', [zip('Index/Document.iwa', ''), text('-----BEGIN PRIVATE KEY-----')], [png]],
  ['application/postscript', [text('%!PS-Adobe-3.0'), text('%PDF-1.5\n%\xe2\xe3\x01')], [png]],
]

for (const [type, taken, refused] of loose) {
  test(`${type} is refused only as what is surely something else`, async () => {
    assert.equal(checkedTypes.get(type), 'loose')
    for (const bytes of taken) assert.ok((await lookAt(head(bytes))).mayBe(type), `${bytes.subarray(0, 9)}`)
    for (const bytes of refused) assert.ok(!(await lookAt(head(bytes))).mayBe(type), `${bytes.subarray(0, 9)}`)
  })
}

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(fc.constantFrom(...samples.map(([, bytes]) => head(bytes))), fc.uint8Array({ maxLength: 20 }))
    .map((parts) => Buffer.concat(parts)),
)

test('Text, and all types without a signature, are taken whatever the bytes', async () => {
  const subtype = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/)
  const type = fc.oneof(
    subtype.map((sub) => `text/${sub}`),
    fc.constantFrom('application/json', 'application/xml', 'image/svg+xml', 'application/x-unheard-of', 'text/csv'),
    fc.constantFrom('application/x-msdownload', 'application/octet-strea', 'constructor/prototype'),
  )
  await fc.assert(
    fc.asyncProperty(type, anyBytes, async (declared, bytes) => {
      assert.equal(await settleType(declared, bytes, 'a.png'), declared)
    }),
  )
})

test('A picture in PNG is refused as any other strict type, however that is written', async () => {
  const others = [...checkedTypes].flatMap(([type, how]) => (how === 'strict' && !/png/.test(type) ? type : []))
  assert.ok(others.length > 150)
  const written = fc
    .tuple(fc.constantFrom(...others), fc.constantFrom('', '; charset=utf-8', ' ;x=y'), fc.boolean())
    .map(([type, parameters, isLoud]) => (isLoud ? type.toUpperCase() : type) + parameters)
  await fc.assert(
    fc.asyncProperty(written, fc.uint8Array({ maxLength: 99 }), async (type, tail) => {
      const bytes = Buffer.concat([png, tail])
      await assert.rejects(settleType(type, bytes, 'a.png'), (error) => {
        assert.ok(isFailure(error) && error.code === 'type_refused')
        const plain = type.split(';')[0]?.trim().toLowerCase()
        assert.deepEqual(error.detail, { type: plain, because: 'mismatch', found: 'image/png' })
        return true
      })
    }),
  )
})

test('Looking at bytes never fails, whatever they are', async () => {
  await fc.assert(fc.asyncProperty(anyBytes, async (bytes) => void (await lookAt(bytes)).mayBe('image/png')))
})

test('The library still calls things what the table says, and a type stands in it as it is compared', () => {
  for (const mime of kinds.flatMap(({ told }) => told ?? [])) assert.ok(supportedMimeTypes.has(mime), mime)
  for (const type of checkedTypes.keys()) {
    assert.match(type, /^[a-z]+\/[a-z0-9.+-]+$/)
    assert.ok(!type.startsWith('text/'), type)
  }
})

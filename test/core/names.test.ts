import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFailure } from '../../src/core/failure.ts'
import {
  byteLength,
  cutToBytes,
  displayName,
  emailAddress,
  folderName,
  folderPath,
  isSegment,
  nameLimitBytes,
  pathLimitBytes,
  segmentLimitBytes,
  segmentsFor,
  segmentsOf,
  splitExtension,
} from '../../src/core/names.ts'

/** Text of every kind: well-formed or not, with separators and control characters often among it. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        '.',
        '..',
        '/',
        '\\',
        ' ',
        '\0',
        '\n',
        '\u007f',
        '\u0085',
        '😀',
        'é',
        'é',
        '\ud800',
        '€'.repeat(90),
      ),
    )
    .map((parts) => parts.join('')),
)
const id = 'AbCdEfGh12345678'

const isInvalid = (error: unknown): boolean => isFailure(error) && error.code === 'invalid'

test('A name to show is one part of a path, without control characters, never empty, at most 1,024 bytes', () => {
  fc.assert(
    fc.property(text, (sent) => {
      const name = displayName(sent, id)
      assert.ok(name.isWellFormed())
      assert.ok(byteLength(name) <= nameLimitBytes)
      assert.doesNotMatch(name, /[/\\\p{Cc}]/u)
      assert.ok(name !== '' && name !== '.' && name !== '..')
      assert.equal(displayName(name, id), name, 'it is the same when it comes again')
    }),
  )
  assert.equal(displayName(undefined, id), id)
})

test('Every segment that is tried for a name may be part of a path, and the last holds the id', () => {
  fc.assert(
    fc.property(text, (sent) => {
      const segments = segmentsFor(displayName(sent, id), id)
      assert.ok(segments.length === 2 || segments.length === 3)
      for (const segment of segments) {
        assert.ok(isSegment(segment), JSON.stringify(segment))
        assert.equal(segment.normalize('NFC'), segment)
      }
      assert.ok(segments.at(-1)?.startsWith(id))
      assert.ok(segments.at(-2)?.includes(`-${id}`))
    }),
  )
})

test('A name that may be a part of a path is tried first as it is, in its composed form', () => {
  assert.deepEqual(segmentsFor('photo.tar.gz', id), ['photo.tar.gz', `photo.tar-${id}.gz`, `${id}.gz`])
  assert.deepEqual(segmentsFor('README', id), ['README', `README-${id}`, id])
  assert.deepEqual(segmentsFor('.profile', id), ['.profile', `.profile-${id}`, id])
  assert.deepEqual(segmentsFor('e\u0301.txt', id), ['é.txt', `é-${id}.txt`, `${id}.txt`])
  const sentence = `What. ${'A long sentence is no extension'.repeat(2)}`
  assert.deepEqual(segmentsFor(sentence, id), [sentence, `${sentence}-${id}`, id])
})

test('Text is cut between characters, and never longer than it may be', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(200), (whole, limit) => {
      const cut = cutToBytes(whole, limit)
      assert.ok(byteLength(cut) <= limit)
      assert.ok(whole.startsWith(cut))
      assert.equal(cut.isWellFormed() || !whole.isWellFormed(), true)
      const next = [...whole.slice(cut.length)][0]
      assert.ok(next === undefined || byteLength(cut + next) > limit, 'one character more would be too much')
    }),
  )
})

test('A folder’s path has one form, and its segments make it again', () => {
  fc.assert(
    fc.property(text, (sent) => {
      let path: string
      try {
        path = folderPath(sent)
      } catch (error) {
        return assert.ok(isInvalid(error))
      }
      assert.equal(folderPath(path), path)
      assert.ok(byteLength(path) <= pathLimitBytes)
      assert.ok(path === '' || (path.endsWith('/') && !path.startsWith('/')))
      assert.ok(segmentsOf(path).every(isSegment))
      assert.equal(
        segmentsOf(path)
          .map((segment) => `${segment}/`)
          .join(''),
        path,
      )
    }),
  )
})

test('A path with an empty, a dot or a dot-dot segment, a backslash or a control character is refused', () => {
  const good: [string, string][] = [
    ['', ''],
    ['/', ''],
    ['docs', 'docs/'],
    ['docs/', 'docs/'],
    ['docs/a b/ü', 'docs/a b/ü/'],
    ['u\u0308', 'ü/'],
    ['...', '.../'],
    ['x'.repeat(255), `${'x'.repeat(255)}/`],
  ]
  for (const [sent, path] of good) assert.equal(folderPath(sent), path)
  const bad = [
    '/docs',
    'docs//',
    '//',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a/./b',
    'a/..',
    '../',
    'a\\b',
    'a\0b',
    'a\nb',
    'x'.repeat(256),
    '€'.repeat(86),
    `${'y'.repeat(200)}/`.repeat(6),
  ]
  for (const sent of bad) assert.throws(() => folderPath(sent), isInvalid, JSON.stringify(sent))
})

test('A folder’s name is a segment, trimmed and composed', () => {
  assert.equal(folderName('  Fotos '), 'Fotos')
  assert.equal(folderName('u\u0308'), 'ü')
  for (const sent of ['', '  ', '.', ' .. ', 'a/b', 'a\\b', 'a\tb', 'x'.repeat(segmentLimitBytes + 1)]) {
    assert.throws(() => folderName(sent), isInvalid, JSON.stringify(sent))
  }
})

test('An extension begins with the last dot that is not the first character', () => {
  assert.deepEqual(splitExtension('a.tar.gz'), { stem: 'a.tar', extension: '.gz' })
  assert.deepEqual(splitExtension('.bashrc'), { stem: '.bashrc', extension: '' })
  assert.deepEqual(splitExtension('a'), { stem: 'a', extension: '' })
  assert.deepEqual(splitExtension('a.'), { stem: 'a', extension: '.' })
})

test('An e-mail address is trimmed and in lower case, and looks like one', () => {
  assert.equal(emailAddress('  Ada@Example.ORG '), 'ada@example.org')
  for (const sent of ['', 'ada', 'ada@', '@example.org', 'a b@c', 'a@b@c', 'a\n@b.c', `${'x'.repeat(251)}@y.z`]) {
    assert.throws(() => emailAddress(sent), isInvalid, JSON.stringify(sent))
  }
})

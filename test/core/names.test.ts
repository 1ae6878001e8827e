import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFailure } from '../../src/core/failure.ts'
import {
  displayName,
  emailAddress,
  folderName,
  nameLimitBytes,
  segmentsFor,
  splitExtension,
} from '../../src/core/names.ts'
import { isSegment, segmentLimitBytes } from '../../src/core/paths.ts'
import { byteLength, cutToBytes } from '../../src/core/text.ts'
import { text } from '../support/texts.ts'

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

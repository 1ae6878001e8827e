import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFailure } from '../../src/core/failure.ts'
import { descriptionFrom, tagsFrom } from '../../src/core/labels.ts'

const isInvalid = (error: unknown): boolean => isFailure(error) && error.code === 'invalid'

test('Tags are trimmed, the empty and the repeated ones dropped, in the order in which they came', () => {
  assert.deepEqual(tagsFrom([' b ', 'a', '', 'b', '  ', 'A', 'a ']), ['b', 'a', 'A'])
  assert.deepEqual(tagsFrom([]), [])
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 10 }), { maxLength: 40 }), (sent) => {
      const tags = tagsFrom(sent)
      assert.deepEqual(tagsFrom(tags), tags)
      assert.equal(new Set(tags).size, tags.length)
      assert.ok(tags.every((tag) => tag !== '' && tag.trim() === tag && tag.isWellFormed()))
    }),
  )
})

test('There are at most fifty tags of 64 characters, whatever their bytes', () => {
  const fifty = Array.from({ length: 50 }, (_, n) => '😀'.repeat(63) + String.fromCodePoint(0x4e00 + n))
  assert.equal(tagsFrom([...fifty, ...fifty]).length, 50)
  assert.throws(() => tagsFrom([...fifty, 'more']), isInvalid)
  assert.throws(() => tagsFrom(['x'.repeat(65)]), isInvalid)
})

test('A description is at most 4,096 characters long, and well-formed', () => {
  assert.equal(descriptionFrom('😀'.repeat(4_096)), '😀'.repeat(4_096))
  assert.equal(descriptionFrom('a\ud800'), 'a\ufffd')
  assert.equal(descriptionFrom(' as it is \n'), ' as it is \n')
  assert.throws(() => descriptionFrom('x'.repeat(4_097)), isInvalid)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseRange } from '../../src/http/range.ts'

const cases: [header: string | undefined, size: number, expected: ReturnType<typeof parseRange>][] = [
  [undefined, 10, undefined],
  ['bytes=0-4', 10, { start: 0, end: 4 }],
  ['bytes=0-0', 10, { start: 0, end: 0 }],
  ['bytes=9-9', 10, { start: 9, end: 9 }],
  ['bytes=5-', 10, { start: 5, end: 9 }],
  ['bytes=0-', 10, { start: 0, end: 9 }],
  ['bytes=0-1000', 10, { start: 0, end: 9 }],
  ['bytes=-3', 10, { start: 7, end: 9 }],
  ['bytes=-10', 10, { start: 0, end: 9 }],
  ['bytes=-1000', 10, { start: 0, end: 9 }],
  ['BYTES=0-4', 10, { start: 0, end: 4 }],
  ['bytes= 0-4 ', 10, { start: 0, end: 4 }],
  [`bytes=0-${'9'.repeat(400)}`, 10, { start: 0, end: 9 }],
  [`bytes=-${'9'.repeat(400)}`, 10, { start: 0, end: 9 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=10-20', 10, 'unsatisfiable'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'unsatisfiable'],
  ['bytes=4-2', 10, undefined],
  ['bytes=-', 10, undefined],
  ['bytes=', 10, undefined],
  ['bytes=a-b', 10, undefined],
  ['bytes=1', 10, undefined],
  ['bytes=--1', 10, undefined],
  ['bytes=1-2-3', 10, undefined],
  ['bytes=0x1-2', 10, undefined],
  ['bytes=1.5-2', 10, undefined],
  ['bytes=0-1,4-5', 10, undefined],
  ['bytes=0-1,', 10, undefined],
  ['items=0-4', 10, undefined],
  ['', 10, undefined],
  ['bytes', 10, undefined],
]

test('A range is one part of the bytes; what is malformed, several, or of another unit asks for the whole', () => {
  for (const [header, size, expected] of cases) {
    assert.deepEqual(parseRange(header, size), expected, `${header?.slice(0, 40)} of ${size}`)
  }
})

test('Whatever a Range header says, a part lies within the bytes', () => {
  const header = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `bytes=${rest}`),
    fc.tuple(fc.option(fc.nat()), fc.option(fc.nat())).map(([a, b]) => `bytes=${a ?? ''}-${b ?? ''}`),
  )
  fc.assert(
    fc.property(header, fc.nat(), (text, size) => {
      const range = parseRange(text, size)
      if (range === undefined || range === 'unsatisfiable') return
      assert.ok(0 <= range.start && range.start <= range.end && range.end < size)
    }),
  )
})

test('A first and a last byte that lie within are given as they were asked for', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (a, b, more) => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      const size = end + 1 + more
      assert.deepEqual(parseRange(`bytes=${start}-${end}`, size), { start, end })
      assert.deepEqual(parseRange(`bytes=${start}-`, size), { start, end: size - 1 })
      assert.deepEqual(parseRange(`bytes=-${size - start}`, size), { start, end: size - 1 })
      assert.equal(parseRange(`bytes=${size + a}-`, size), 'unsatisfiable')
    }),
  )
})

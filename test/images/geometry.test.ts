import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { frameOf } from '../../src/images/geometry.ts'
import type { Wish } from '../../src/images/options.ts'

const side = fc.integer({ min: 1, max: 20_000 })
const sizes = fc.record({ width: side, height: side })
const fits = fc.constantFrom('cover', 'contain', 'inside', 'outside', 'fill') as fc.Arbitrary<NonNullable<Wish['fit']>>
const wishes = fc.record({ width: side, height: side, fit: fits }, { requiredKeys: [] })

test('no side is ever longer than what was asked for or, without a border, than the picture', () => {
  fc.assert(
    fc.property(sizes, wishes, (source, wish) => {
      const frame = frameOf(source, wish)
      assert.ok(frame.width >= 1 && frame.height >= 1)
      if (frame.fit !== 'contain') assert.ok(frame.width <= source.width && frame.height <= source.height)
      const boxed = wish.width !== undefined && wish.height !== undefined && wish.fit !== 'outside'
      if (boxed) assert.ok(frame.width <= (wish.width ?? 0) && frame.height <= (wish.height ?? 0))
    }),
  )
})

test('cover, contain and fill keep the shape of the box, to a pixel', () => {
  const boxes = fc.record({ width: side, height: side, fit: fc.constantFrom('cover', 'contain', 'fill') })
  fc.assert(
    fc.property(sizes, boxes as fc.Arbitrary<Required<Pick<Wish, 'width' | 'height' | 'fit'>>>, (source, box) => {
      const frame = frameOf(source, box)
      const by = Math.max(frame.width / box.width, frame.height / box.height)
      assert.ok(Math.abs(frame.width - Math.max(1, box.width * by)) <= 1 + box.width / box.height)
      assert.ok(Math.abs(frame.height - Math.max(1, box.height * by)) <= 1 + box.height / box.width)
    }),
  )
})

const examples: Array<[picture: string, wish: Wish, frame: string]> = [
  ['4000x3000', { width: 400 }, '400x300'],
  ['4000x3000', { height: 300 }, '400x300'],
  ['4000x3000', { width: 400, fit: 'fill' }, '400x300'],
  ['4000x3000', { width: 400, height: 400 }, '400x400'],
  ['4000x3000', { width: 400, height: 400, fit: 'contain' }, '400x400'],
  ['4000x3000', { width: 400, height: 400, fit: 'inside' }, '400x300'],
  ['4000x3000', { width: 400, height: 400, fit: 'outside' }, '533x400'],
  ['4000x3000', { width: 400, height: 400, fit: 'fill' }, '400x400'],
  ['4000x3000', {}, '4000x3000'],
  ['100x50', { width: 400 }, '100x50'],
  ['300x100', { width: 200, height: 200 }, '100x100'],
  ['100x50', { width: 400, height: 400 }, '50x50'],
  ['100x50', { width: 400, height: 400, fit: 'contain' }, '100x100'],
  ['100x50', { width: 400, height: 400, fit: 'inside' }, '100x50'],
  ['100x50', { width: 400, height: 400, fit: 'outside' }, '100x50'],
  ['100x50', { width: 400, height: 400, fit: 'fill' }, '50x50'],
  ['10000x1', { width: 10 }, '10x1'],
]

for (const [picture, wish, expected] of examples) {
  test(`a picture of ${picture} asked for as ${JSON.stringify(wish)} is ${expected}`, () => {
    const [width = 0, height = 0] = picture.split('x').map(Number)
    const frame = frameOf({ width, height }, wish)
    assert.equal(`${frame.width}x${frame.height}`, expected)
  })
}

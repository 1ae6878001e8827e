import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/core/failure.ts'
import { type OptionName, optionNames, options } from '../../src/images/options.ts'
import { readWish } from '../../src/images/parse.ts'
import { limits } from './support.ts'

const wishOf = (query: string) => readWish(new URLSearchParams(query), limits)

function faultsOf(query: string): string[] {
  try {
    wishOf(query)
  } catch (error) {
    if (error instanceof Failure && error.code === 'invalid') {
      return (error as Failure<'invalid'>).detail.issues.map(({ path, problem }) => `${path.join('.')}: ${problem}`)
    }
    throw error
  }
  return []
}

const side = { good: { '1': 1, '400': 400, '0400': 400, '2000': 2000 }, bound: 'a whole number from 1 to 2000' }
const notSides = ['', '0', '-1', '2001', '1.5', '1e2', ' 1', '+1', '0x10', 'auto', '9999999999', 'NaN', '４００']

const cases: Record<OptionName, { good: Record<string, unknown>; bad: readonly string[]; bound: string }> = {
  width: { ...side, bad: notSides },
  height: { ...side, bad: notSides },
  fit: {
    good: { cover: 'cover', contain: 'contain', inside: 'inside', outside: 'outside', fill: 'fill', Cover: 'cover' },
    bad: ['', 'stretch', 'cover,fill', 'constructor'],
    bound: 'one of cover, contain, inside, outside, fill',
  },
  format: {
    good: { webp: 'webp', avif: 'avif', jpeg: 'jpeg', jpg: 'jpeg', JPG: 'jpeg', png: 'png', gif: 'gif', auto: 'auto' },
    bad: ['', 'bmp', 'svg', 'image/webp', '__proto__'],
    bound: 'one of webp, avif, jpeg, png, gif, auto',
  },
  quality: {
    good: { '1': 1, '80': 80, '100': 100 },
    bad: ['', '0', '101', '-5', '80.5', 'high'],
    bound: 'a whole number from 1 to 100',
  },
}

for (const name of optionNames) {
  const { good, bad, bound } = cases[name]

  test(`${name} takes ${bound}`, () => {
    for (const [text, value] of Object.entries(good)) assert.deepEqual(wishOf(`${name}=${text}`), { [name]: value })
  })

  test(`${name} with anything else is refused, and the message says what is allowed`, () => {
    for (const text of bad) {
      const query = new URLSearchParams({ [name]: text }).toString()
      assert.deepEqual(faultsOf(query), [`${name}: ${name} must be ${bound}`], query)
    }
  })

  test(`${name} may be given by each of its short names`, () => {
    const [text, value] = Object.entries(good)[0] ?? []
    for (const alias of options[name].aliases) assert.deepEqual(wishOf(`${alias}=${text}`), { [name]: value })
  })
}

test('a server that allows larger sides says so in its message', () => {
  assert.throws(
    () => readWish(new URLSearchParams('width=5000'), { maxSide: 4_096 }),
    (error: Failure<'invalid'>) => error.detail.issues[0]?.problem === 'width must be a whole number from 1 to 4096',
  )
})

test('all faults of a query are told at once', () => {
  assert.equal(faultsOf('w=0&h=none&fit=odd&f=bmp&q=101').length, 5)
})

test('an option given twice must mean the same both times', () => {
  assert.deepEqual(wishOf('width=400&w=400'), { width: 400 })
  assert.deepEqual(wishOf('f=jpg&format=jpeg'), { format: 'jpeg' })
  assert.deepEqual(faultsOf('width=400&w=500'), ['width: width must be a whole number from 1 to 2000, given once'])
  assert.equal(faultsOf('width=400&width=').length, 1)
})

test('options that are not known are ignored, whatever they say', () => {
  assert.deepEqual(wishOf('width=10&v=123&Width=0&constructor=1&crop=x'), { width: 10 })
})

test('a query without a known option asks for the original', () => {
  for (const query of ['', 'v=123', 'toString=1', 'WIDTH=400']) assert.equal(wishOf(query), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type OptionName, optionNames, options, type Wish } from '../../src/images/options.ts'
import { readWish } from '../../src/images/parse.ts'
import { orderOf, recipeOf } from '../../src/images/recipe.ts'
import { limits, studio } from './support.ts'

const recipeFor = (query: string, accept?: string) =>
  recipeOf(readWish(new URLSearchParams(query), limits) ?? {}, accept)

const texts: Record<OptionName, fc.Arbitrary<string>> = {
  width: fc.integer({ min: 1, max: 2_000 }).map(String),
  height: fc.integer({ min: 1, max: 2_000 }).map(String),
  fit: fc.constantFrom('cover', 'contain', 'inside', 'outside', 'fill'),
  format: fc.constantFrom('webp', 'avif', 'jpeg', 'jpg', 'png', 'gif', 'auto'),
  quality: fc.integer({ min: 1, max: 100 }).map(String),
}
const wishes = fc.record(texts, { requiredKeys: [] })
const accepts = fc.constantFrom(undefined, '', '*/*', 'image/webp', 'image/avif,image/webp,*/*;q=0.8')

const queryOf = (pairs: ReadonlyArray<readonly [string, string]>) =>
  new URLSearchParams(pairs.map(([name, text]): [string, string] => [name, text])).toString()

test('the same wish has the same key, whatever the order and the names of its options', () => {
  fc.assert(
    fc.property(wishes, accepts, fc.infiniteStream(fc.nat()), (wish, accept, chance) => {
      const next = () => chance.next().value
      const pairs = Object.entries(wish) as Array<[OptionName, string]>
      const respelled = pairs.map(([name, text]) => {
        const names = [name, ...options[name].aliases]
        return { at: next(), pair: [names[next() % names.length] ?? name, text] as const }
      })
      const shuffled = respelled.sort((a, b) => a.at - b.at).map(({ pair }) => pair)
      assert.equal(recipeFor(queryOf(shuffled), accept).key, recipeFor(queryOf(pairs), accept).key)
    }),
  )
})

test('a key stands for the wish it was made of, and for no other', () => {
  fc.assert(
    fc.property(wishes, accepts, (wish, accept) => {
      const recipe = recipeFor(queryOf(Object.entries(wish) as Array<[string, string]>), accept)
      const order = orderOf(recipe, limits)
      const again = recipeOf(order.wish, order.accepts.map((format) => `image/${format}`).join())
      assert.equal(again.key, recipe.key)
      for (const side of ['width', 'height'] as const) assert.equal(order.wish[side]?.toString(), wish[side])
    }),
  )
})

test('a key names its options in one order', () => {
  assert.equal(
    recipeFor('q=70&f=jpg&fit=inside&h=300&w=400').key,
    'width=400&height=300&fit=inside&format=jpeg&quality=70',
  )
})

test('what changes nothing is not in the key', () => {
  const same: Array<[string, string]> = [
    ['w=400&fit=inside', 'w=400'],
    ['w=400&h=300&fit=cover', 'w=400&h=300'],
    ['w=400&f=png&q=50', 'w=400&f=png'],
    ['w=400&f=auto', 'w=400'],
  ]
  for (const [long, short] of same) assert.equal(recipeFor(long).key, recipeFor(short).key)
  assert.equal(recipeFor('fit=cover').key, 'plain')
})

test('auto takes only formats that the client names', () => {
  const accepted: Array<[string | undefined, readonly string[]]> = [
    [undefined, []],
    ['', []],
    ['*/*', []],
    ['image/*', []],
    ['text/html,image/avif,image/webp,*/*;q=0.8', ['avif', 'webp']],
    ['IMAGE/WebP', ['webp']],
    ['image/webp, image/avif;q=0', ['webp']],
    ['image/avif;q=0.1,image/png', ['avif']],
    ['nonsense;;;,', []],
  ]
  for (const [accept, formats] of accepted) {
    const recipe = recipeFor('f=auto', accept)
    assert.equal(recipe.negotiated, true, 'the answer varies by Accept, also where it names nothing')
    assert.deepEqual(orderOf(recipe, limits).accepts, formats, String(accept))
  }
})

test('without auto the Accept header changes nothing', () => {
  fc.assert(
    fc.property(wishes, accepts, (wish, accept) => {
      fc.pre(wish.format !== 'auto')
      const query = queryOf(Object.entries(wish) as Array<[string, string]>)
      assert.deepEqual(recipeFor(query, accept), { ...recipeFor(query), negotiated: false })
    }),
  )
})

test('every option of the table shows in the key', () => {
  const full: Wish = { width: 1, height: 2, fit: 'fill', format: 'webp', quality: 3 }
  assert.deepEqual([...new URLSearchParams(recipeOf(full, undefined).key).keys()], optionNames)
})

test('pictures are known by their type, in any case and with any parameters', async (t) => {
  const { images } = await studio(t)
  const types = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff', 'heic', 'heif', 'svg+xml'].map((name) => `image/${name}`)
  for (const type of [...types, 'Image/PNG', 'image/jpeg; charset=binary', ' image/gif ;x=y']) {
    assert.equal(images.isPicture(type), true, type)
  }
  for (const type of ['image/bmp', 'image/x-icon', 'video/mp4', 'text/html', 'image/', '', 'application/pdf']) {
    assert.equal(images.isPicture(type), false, type)
  }
})

test('for what is no picture the options mean nothing, good or bad', async (t) => {
  const { images } = await studio(t)
  const of = (query: string, contentType: string) =>
    images.recipe(new URLSearchParams(query), undefined, { contentType })
  assert.equal(of('width=400', 'video/mp4'), undefined)
  assert.equal(of('width=0', 'application/pdf'), undefined)
  assert.equal(of('v=1', 'image/png'), undefined)
  assert.deepEqual(of('width=400', 'image/png'), { key: 'width=400', negotiated: false })
})

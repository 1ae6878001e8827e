import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AllowedTypes, declaredType, essence, settleType, unknownType } from '../../src/core/content-types.ts'
import { isFailure } from '../../src/core/failure.ts'

test('A type that is said is kept with its parameters; what is none is the unknown type', () => {
  for (const good of [
    'text/plain',
    'text/plain; charset=utf-8',
    'image/svg+xml',
    'application/vnd.a.b-c+json',
    'X-a/Y_z',
  ]) {
    assert.equal(declaredType(good), good)
  }
  assert.equal(declaredType('  image/png '), 'image/png')
  for (const bad of [
    undefined,
    '',
    'text',
    'text/',
    '/plain',
    'a/b/c',
    'text/pl ain',
    'text/plain\r\nX: y',
    'text/plain; x=\u0000',
    'text/ü',
    `text/${'x'.repeat(300)}`,
    'text/plain, text/html',
  ]) {
    assert.equal(declaredType(bad), unknownType, String(bad))
  }
})

test('Whatever is said, what is kept can stand in a header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (sent) => {
      assert.match(declaredType(sent), /^[\x20-\x7e\t]+\/[\x20-\x7e\t]+$/)
    }),
  )
})

test('Types are compared without their parameters and without regard to case', () => {
  assert.equal(essence('Text/HTML; charset=UTF-8'), 'text/html')
  assert.equal(essence(' image/png '), 'image/png')
})

const head = (hex: string): Uint8Array => Buffer.from(hex.padEnd(600, '0'), 'hex')

test('An unknown type is told from the bytes first, then from the name, and else stays unknown', async () => {
  const png = head('89504e470d0a1a0a0000000d49484452')
  assert.equal(await settleType(unknownType, png, 'a.txt'), 'image/png')
  assert.equal(await settleType('Application/Octet-Stream', png, 'a'), 'image/png')
  assert.equal(await settleType(unknownType, Buffer.from('a,b'), 'a.csv'), 'text/csv')
  assert.equal(await settleType(unknownType, Buffer.from('a,b'), 'a'), unknownType)
  assert.equal(await settleType(unknownType, Buffer.alloc(0), ''), unknownType)
  assert.equal(await settleType('text/plain', png, 'a.png'), 'text/plain', 'what is said is not told anew')
})

test('A name does not make a file what its bytes are not', async () => {
  assert.equal(await settleType(unknownType, Buffer.from('no picture'), 'a.png'), unknownType)
  assert.equal(await settleType(unknownType, Buffer.alloc(0), 'a.pdf'), unknownType)
  assert.equal(await settleType(unknownType, Buffer.from('rubbish, then sound'), 'a.mp3'), 'audio/mpeg')
})

test('What is said of a file is kept as it was said, once its bytes do not speak against it', async () => {
  const png = head('89504e470d0a1a0a0000000d49484452')
  for (const type of ['image/png', 'IMAGE/PNG; a=b', 'image/x-png', 'application/json; charset=utf-8', 'x/y']) {
    assert.equal(await settleType(type, png, 'a.jpg'), type)
  }
})

test('A file of another type than is said is refused, with what it is where that can be told', async () => {
  const refusals: [string, Uint8Array, string, string?][] = [
    ['Image/JPEG; q=1', head('89504e470d0a1a0a0000000d49484452'), 'image/jpeg', 'image/png'],
    ['image/png', Buffer.alloc(0), 'image/png'],
    ['image/png', Buffer.from([1, 2, 3]), 'image/png'],
    ['application/pdf', Buffer.from('just text'), 'application/pdf', 'text/plain'],
    ['video/mp4', head('4d5a90000300000004000000'), 'video/mp4', 'application/x-msdownload'],
  ]
  for (const [declared, bytes, type, found] of refusals) {
    await assert.rejects(settleType(declared, bytes, 'a'), (error) => {
      assert.ok(isFailure(error) && error.code === 'type_refused')
      assert.deepEqual(error.detail, { type, because: 'mismatch', ...(found && { found }) })
      return true
    })
  }
})

function isTaken(list: string[], type: string): boolean {
  try {
    new AllowedTypes(list).require(type)
    return true
  } catch (error) {
    assert.ok(isFailure(error) && error.code === 'type_refused')
    return false
  }
}

test('A list takes the types and the families that it names, and a star takes all', () => {
  const list = ['image/*', 'Application/PDF']
  for (const type of ['image/png', 'IMAGE/PNG', 'image/png; x=y', 'application/pdf'])
    assert.ok(isTaken(list, type), type)
  for (const type of ['text/plain', 'imagex/png', 'application/pdfx', 'xapplication/pdf', 'application/zip']) {
    assert.ok(!isTaken(list, type), type)
  }
  assert.ok(isTaken(['*'], 'anything/at-all'))
  assert.ok(isTaken(['*/*'], 'anything/at-all'))
  assert.ok(!isTaken([], 'text/plain'))
})

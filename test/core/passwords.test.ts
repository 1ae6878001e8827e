import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { hashPassword, requirePassword, verifyPassword } from '../../src/core/passwords.ts'

test('A password is right for its own hash alone, and equal passwords have different hashes', async () => {
  const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  assert.notEqual(one, other)
  assert.equal(await verifyPassword('correct horse', one), true)
  assert.equal(await verifyPassword('correct horse', other), true)
  assert.equal(await verifyPassword('correct horsf', one), false)
  assert.equal(await verifyPassword('', one), false)
})

test('A hash is Argon2id in the PHC form, with 19 MiB and two passes', async () => {
  const hash = await hashPassword('pässword 😀')
  const form = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/
  const [, salt = '', tag = ''] = form.exec(hash) ?? []
  const expected = argon2Sync('argon2id', {
    message: 'pässword 😀',
    nonce: Buffer.from(salt, 'base64'),
    memory: 19_456,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  })
  assert.deepEqual(Buffer.from(tag, 'base64'), expected)
})

test('A hash with other parameters is still understood, for they stand in it', async () => {
  const parameters = { memory: 8_192, passes: 1, parallelism: 2, tagLength: 16 }
  const nonce = Buffer.alloc(16, 7)
  const tag = argon2Sync('argon2id', { message: 'older', nonce, ...parameters })
  const hash = `$argon2id$v=19$m=8192,t=1,p=2$${nonce.toString('base64').replace(/=+$/, '')}$${tag.toString('base64').replace(/=+$/, '')}`
  assert.equal(await verifyPassword('older', hash), true)
  assert.equal(await verifyPassword('newer', hash), false)
})

test('Without a hash every password is wrong, the empty one too', async () => {
  for (const hash of [null, undefined]) {
    assert.equal(await verifyPassword('anything', hash), false)
    assert.equal(await verifyPassword('', hash), false)
  }
})

test('A password has at least six characters and at most 1,024 bytes', () => {
  const isInvalid = (error: unknown): boolean => isFailure(error) && error.code === 'invalid'
  for (const good of ['123456', '😀😀😀😀😀😀', 'x'.repeat(1_024), '      ']) requirePassword(good)
  for (const bad of ['', '12345', '😀😀😀😀😀', 'x'.repeat(1_025), '€'.repeat(342)]) {
    assert.throws(() => requirePassword(bad), isInvalid)
  }
})

test('Many log-ins at once are all answered rightly', async () => {
  const hash = await hashPassword('correct horse')
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => verifyPassword(n % 2 === 0 ? 'correct horse' : 'wrong', hash)),
  )
  assert.deepEqual(
    answers,
    Array.from({ length: 12 }, (_, n) => n % 2 === 0),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { type KeyWish, makeKey } from '../../src/core/keys.ts'
import { isKeyText, secretDigest } from '../../src/core/secrets.ts'

const now = Date.UTC(2026, 4, 3)

const make = (wish: Partial<KeyWish> = {}) => makeKey('account', { kind: 'sk', ...wish }, now)

/** The field that a wish is refused for. */
function faultOf(wish: Partial<KeyWish>): unknown {
  try {
    make(wish)
    return undefined
  } catch (error) {
    if (!isFailure(error) || error.code !== 'invalid') throw error
    return error.detail.issues.map(({ path }) => path.join('.')).join()
  }
}

test('Of a key its digest and its start are kept, and the text nowhere', () => {
  for (const kind of ['ak', 'atiru', 'sk'] as const) {
    const { text, row } = make({ kind })
    assert.ok(isKeyText(text) && text.startsWith(`${kind}_`))
    assert.equal(row.digest, secretDigest(text))
    assert.equal(row.hint, text.slice(0, kind.length + 5))
    assert.ok(!JSON.stringify(row).includes(text.slice(kind.length + 5)))
  }
})

test('Where nothing is said a key may do everything, everywhere, for ever', () => {
  const { row } = make()
  assert.deepEqual([row.scopes, row.pathPrefix, row.expiresAt, row.name], [null, null, null, ''])
  assert.equal(make({ scopes: [] }).row.scopes, null)
  assert.equal(make({ pathPrefix: '' }).row.pathPrefix, null)
  assert.equal(make({ pathPrefix: '/' }).row.pathPrefix, null)
})

test("A key's folder is a path in its one form, with a slash at the end", () => {
  assert.equal(make({ pathPrefix: 'docs' }).row.pathPrefix, 'docs/')
  assert.equal(make({ pathPrefix: 'docs/2026/' }).row.pathPrefix, 'docs/2026/')
  assert.equal(make({ pathPrefix: 'Ku\u0308che' }).row.pathPrefix, 'K\u00fcche/')
  for (const pathPrefix of ['/docs', 'docs//a', '../docs', 'docs/..', './docs', 'a\\b', 'a\u0000b', 'x'.repeat(256)]) {
    assert.equal(faultOf({ pathPrefix }), 'path_prefix', pathPrefix)
  }
  // Only without a slash are these names the addresses of a door.
  assert.equal(make({ pathPrefix: 'log' }).row.pathPrefix, 'log/')
  assert.equal(make({ pathPrefix: 'docs/log' }).row.pathPrefix, 'docs/log/')
})

test('Scopes are of those that there are, each once', () => {
  assert.deepEqual(make({ scopes: ['user:read', 'files:read', 'user:read'] }).row.scopes, ['user:read', 'files:read'])
  for (const scopes of [['admin'], ['FILES:READ'], ['files:read '], ['', 'files:read']]) {
    assert.equal(faultOf({ scopes }), 'scopes.0')
  }
  assert.equal(faultOf({ scopes: ['files:read', 'admin'] }), 'scopes.1')
})

test('A key expires in the future, or never', () => {
  assert.equal(make({ expiresAt: now + 1 }).row.expiresAt, now + 1)
  assert.equal(make({ expiresAt: null }).row.expiresAt, null)
  for (const expiresAt of [now, now - 1, 0]) assert.equal(faultOf({ expiresAt }), 'expires')
})

test('A name is trimmed, of at most 255 bytes, and without control characters', () => {
  assert.equal(make({ name: '  laptop ' }).row.name, 'laptop')
  assert.equal(make({ name: 'é'.repeat(127) }).row.name.length, 127)
  for (const name of ['x'.repeat(256), 'é'.repeat(128), 'a\nb', '\u0000', 'a\u007fb']) {
    assert.equal(faultOf({ name }), 'name')
  }
})

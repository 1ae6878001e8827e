import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { isKeyText } from '../../src/core/secrets.ts'
import { openTestApp, upload, withKey } from '../support/app.ts'
import { atiru, newPerson } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { thisFile } from '../support/shared.ts'
import { refusal, type StorageAnswer, storage } from '../support/storage.ts'

const clock = new MovingClock()

const app = await openTestApp(thisFile, { 'auth.registration': 'open' }, { clock })
const { session, account } = await newPerson(app)
const token = session.access_token
const noKey = 'there is no such key'

const make = (json: object, key = token): Promise<StorageAnswer> => storage(app, 'POST', '/auth/keys', { json, key })

async function made(json: object, key = token) {
  const answer = await make(json, key)
  assert.equal(answer.status, 201, answer.bytes.toString())
  return answer.body
}

const list = async (key: string) => (await storage(app, 'GET', '/auth/keys', { key })).body.keys
const revoke = (id: string, key = token) => storage(app, 'DELETE', `/auth/keys/${id}`, { key })

test('A key is shown when it is made, and never again', async () => {
  const before = clock.now()
  const answer = await make({ name: 'deploy-bot', prefix: 'docs/', expires_in: 3_600 })
  assert.equal(answer.status, 201)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  const { id, token: text, name, prefix, expires_at } = answer.body
  assert.deepEqual(Object.keys(answer.body).sort(), ['expires_at', 'id', 'name', 'prefix', 'token'])
  assert.ok(isKeyText(text) && text.startsWith('sk_'))
  assert.deepEqual([name, prefix], ['deploy-bot', 'docs/'])
  const life = (expires_at ?? 0) - before
  assert.ok(life >= 3_600_000 && life < 3_660_000, `a key for ${life} ms`)

  const listed = await storage(app, 'GET', '/auth/keys', { key: token })
  assert.equal(listed.headers.get('cache-control'), 'no-store')
  const [one] = listed.body.keys.filter((key) => key.id === id)
  assert.deepEqual(Object.keys(one ?? {}), ['id', 'name', 'prefix', 'expires_at', 'created_at'])
  assert.ok(one && one.created_at >= before && one.created_at <= clock.now())
  assert.ok(!listed.bytes.toString().includes(text))
})

test('A key of which nothing is said has no name, no folder and no end', async () => {
  for (const json of [{}, { name: null, prefix: null, expires_in: null }, { name: '', prefix: '' }]) {
    const { name, prefix, expires_at } = await made(json)
    assert.deepEqual({ name, prefix, expires_at }, { name: '', prefix: '', expires_at: null })
  }
  assert.equal((await storage(app, 'POST', '/auth/keys', { key: token })).status, 201, 'nor does it need a body')
})

test('A prefix is a folder, with or without its final slash', async () => {
  assert.equal((await made({ prefix: 'docs' })).prefix, 'docs/')
  assert.equal((await made({ prefix: 'docs/a b/' })).prefix, 'docs/a b/')
  assert.equal((await made({ prefix: 'caf\u0065\u0301' })).prefix, 'caf\u00e9/', 'in its one form')
  assert.equal((await made({ prefix: '/' })).prefix, '')
  for (const prefix of ['/docs', '../docs', 'docs/../x', 'docs//x', 'a\\b', 'a\0', 'x'.repeat(256), './', '.']) {
    refusal(await make({ prefix }), 400, 'bad_request', /^prefix is malformed: it has/)
  }
})

test('A key ends a whole number of seconds from now, at least one, and before the year 10000', async () => {
  assert.ok((await made({ expires_in: 1 })).expires_at)
  const last = (await made({ expires_in: 250_000_000_000 })).expires_at ?? 0
  assert.match(new Date(last).toISOString(), /^9\d{3}-/)
  for (const expires_in of [0, -1, 0.5, 250_000_000_001, Number.MAX_SAFE_INTEGER, 1e300, '60', true, []])
    refusal(await make({ expires_in }), 400, 'bad_request', /^expires_in /)
})

test('A name is at most 255 bytes, and what is no text is no name', async () => {
  assert.equal((await made({ name: 'é'.repeat(127) })).name.length, 127)
  for (const name of ['x'.repeat(256), 'a\nb', 7, {}]) refusal(await make({ name }), 400, 'bad_request', /name/)
})

test('A key does at every door what its owner may, inside its folder', async () => {
  const whole = await made({})
  const docs = await made({ prefix: 'docs/' })
  assert.equal((await atiru(app, 'GET', '/files', { key: whole.token })).status, 200)
  const file = await upload({ url: app.url, key: docs.token }, 'inside', 'in.txt')
  const outside = await upload({ url: app.url, key: whole.token }, 'outside', 'out.txt')
  const files = await atiru(app, 'GET', '/files', { key: docs.token })
  const ids = files.body.files.map(({ file_id }) => file_id)
  assert.ok(ids.includes(file.id) && !ids.includes(outside.id))
  refusal(await storage(app, 'POST', '/auth/logout', { key: docs.token }), 403, 'forbidden')
})

test('A key is dead from the next request on once it is revoked', async () => {
  const { id, token: text } = await made({ name: 'short' })
  assert.equal((await storage(app, 'GET', '/auth/keys', { key: text })).status, 200)
  const answer = await revoke(id)
  assert.deepEqual([answer.status, answer.body], [200, { deleted: true }])
  refusal(await storage(app, 'GET', '/auth/keys', { key: text }), 401, 'unauthorized', 'this key was revoked')
  assert.equal((await fetch(`${app.url}/api/v1/user/stats`, { headers: withKey(text) })).status, 401)
  assert.ok(!(await list(token)).some((key) => key.id === id))
  refusal(await revoke(id), 404, 'not_found', noKey)
})

test('A key is dead when it has ended', async (t) => {
  t.after(() => {
    clock.aheadMs = 0
  })
  const { token: text } = await made({ expires_in: 60 })
  assert.equal((await storage(app, 'GET', '/auth/keys', { key: text })).status, 200)
  clock.aheadMs = 60_000
  refusal(await storage(app, 'GET', '/auth/keys', { key: text }), 401, 'unauthorized', 'this key or token has expired')
})

test('A key makes none that is wider or longer-lived than itself', async () => {
  const day = 86_400
  const narrow = await made({ prefix: 'docs/', expires_in: day })
  const child = await made({ prefix: 'docs/a', expires_in: 60 }, narrow.token)
  assert.equal(child.prefix, 'docs/a/')
  const heir = await made({}, narrow.token)
  assert.deepEqual([heir.prefix, heir.expires_at], ['docs/', narrow.expires_at], 'where nothing is said it is the same')
  const wider = [
    { prefix: 'docs2/' },
    { prefix: 'do' },
    { prefix: 'other' },
    { prefix: 'Docs' },
    { expires_in: 2 * day },
  ]
  for (const json of wider)
    refusal(await make(json, narrow.token), 403, 'forbidden', /cannot make, or remove, what reaches further/)
})

test('A key sees and revokes only keys that it could have made', async () => {
  const wide = await made({ name: 'wide' })
  const narrow = await made({ name: 'narrow', prefix: 'own/' })
  const inside = await made({ name: 'inside', prefix: 'own/deep/' })
  const seen = (await list(narrow.token)).map(({ id }) => id)
  assert.ok(seen.includes(narrow.id) && seen.includes(inside.id) && !seen.includes(wide.id))
  refusal(await revoke(wide.id, narrow.token), 404, 'not_found', noKey)
  assert.equal((await revoke(inside.id, narrow.token)).status, 200)
  assert.equal((await revoke(narrow.id, narrow.token)).status, 200, 'also itself')
  refusal(await storage(app, 'GET', '/auth/keys', { key: narrow.token }), 401, 'unauthorized')
})

test('Keys with scopes, and those of Atiru, manage none', async () => {
  const few = await app.newKey({ scopes: ['files:read', 'files:write', 'user:read'] }, account)
  const theirs = await app.newKey({ kind: 'atiru' }, account)
  const { id } = await made({})
  for (const [{ text }, message] of [
    [few, /a key without scopes/],
    [theirs, /an access token, not an API key/],
  ] as const) {
    refusal(await make({}, text), 403, 'forbidden', message)
    refusal(await storage(app, 'GET', '/auth/keys', { key: text }), 403, 'forbidden', message)
    refusal(await revoke(id, text), 403, 'forbidden', message)
  }
})

test("Another account's keys are nobody's", async () => {
  const { id } = await made({ name: 'mine' })
  for (const key of [app.key, (await newPerson(app, 'other@example.org')).session.access_token]) {
    assert.ok(!(await list(key)).some((one) => one.id === id))
    refusal(await revoke(id, key), 404, 'not_found', noKey)
  }
  for (const unknown of [randomUUID(), 'string', '%00', "'"]) refusal(await revoke(unknown), 404, 'not_found', noKey)
  assert.ok((await list(token)).some((one) => one.id === id))
})

test('Keys are listed newest first, those of all doors among them', async () => {
  const theirs = await atiru(app, 'POST', '/auth/api-keys', { json: { name: 'of another door' }, key: token })
  clock.aheadMs += 1_000
  const mine = await made({ name: 'of this one' })
  const [first, second] = await list(token)
  assert.deepEqual([first?.id, second?.id], [mine.id, theirs.body.id])
  assert.deepEqual([second?.prefix, second?.expires_at], ['', null])
})

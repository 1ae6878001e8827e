import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { isKeyText, newKey } from '../../src/core/secrets.ts'
import { aether } from '../support/aether.ts'
import { formWith, openTestApp } from '../support/app.ts'
import { atiru, newPerson, refusal, store } from '../support/atiru.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'

const app = await openTestApp(thisFile)
const { session } = await newPerson(app)
const token = session.access_token
const stranger = (await newPerson(app, 'stranger@example.org')).session.access_token

const path = '/auth/api-keys'
const make = (json: unknown = {}, key = token) => atiru(app, 'POST', path, { json, key })
const revoke = (id: string, key = token) => atiru(app, 'DELETE', `${path}/${id}`, { key })

async function listed(key = token) {
  const { status, body } = await atiru(app, 'GET', path, { key })
  assert.equal(status, 200)
  return body.api_keys
}

const uuid = /^[0-9a-f-]{36}$/
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

test('A key is made with a log-in, shown once, and listed by its start', async () => {
  const { status, body } = await make({ name: 'Production server' })
  assert.equal(status, 201)
  const { id, key, key_prefix: start, name, created_at: at } = body as typeof body & { created_at: string }
  assert.deepEqual(Object.keys(body).sort(), ['created_at', 'id', 'key', 'key_prefix', 'name'])
  assert.match(id, uuid)
  assert.match(at, time)
  assert.match(key, /^atiru_[0-9A-Za-z]{36}$/)
  assert.ok(isKeyText(key))
  assert.deepEqual([start, name], [key.slice(0, 'atiru_xxxx'.length), 'Production server'])
  const list = await listed()
  assert.deepEqual(list, [{ id, key_prefix: start, name, created_at: at, last_used_at: null }])
  assert.ok(!(await app.wholeLog()).includes(key))
})

test('A key may go without a name, and without a body at all', async () => {
  const bare = await atiru(app, 'POST', path, { key: token })
  assert.deepEqual([bare.status, bare.body.name], [201, ''])
  await revoke(bare.body.id)
  for (const json of [{}, { name: null }, { name: '' }]) {
    const { status, body } = await make(json)
    assert.deepEqual([status, body.name], [201, ''])
    await revoke(body.id)
  }
  refusal(await make({ name: 5 }), 400, 'INVALID_REQUEST', /name is not a text/)
  refusal(await make({ name: 'x'.repeat(256) }), 400, 'INVALID_REQUEST', /255 bytes/)
  refusal(await make({ name: 'a\nb' }), 400, 'INVALID_REQUEST', /control characters/)
  refusal(await make([]), 400, 'INVALID_REQUEST')
})

test('Keys are listed newest first, and each person sees the own ones', async () => {
  const names = ['one', 'two', 'three']
  for (const name of names) await make({ name }, stranger)
  assert.deepEqual(
    (await listed(stranger)).map(({ name }) => name),
    ['three', 'two', 'one'],
  )
  assert.ok((await listed()).every(({ name }) => !names.includes(name)))
})

test('An API key manages no keys here, whatever it may do elsewhere', async () => {
  const { body } = await make()
  const keys = [app.key, body.key, (await app.newKey({ kind: 'sk' })).text]
  for (const key of keys) {
    refusal(await make({}, key), 403, 'JWT_REQUIRED', /an access token, not an API key/)
    refusal(await atiru(app, 'GET', path, { key }), 403, 'JWT_REQUIRED')
    refusal(await revoke(body.id, key), 403, 'JWT_REQUIRED')
    refusal(await atiru(app, 'GET', path, { key: null, headers: { 'X-Api-Key': key } }), 403, 'JWT_REQUIRED')
  }
  assert.equal((await atiru(app, 'GET', '/files', { key: body.key })).status, 200)
})

test('A key that is not known is one that is not known, before anybody asks what it is good for', async () => {
  for (const key of [newKey('atiru'), newKey('ak'), 'atiru_short', 'x']) {
    refusal(await atiru(app, 'GET', path, { key }), 401, 'INVALID_OR_EXPIRED_TOKEN')
    refusal(await revoke(randomUUID(), key), 401, 'INVALID_OR_EXPIRED_TOKEN')
  }
  refusal(await atiru(app, 'GET', path, { key: null }), 401, 'MISSING_AUTH')
})

test('A new key opens every door at once, and the very next request after it is revoked is refused', async () => {
  const { body } = await make({ name: 'soon gone' })
  const { key } = body
  const file = await store(app, 'by a key', { key })
  const there = await aether({ ...app, key }, 'GET', `/files/${file.file_id}`)
  assert.deepEqual([there.status, there.body.file.size], [200, 8])
  const uploaded = await aether({ ...app, key }, 'POST', '/files/upload', { form: formWith('at the other door') })
  assert.equal(uploaded.status, 201)
  const mine = await atiru(app, 'GET', `/files/${uploaded.body.file.id}`, { key: token })
  assert.equal(mine.body.name, 'file.txt')

  const gone = await revoke(body.id)
  assert.deepEqual([gone.status, gone.bytes.length], [204, 0])
  refusal(await atiru(app, 'GET', '/files', { key }), 401, 'INVALID_OR_EXPIRED_TOKEN', 'this key was revoked')
  const elsewhere = await aether({ ...app, key }, 'GET', '/files')
  assert.deepEqual([elsewhere.status, elsewhere.body.error.code], [401, 'unauthorized'])
  assert.ok((await listed()).every(({ id }) => id !== body.id))
})

test('A key is sent as a bearer or in X-Api-Key', async () => {
  const { body } = await make()
  for (const name of ['X-Api-Key', 'x-api-key', 'X-API-KEY']) {
    assert.equal((await atiru(app, 'GET', '/files', { key: null, headers: { [name]: body.key } })).status, 200)
  }
  assert.equal((await atiru(app, 'GET', '/files', { key: body.key })).status, 200)
})

test('The list tells when a key was used last', async () => {
  const { body } = await make({ name: 'used' })
  const lastUse = async () => (await listed()).find(({ id }) => id === body.id)?.last_used_at
  assert.equal(await lastUse(), null)
  const before = Date.now()
  await atiru(app, 'GET', '/files', { key: body.key })
  await until('the use to be written down', async () => (await lastUse()) !== null)
  const at = (await lastUse()) ?? ''
  assert.match(at, time)
  assert.ok(Date.parse(at) >= before && Date.parse(at) <= Date.now(), at)
})

test('Revoking what is revoked, what is another’s or what no key can be called is the same: there is no such key', async () => {
  const { body } = await make()
  refusal(await revoke(body.id, stranger), 404, 'NOT_FOUND', 'there is no such key')
  assert.equal((await revoke(body.id)).status, 204)
  for (const id of [body.id, randomUUID(), 'x', '%20', '..%2Ffiles', body.id.toUpperCase()]) {
    refusal(await revoke(id), 404, 'NOT_FOUND')
  }
})

test("What is stored with a person's key is that person's alone", async () => {
  const { body } = await make({ name: 'mine' })
  const file = await store(app, 'mine', { key: body.key })
  refusal(await atiru(app, 'GET', `/files/${file.file_id}`, { key: stranger }), 404, 'FILE_NOT_FOUND')
  assert.deepEqual((await atiru(app, 'GET', '/files', { key: stranger })).body.files, [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyWish } from '../../src/core/keys.ts'
import { formWith, openTestApp, upload, withKey } from '../support/app.ts'
import { identity, type KeyBody, newKeyIn, newPerson, type PageBody, refused } from '../support/identity.ts'
import { thisFile } from '../support/shared.ts'

const dayMs = 86_400_000
const app = await openTestApp(thisFile)
const ada = await newPerson(app, 'ada@example.org')
const { project } = ada

/** A key of hers, and what it sees and does. */
async function holderOf(wish: Partial<KeyWish>) {
  const { id, text } = await app.newKey({ kind: 'sk', ...wish }, ada.account)
  const who = { as: text, project }
  return {
    id,
    text,
    who,
    list: () => identity<PageBody<KeyBody>>(app, 'GET', '/auth/api-keys/?limit=100', who),
    make: (json: object = {}) =>
      identity<KeyBody>(app, 'POST', '/auth/api-keys/', { ...who, json: { name: '', ...json } }),
    deactivate: (keyId: string) => identity(app, 'DELETE', `/auth/api-keys/${keyId}`, who),
  }
}

const inDays = (days: number): number => Date.now() + days * dayMs

/** What a key's row says of its bounds. */
async function boundsOf(id: string) {
  const key = await app.catalogue.read.key(id)
  return { prefix: key?.pathPrefix ?? null, expiresAt: key?.expiresAt ?? null }
}

async function isActive(id: string): Promise<boolean> {
  return (await app.catalogue.read.key(id))?.revokedAt === null
}

test('A key without scopes, folder and end may do with keys what a log-in may', async () => {
  for (const kind of ['sk', 'ak'] as const) {
    const key = await holderOf({ kind })
    const made = await key.make({ scopes: ['files:read'], expires_in_days: 5 })
    assert.equal(made.status, 201)
    const { items } = (await key.list()).body.data
    assert.ok(items.some((one) => one.id === made.body.data.id))
    assert.ok(
      items.some((one) => one.id === key.id),
      'it sees itself',
    )
    assert.equal((await key.deactivate(made.body.data.id)).status, 200)
    assert.equal((await key.deactivate(key.id)).status, 200, 'and may end itself')
    refused(await key.list(), 401, 'unauthorized', 'this key was revoked')
  }
})

test('A key made with a key has its folder and its end, unless it asks for less', async () => {
  const expiresAt = inDays(10)
  const key = await holderOf({ pathPrefix: 'docs', expiresAt })
  const plain = await key.make()
  assert.equal(plain.status, 201)
  assert.deepEqual(await boundsOf(plain.body.data.id), { prefix: 'docs/', expiresAt })
  assert.equal(plain.body.data.expires_at, new Date(expiresAt).toISOString())
  const shorter = await key.make({ expires_in_days: 9, scopes: ['files:write'] })
  assert.equal(shorter.status, 201)
  const bounds = await boundsOf(shorter.body.data.id)
  assert.equal(bounds.prefix, 'docs/')
  assert.ok((bounds.expiresAt ?? 0) < expiresAt)

  const maker = { url: app.url, key: plain.body.data.full_key ?? '' }
  const file = await upload(maker, 'inside')
  const { entryId } = (await app.catalogue.read.file(file.id)) ?? { entryId: '' }
  assert.equal(await app.catalogue.read.pathOf(entryId), 'docs/file.txt', 'what it stores lies in the folder')
})

test('A key that should live longer than the one it is made with is refused', async () => {
  const key = await holderOf({ expiresAt: inDays(10) })
  refused(await key.make({ expires_in_days: 11 }), 403, 'forbidden', /lives longer than itself/)
  assert.equal((await key.make({ expires_in_days: null })).status, 201, 'where nothing is asked for, it ends with it')
})

test('Keys that reach further or live longer cannot be seen or ended by a key', async () => {
  const expiresAt = inDays(10)
  const wider = {
    whole: await holderOf({ expiresAt }),
    above: await holderOf({ pathPrefix: 'docs/', expiresAt }),
    beside: await holderOf({ pathPrefix: 'docs/an-old/', expiresAt }),
    'of a similar name': await holderOf({ pathPrefix: 'docs/another/', expiresAt }),
    'in other letters': await holderOf({ pathPrefix: 'DOCS/an/', expiresAt }),
    'for ever': await holderOf({ pathPrefix: 'docs/an/' }),
    'a moment longer': await holderOf({ pathPrefix: 'docs/an/', expiresAt: expiresAt + 1 }),
  }
  const within = [
    await holderOf({ pathPrefix: 'docs/an/', expiresAt }),
    await holderOf({ pathPrefix: 'docs/an/below/', expiresAt: expiresAt - 1 }),
    await holderOf({ pathPrefix: 'docs/an/', expiresAt, scopes: ['files:read'] }),
    await holderOf({ pathPrefix: 'docs/an/', expiresAt, kind: 'atiru' }),
  ]
  const key = await holderOf({ pathPrefix: 'docs/an/', expiresAt })
  const { items, pagination } = (await key.list()).body.data
  assert.deepEqual(items.map((one) => one.id).sort(), [...within, key].map((one) => one.id).sort())
  assert.equal(pagination.total, within.length + 1, 'what is not seen is not counted')
  for (const [name, one] of Object.entries(wider)) {
    refused(await key.deactivate(one.id), 404, 'not_found', 'there is no such key')
    assert.ok(await isActive(one.id), name)
  }
  for (const one of within) {
    assert.equal((await key.deactivate(one.id)).status, 200)
    assert.equal(await isActive(one.id), false)
  }
})

test("A wildcard in a folder's name is a character like any other", async () => {
  const key = await holderOf({ pathPrefix: '%/' })
  const other = await holderOf({ pathPrefix: 'docs/' })
  assert.deepEqual(
    (await key.list()).body.data.items.map((one) => one.id),
    [key.id],
  )
  refused(await key.deactivate(other.id), 404, 'not_found')
})

test('A key with scopes manages none, whichever they are', async () => {
  for (const scopes of [['files:read'], ['user:read'], ['files:read', 'files:write', 'user:read']]) {
    const key = await holderOf({ scopes })
    for (const answer of [await key.list(), await key.make(), await key.deactivate(key.id)]) {
      refused(answer, 403, 'forbidden', 'this asks for a log-in or a key without scopes')
    }
    assert.ok(await isActive(key.id))
  }
})

test("A key of Atiru's manages none, at no door", async () => {
  const key = await holderOf({ kind: 'atiru' })
  for (const answer of [await key.list(), await key.make(), await key.deactivate(key.id)]) {
    refused(answer, 403, 'forbidden', 'this asks for a log-in: an access token, not an API key')
  }
  const there = await fetch(`${app.url}/auth/api-keys`, { headers: withKey(key.text) })
  assert.equal(there.status, 403)
})

test("A key sees and ends no other account's, bounds or none", async () => {
  const eve = await newPerson(app, 'eve@example.org')
  const hers = await newKeyIn(app, { as: eve.access_token, project: eve.project })
  const key = await holderOf({})
  refused(await key.deactivate(hers.id), 404, 'not_found')
  refused(
    await identity(app, 'DELETE', `/auth/api-keys/${hers.id}`, { as: key.text, project: eve.project }),
    404,
    'project_not_found',
  )
  assert.ok(await isActive(hers.id))
})

test('A key that is made with a key is made in the project that is named', async () => {
  const { body } = await identity<{ id: string }>(app, 'POST', '/projects', {
    as: ada.access_token,
    json: { name: 'Other' },
  })
  const key = await holderOf({ pathPrefix: 'docs/' })
  const made = await newKeyIn(app, { as: key.text, project: body.data.id })
  assert.equal((await app.catalogue.read.key(made.id))?.projectId, body.data.id)
  assert.ok(!(await key.list()).body.data.items.some((one) => one.id === made.id))
})

test('A key made within a folder stores nothing outside it', async () => {
  const key = await holderOf({ pathPrefix: 'docs/' })
  const { body } = await key.make()
  const folder = await app.catalogue.write.createFolder({
    accountId: ada.account.id,
    id: crypto.randomUUID(),
    parent: { segments: [] },
    name: 'elsewhere',
    prefix: null,
    now: Date.now(),
  })
  const response = await fetch(`${app.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: withKey(body.data.full_key ?? ''),
    body: formWith('x', 'x.txt', 'text/plain', { folderId: folder.id }),
  })
  assert.equal(response.status, 403)
})

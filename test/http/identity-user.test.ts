import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { openTestApp, upload, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { Visitor } from '../support/dashboard.ts'
import { identity, newPerson, refused, type UserBody } from '../support/identity.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
const plans = '{pictures = {image_ops = 3}, tiny = {image_ops = 1}, large = {storage = "1 GiB"}}'
const app = await openTestApp(thisFile, { plans }, { clock })

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/

async function me(credential: string): Promise<UserBody> {
  const { status, body } = await identity<UserBody>(app, 'GET', '/auth/users/me', { as: credential })
  assert.equal(status, 200)
  assert.deepEqual([body.success, body.error], [true, null])
  return body.data
}

test('Whoever calls is told all that is known of them', async () => {
  const ada = await newPerson(app, 'ada@example.org')
  const { id, created_at, updated_at, projects, ...rest } = await me(ada.access_token)
  assert.deepEqual(rest, {
    email: 'ada@example.org',
    full_name: null,
    is_active: true,
    is_superuser: false,
    is_verified: true,
    billing: { token_balance: -1, tokens_used: 0, subscription_tier: 'default' },
  })
  assert.equal(id, ada.account.id)
  assert.match(created_at, time)
  assert.match(updated_at, time)
  const [project, ...others] = projects
  assert.deepEqual([Object.keys(project ?? {}), project?.name, others], [['id', 'name'], 'Default', []])
  assert.match(project?.id ?? '', uuid)
})

test('The fields are those of the API and stand in its order', async () => {
  const fields = 'id email full_name is_active is_superuser is_verified projects created_at updated_at billing'
  assert.deepEqual(Object.keys(await me(app.key)), fields.split(' '))
})

test('The owner is the superuser, and has no e-mail address before the set-up link was followed', async () => {
  const before = await me(app.key)
  assert.deepEqual([before.email, before.is_superuser, before.is_verified], [null, true, false])
  const token = await app.accounts.createSetUpLink(app.owner)
  await new Visitor(app).post('/app/set-up', { token, email: 'owner@example.org', password: 'correct horse' })
  const after = await me(app.key)
  assert.deepEqual([after.email, after.is_superuser, after.is_verified], ['owner@example.org', true, true])
})

test('A key is let in by either header and with the scope that it takes', async () => {
  const reader = await app.newKey({ scopes: ['user:read'] })
  assert.equal((await me(reader.text)).id, app.owner.id)
  const byHeader = await identity(app, 'GET', '/auth/users/me/', { headers: { 'x-api-key': reader.text } })
  assert.equal(byHeader.status, 200)
  const files = await app.newKey({ scopes: ['files:read', 'files:write'] })
  refused(await identity(app, 'GET', '/auth/users/me', { as: files.text }), 403, 'forbidden', /user:read/)
  const nobody = await identity(app, 'GET', '/auth/users/me')
  refused(nobody, 401, 'unauthorized', /^send an API key or an access token/)
  assert.equal(nobody.headers.get('www-authenticate'), 'Bearer')
})

test("Billing is the plan's name, the pictures made this month, and what is left of them", async () => {
  const bob = await newPerson(app, 'bob@example.org')
  const billing = async () => (await me(bob.access_token)).billing
  const plan = (name: string | null) => app.accounts.setPlan(bob.account, name, null)
  const file = await upload({ url: app.url, key: bob.access_token }, await picture(), 'a.png', 'image/png')
  const make = async (width: number): Promise<number> => {
    const response = await fetch(`${app.url}/m/${file.id}?width=${width}`)
    await response.arrayBuffer()
    return response.status
  }
  await plan('pictures')
  assert.deepEqual(await billing(), { token_balance: 3, tokens_used: 0, subscription_tier: 'pictures' })
  for (const width of [10, 20, 10]) assert.equal(await make(width), 200)
  assert.deepEqual(await billing(), { token_balance: 1, tokens_used: 2, subscription_tier: 'pictures' })
  assert.equal(await make(30), 200)
  assert.equal(await make(40), 429)
  assert.deepEqual(await billing(), { token_balance: 0, tokens_used: 3, subscription_tier: 'pictures' })
  await plan('tiny')
  assert.deepEqual(await billing(), { token_balance: 0, tokens_used: 3, subscription_tier: 'tiny' })
  await plan('large')
  assert.deepEqual(await billing(), { token_balance: -1, tokens_used: 3, subscription_tier: 'large' })
  await plan('no longer configured')
  assert.deepEqual(await billing(), { token_balance: -1, tokens_used: 3, subscription_tier: 'default' })

  await plan('tiny')
  clock.aheadMs += 32 * 86_400_000
  const key = await app.newKey({}, bob.account)
  assert.deepEqual((await me(key.text)).billing, { token_balance: 1, tokens_used: 0, subscription_tier: 'tiny' })
})

test("Through a key with a folder the pictures of the folder are told, and what is left is the whole account's", async () => {
  const dan = await newPerson(app, 'dan@example.org')
  await app.accounts.setPlan(dan.account, 'pictures', null)
  const inside = await app.newKey({ pathPrefix: 'docs/' }, dan.account)
  for (const [key, width] of [
    // Sides that no other test has had made.
    [inside.text, 61],
    [dan.access_token, 62],
  ] as const) {
    const file = await upload({ url: app.url, key }, await picture(), 'a.png', 'image/png')
    await (await fetch(`${app.url}/m/${file.id}?width=${width}`)).arrayBuffer()
  }
  const billing = async (credential: string) => (await me(credential)).billing
  assert.deepEqual(await billing(dan.access_token), { token_balance: 1, tokens_used: 2, subscription_tier: 'pictures' })
  assert.deepEqual(await billing(inside.text), { token_balance: 1, tokens_used: 1, subscription_tier: 'pictures' })
})

test('A change of the account is seen in the very next answer', async () => {
  const cleo = await newPerson(app, 'cleo@example.org')
  const before = await me(cleo.access_token)
  clock.aheadMs += 1_000
  await identity(app, 'POST', '/projects', { as: cleo.access_token, json: { name: 'Website' } })
  const projects = (await me(cleo.access_token)).projects.map((project) => project.name)
  assert.deepEqual(projects, ['Default', 'Website'])
  const patched = await fetch(`${app.url}/settings`, {
    method: 'PATCH',
    headers: { ...withKey(cleo.access_token), 'Content-Type': 'application/json' },
    body: JSON.stringify({ max_upload_size_bytes: 1_000 }),
  })
  assert.equal(patched.status, 200)
  const after = await me(cleo.access_token)
  assert.equal(after.created_at, before.created_at)
  assert.ok(after.updated_at > before.updated_at)
})

function picture(): Promise<Buffer> {
  const background = { r: 200, g: 30, b: 30 }
  return sharp({ create: { width: 100, height: 80, channels: 3, background } })
    .png()
    .toBuffer()
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import {
  faulty,
  identity,
  type KeyBody,
  newKeyIn,
  newPerson,
  type PageBody,
  type ProjectBody,
  refused,
  type UserBody,
} from '../support/identity.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
const app = await openTestApp(thisFile, {}, { clock })
const unknown = '1a42c90f-02a6-434b-b9e6-43801a9314d0'

const list = (as: string, query = '') => identity<PageBody<ProjectBody>>(app, 'GET', `/projects${query}`, { as })
const make = (as: string, name: unknown) => identity<ProjectBody>(app, 'POST', '/projects', { as, json: { name } })
const get = (as: string, id: string) => identity<ProjectBody>(app, 'GET', `/projects/${id}`, { as })
const rename = (as: string, id: string, name: unknown) =>
  identity<ProjectBody>(app, 'PATCH', `/projects/${id}`, { as, json: { name } })
const remove = (as: string, id: string) => identity<ProjectBody>(app, 'DELETE', `/projects/${id}`, { as })

async function namesOf(as: string): Promise<string[]> {
  return (await list(as)).body.data.items.map((project) => project.name)
}

/** Somebody of the test's own. */
let people = 0
const somebody = () => newPerson(app, `person-${++people}@example.org`)

test('Every account has a project, whichever way it was made', async (t) => {
  assert.deepEqual(await namesOf(app.key), ['Default'], "the owner's")
  assert.deepEqual(await namesOf((await somebody()).access_token), ['Default'])
  const open = await openTestApp(t, { 'auth.registration': 'open' })
  const registered = await fetch(`${open.url}/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: 'new@example.org', password: 'correct horse' }),
  })
  assert.equal(registered.status, 201)
  const account = await open.accounts.named('new@example.org')
  const { projects } = await open.catalogue.read.projects(account.id)
  assert.deepEqual(
    projects.map((project) => project.name),
    ['Default'],
  )
})

test('A project is made, shown, renamed and deleted', async () => {
  const { access_token: as } = await somebody()
  const made = await make(as, ' Website ')
  assert.equal(made.status, 201)
  assert.deepEqual([made.body.success, made.body.error], [true, null])
  assert.deepEqual(Object.keys(made.body.data), ['id', 'name', 'created_at', 'updated_at'])
  const { id, created_at } = made.body.data
  assert.equal(made.body.data.name, 'Website')
  assert.deepEqual((await get(as, id)).body.data, made.body.data)
  clock.aheadMs += 1_000
  const renamed = await rename(as, id.toUpperCase(), 'Küche')
  assert.deepEqual([renamed.status, renamed.body.data.name, renamed.body.data.created_at], [200, 'Küche', created_at])
  assert.ok(renamed.body.data.updated_at > created_at)
  assert.deepEqual(await namesOf(as), ['Default', 'Küche'])
  const removed = await remove(as, id)
  assert.deepEqual([removed.status, removed.body.data], [200, renamed.body.data])
  for (const answer of [await get(as, id), await rename(as, id, 'x'), await remove(as, id)]) {
    refused(answer, 404, 'project_not_found', 'there is no such project')
  }
})

test('Both forms of the path are taken', async () => {
  const { access_token: as } = await somebody()
  const made = await identity<ProjectBody>(app, 'POST', '/projects/', { as, json: { name: 'Slash' } })
  assert.equal(made.status, 201)
  assert.equal((await identity(app, 'GET', '/projects/', { as })).status, 200)
  assert.equal((await identity(app, 'GET', `/projects/${made.body.data.id}/`, { as })).status, 200)
  assert.equal((await identity(app, 'DELETE', `/projects/${made.body.data.id}/`, { as })).status, 200)
})

test('Projects are listed oldest first, in pages', async () => {
  const { access_token: as } = await somebody()
  for (let n = 1; n < 12; n++) {
    clock.aheadMs += 1_000
    await make(as, `${n}`)
  }
  const first = (await list(as)).body.data
  assert.deepEqual(
    first.items.map((project) => project.name),
    ['Default', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  )
  assert.deepEqual(first.pagination, { page: 1, limit: 10, total: 12, pages: 2 })
  const second = (await list(as, '?page=2')).body.data
  assert.deepEqual(
    second.items.map((project) => project.name),
    ['10', '11'],
  )
  assert.deepEqual((await list(as, '?limit=500')).body.data.pagination, { page: 1, limit: 100, total: 12, pages: 1 })
  faulty(await list(as, '?limit=0'), ['query', 'limit'])
  faulty(await list(as, '?page=x'), ['query', 'page'])
  const me = await identity<UserBody>(app, 'GET', '/auth/users/me', { as })
  assert.equal(me.body.data.projects.length, 12, 'who asks for themselves is told of all')
})

test('Deleting a project revokes its keys at once, and no others', async () => {
  const ada = await somebody()
  const as = ada.access_token
  const { id } = (await make(as, 'Temporary')).body.data
  const inside = await newKeyIn(app, { as, project: id })
  const outside = await newKeyIn(app, { as, project: ada.project })
  const opens = async (key: string) => (await fetch(`${app.url}/files`, { headers: withKey(key) })).status
  assert.deepEqual([await opens(inside.full_key), await opens(outside.full_key)], [200, 200])
  assert.equal((await remove(as, id)).status, 200)
  assert.deepEqual([await opens(inside.full_key), await opens(outside.full_key)], [401, 200])
  const gone = await identity<PageBody<KeyBody>>(app, 'GET', '/auth/api-keys/', { as, project: id })
  refused(gone, 404, 'project_not_found')
  const left = await identity<PageBody<KeyBody>>(app, 'GET', '/auth/api-keys/', { as, project: ada.project })
  assert.deepEqual(
    left.body.data.items.map((key) => key.id),
    [outside.id],
    'they are in no other project',
  )
})

test('The last project stays, also where two are deleted at once', async () => {
  const ada = await somebody()
  const as = ada.access_token
  refused(await remove(as, ada.project), 409, 'last_project', /last project of the account/)
  const { id } = (await make(as, 'Second')).body.data
  const answers = await Promise.all([remove(as, ada.project), remove(as, id)])
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 409])
  const names = await namesOf(as)
  assert.equal(names.length, 1)
})

test('The first project may go, too; then the oldest is where keys of other doors are made', async () => {
  const ada = await somebody()
  const as = ada.access_token
  clock.aheadMs += 1_000
  const { id } = (await make(as, 'Second')).body.data
  await make(as, 'Third')
  assert.equal((await remove(as, ada.project)).status, 200)
  const response = await fetch(`${app.url}/auth/api-keys`, {
    method: 'POST',
    headers: { ...withKey(as), 'Content-Type': 'application/json' },
    body: '{}',
  })
  const made = (await response.json()) as { id: string }
  assert.equal((await app.catalogue.read.key(made.id))?.projectId, id)
})

test("Somebody else's project is not there, and a malformed id is told with its place", async () => {
  const [{ access_token: as }, other] = [await somebody(), await somebody()]
  const calls = [get, remove, (who: string, id: string) => rename(who, id, 'mine')]
  for (const call of calls) {
    refused(await call(as, other.project), 404, 'project_not_found')
    refused(await call(as, unknown), 404, 'project_not_found')
    faulty(await call(as, 'text'), ['path', 'id'], 'uuid_error')
  }
  assert.deepEqual(await namesOf(other.access_token), ['Default'])
})

test('A name is 1 to 255 bytes without control characters', async () => {
  const { access_token: as, project } = await somebody()
  for (const name of ['', '  ', 'x'.repeat(256), 'é'.repeat(128), 'a\u0000b', 'a\nb']) {
    faulty(await make(as, name), ['body', 'name'], 'value_error')
    faulty(await rename(as, project, name), ['body', 'name'], 'value_error')
  }
  faulty(await make(as, undefined), ['body', 'name'], 'missing')
  faulty(await make(as, null), ['body', 'name'], 'invalid_type_error')
  for (const name of ['x', 'x'.repeat(255), 'Default']) assert.equal((await make(as, name)).status, 201)
})

test('Of keys, those with user:read see projects, and those without scopes change them', async () => {
  const { account, project } = await somebody()
  const reader = await app.newKey({ kind: 'sk', scopes: ['user:read'] }, account)
  assert.deepEqual(await namesOf(reader.text), ['Default'])
  assert.equal((await get(reader.text, project)).status, 200)
  for (const answer of [
    await make(reader.text, 'x'),
    await rename(reader.text, project, 'x'),
    await remove(reader.text, project),
  ]) {
    refused(answer, 403, 'forbidden', 'this asks for a log-in or a key without scopes')
  }
  const files = await app.newKey({ kind: 'sk', scopes: ['files:read', 'files:write'] }, account)
  refused(await list(files.text), 403, 'forbidden', /user:read/)
  refused(await get(files.text, project), 403, 'forbidden', /user:read/)
  const full = await app.newKey({ kind: 'sk' }, account)
  const { id } = (await make(full.text, 'By a key')).body.data
  assert.equal((await rename(full.text, id, 'Still by a key')).status, 200)
  assert.equal((await remove(full.text, id)).status, 200)
})

test('A key with a folder or an end deletes no project: keys that reach further would go with it', async () => {
  const { account, access_token: as } = await somebody()
  const { id } = (await make(as, 'Second')).body.data
  const wider = await newKeyIn(app, { as, project: id })
  for (const bounds of [{ pathPrefix: 'docs/' }, { expiresAt: clock.now() + 86_400_000 }]) {
    const { text } = await app.newKey({ kind: 'sk', ...bounds }, account)
    refused(await remove(text, id), 403, 'forbidden')
  }
  assert.equal((await app.catalogue.read.key(wider.id))?.revokedAt, null)
})

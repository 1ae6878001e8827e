import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { faulty, identity, type KeyBody, newKeyIn, newPerson, type PageBody, refused } from '../support/identity.ts'
import { rawRequest } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'

const clock = new MovingClock()
const app = await openTestApp(thisFile, {}, { clock })
const ada = await newPerson(app, 'ada@example.org')
const eve = await newPerson(app, 'eve@example.org')
const hers = { as: ada.access_token, project: ada.project }

const dayMs = 86_400_000
const unknown = '63f188cc-77d4-493a-9ce2-164471d9ac29'
const everything = ['files:read', 'files:write', 'user:read']

interface Deactivated {
  id: string
  is_active: boolean
  deactivated_at: string
}

const list = (query = '', who = hers) => identity<PageBody<KeyBody>>(app, 'GET', `/auth/api-keys/${query}`, who)
const make = (json: unknown, who = hers) => identity<KeyBody>(app, 'POST', '/auth/api-keys/', { ...who, json })
const deactivate = (id: string, who = hers) => identity<Deactivated>(app, 'DELETE', `/auth/api-keys/${id}`, who)

/** Whether a key opens anything. */
const opens = async (key: string): Promise<boolean> =>
  (await fetch(`${app.url}/files`, { headers: withKey(key) })).status === 200

test('A key is shown whole when it is made, and never again', async () => {
  const { status, body } = await make({ name: 'test', expires_in_days: null, scopes: null })
  assert.equal(status, 201)
  assert.deepEqual([body.success, body.error], [true, null])
  const { id, created_at, full_key, ...rest } = body.data
  assert.match(full_key ?? '', /^sk_[0-9A-Za-z]{36}$/)
  assert.deepEqual(rest, {
    prefix: full_key?.slice(0, 7),
    name: 'test',
    scopes: everything,
    last_used_at: null,
    expires_at: null,
    is_active: true,
    updated_at: created_at,
  })
  const fields = 'id prefix name full_key scopes last_used_at expires_at is_active created_at updated_at'
  assert.deepEqual(Object.keys(body.data), fields.split(' '))
  const listed = (await list()).body.data.items.find((key) => key.id === id)
  assert.deepEqual(listed, { ...body.data, full_key: null })
})

test('The routes answer with and without a slash at the end', async () => {
  for (const path of ['/auth/api-keys', '/auth/api-keys/']) {
    const made = await identity<KeyBody>(app, 'POST', path, { ...hers, json: { name: path } })
    assert.equal(made.status, 201, path)
    const listed = await identity<PageBody<KeyBody>>(app, 'GET', path, hers)
    assert.equal(listed.status, 200, path)
    assert.equal(listed.body.data.items[0]?.id, made.body.data.id)
    const deletion = path.replace('keys', `keys/${made.body.data.id}`)
    assert.equal((await identity(app, 'DELETE', deletion, hers)).status, 200, deletion)
  }
  const head = await identity(app, 'HEAD', '/auth/api-keys/', hers)
  assert.deepEqual([head.status, head.text], [200, ''])
})

test('A key opens what its scopes name, at every door', async () => {
  const reader = await newKeyIn(app, hers, { scopes: ['files:read'] })
  assert.deepEqual(reader.scopes, ['files:read'])
  const statusOf = async (path: string) => (await fetch(app.url + path, { headers: withKey(reader.full_key) })).status
  assert.deepEqual(await Promise.all(['/files', '/api/v1/files', '/profile'].map(statusOf)), [200, 200, 403])
  const twice = await newKeyIn(app, hers, { scopes: ['user:read', 'user:read'] })
  assert.deepEqual(twice.scopes, ['user:read'])
})

test('A key expires after as many days as were asked for', async () => {
  const livesFor = (key: KeyBody, days: number): boolean => {
    const life = Date.parse(key.expires_at ?? '') - Date.parse(key.created_at)
    return Math.abs(life - days * dayMs) < 1_000
  }
  assert.ok(livesFor(await newKeyIn(app, hers, { expires_in_days: 3_650 }), 3_650))
  const short = await newKeyIn(app, hers, { expires_in_days: 1 })
  assert.ok(livesFor(short, 1))
  assert.ok(await opens(short.full_key))
  clock.aheadMs += dayMs
  assert.equal(await opens(short.full_key), false)
  clock.aheadMs -= dayMs
})

test('When a key was used last stands in the list', async () => {
  const key = await newKeyIn(app, hers)
  const usedAt = async () => {
    await app.activityKept()
    return (await list('?limit=100')).body.data.items.find((one) => one.id === key.id)?.last_used_at
  }
  assert.equal(await usedAt(), null)
  await opens(key.full_key)
  const at = Date.parse((await usedAt()) ?? '')
  assert.ok(Math.abs(at - clock.now()) < 5_000)
})

test('A deactivated key opens nothing from then on, and once more is the same answer', async () => {
  const key = await newKeyIn(app, hers)
  assert.ok(await opens(key.full_key))
  const first = await deactivate(key.id)
  assert.equal(first.status, 200)
  assert.deepEqual(Object.keys(first.body.data), ['id', 'is_active', 'deactivated_at'])
  assert.deepEqual([first.body.data.id, first.body.data.is_active], [key.id, false])
  assert.equal(await opens(key.full_key), false)
  clock.aheadMs += 1_000
  const again = await deactivate(key.id.toUpperCase())
  assert.deepEqual([again.status, again.body], [200, first.body])
  const listed = (await list()).body.data.items.find((one) => one.id === key.id)
  assert.deepEqual([listed?.is_active, listed?.updated_at], [false, first.body.data.deactivated_at])
})

test('The list is of one project, newest first, with the keys that are deactivated or have expired', async () => {
  const { body } = await identity<{ id: string }>(app, 'POST', '/projects', { ...hers, json: { name: 'Listed' } })
  const there = { ...hers, project: body.data.id }
  const made = []
  for (const name of ['first', 'second', 'third']) {
    made.push(await newKeyIn(app, there, { name, ...(name === 'second' && { expires_in_days: 1 }) }))
    clock.aheadMs += 1_000
  }
  await deactivate(made[0]?.id ?? '', there)
  clock.aheadMs += dayMs
  // Her token has ended by now.
  const key = await app.newKey({}, ada.account)
  const { items, pagination } = (await list('', { ...there, as: key.text })).body.data
  assert.deepEqual(
    items.map((key) => [key.name, key.is_active]),
    [
      ['third', true],
      ['second', false],
      ['first', false],
    ],
  )
  assert.deepEqual(pagination, { page: 1, limit: 10, total: 3, pages: 1 })
  clock.aheadMs -= dayMs
  refused(await deactivate(made[2]?.id ?? ''), 404, 'not_found', 'there is no such key')
  assert.ok(await opens(made[2]?.full_key ?? ''), "a key is deactivated by its own project's name alone")
})

test('Pages are counted from one and hold ten keys, or as many as are asked for, up to a hundred', async () => {
  const { body } = await identity<{ id: string }>(app, 'POST', '/projects', { ...hers, json: { name: 'Many' } })
  const there = { ...hers, project: body.data.id }
  const pageOf = async (query: string) => (await list(query, there)).body.data
  assert.deepEqual(await pageOf(''), { items: [], pagination: { page: 1, limit: 10, total: 0, pages: 0 } })
  await Promise.all(Array.from({ length: 105 }, (_, n) => newKeyIn(app, there, { name: `${n}` })))
  assert.deepEqual((await pageOf('')).pagination, { page: 1, limit: 10, total: 105, pages: 11 })
  const large = await pageOf('?limit=101')
  assert.deepEqual(large.pagination, { page: 1, limit: 100, total: 105, pages: 2 })
  assert.equal(large.items.length, 100)
  const last = await pageOf('?page=2&limit=1000000')
  assert.deepEqual([last.items.length, last.pagination.limit], [5, 100])
  const seen = [...large.items, ...last.items].map((key) => key.id)
  assert.equal(new Set(seen).size, 105)
  const beyond = await pageOf('?page=99')
  assert.deepEqual(beyond, { items: [], pagination: { page: 99, limit: 10, total: 105, pages: 11 } })
  assert.deepEqual((await pageOf('?limit=5&page=21')).pagination, { page: 21, limit: 5, total: 105, pages: 21 })
})

test('A page or a limit that is no whole number from one on is told where it stands', async () => {
  for (const name of ['page', 'limit']) {
    for (const value of ['0', '-1', '1.5', 'ten', '', '1e2', '0x10', ' 1', '9999999999999999']) {
      faulty(await list(`?${name}=${encodeURIComponent(value)}`), ['query', name], 'value_error')
    }
  }
  const both = await list('?page=0&limit=0')
  assert.deepEqual(
    [both.status, both.body.detail.map((fault) => fault.loc.join('.'))],
    [422, ['query.page', 'query.limit']],
  )
})

test('Without a project, or with one that is no UUID, the header is told to be at fault', async () => {
  const as = ada.access_token
  const { full_key: key, id } = await newKeyIn(app, hers)
  const calls = [
    (project?: string) => identity(app, 'GET', '/auth/api-keys/', { as, ...(project !== undefined && { project }) }),
    (project?: string) =>
      identity(app, 'POST', '/auth/api-keys/', { as, ...(project !== undefined && { project }), json: { name: '' } }),
    (project?: string) =>
      identity(app, 'DELETE', `/auth/api-keys/${id}`, { as, ...(project !== undefined && { project }) }),
  ]
  for (const call of calls) {
    faulty(await call(), ['header', 'x-project-id'], 'missing')
    for (const project of ['', 'text', ada.project.slice(1), `${ada.project}0`, `${ada.project}, ${ada.project}`]) {
      faulty(await call(project), ['header', 'x-project-id'], 'uuid_error')
    }
    refused(await call(unknown), 404, 'project_not_found', 'there is no such project')
    refused(await call(eve.project), 404, 'project_not_found', 'there is no such project')
  }
  assert.ok(await opens(key))
  assert.equal((await list('', { ...hers, project: ada.project.toUpperCase() })).status, 200)
})

test('A key that is malformed, unknown or of somebody else is not there', async () => {
  const key = await newKeyIn(app, { as: eve.access_token, project: eve.project })
  for (const id of ['text', '1', key.id.slice(1), `${key.id}0`]) {
    faulty(await deactivate(id), ['path', 'key_id'], 'uuid_error')
  }
  refused(await deactivate(unknown), 404, 'not_found', 'there is no such key')
  refused(await deactivate(key.id), 404, 'not_found', 'there is no such key')
  assert.ok(await opens(key.full_key))
})

test('A wish that cannot be fulfilled is told with the place that is at fault', async () => {
  const before = (await list('?limit=100')).body.data.pagination.total
  const faults: [unknown, (string | number)[], string][] = [
    [{}, ['body', 'name'], 'missing'],
    [{ name: null }, ['body', 'name'], 'invalid_type_error'],
    [{ name: 5 }, ['body', 'name'], 'invalid_type_error'],
    [{ name: 'x'.repeat(256) }, ['body', 'name'], 'value_error'],
    [{ name: 'a\nb' }, ['body', 'name'], 'value_error'],
    [{ name: 'x', expires_in_days: 0 }, ['body', 'expires_in_days'], 'too_small_error'],
    [{ name: 'x', expires_in_days: -1 }, ['body', 'expires_in_days'], 'too_small_error'],
    [{ name: 'x', expires_in_days: 3_651 }, ['body', 'expires_in_days'], 'too_big_error'],
    [{ name: 'x', expires_in_days: 1.5 }, ['body', 'expires_in_days'], 'invalid_type_error'],
    [{ name: 'x', expires_in_days: '1' }, ['body', 'expires_in_days'], 'invalid_type_error'],
    [{ name: 'x', scopes: [] }, ['body', 'scopes'], 'too_small_error'],
    [{ name: 'x', scopes: 'files:read' }, ['body', 'scopes'], 'invalid_type_error'],
    [{ name: 'x', scopes: ['files:read', 5] }, ['body', 'scopes', 1], 'invalid_type_error'],
    [{ name: 'x', scopes: ['files:read', 'admin'] }, ['body', 'scopes', 1], 'value_error'],
    [{ name: 'x', scopes: ['FILES:READ'] }, ['body', 'scopes', 0], 'value_error'],
    [[], ['body'], 'invalid_type_error'],
    ['name', ['body'], 'invalid_type_error'],
    [null, ['body'], 'invalid_type_error'],
  ]
  for (const [wish, loc, type] of faults) faulty(await make(wish), loc, type)
  assert.equal((await list('?limit=100')).body.data.pagination.total, before)
})

test('A name may be empty, is trimmed, and may be written in any script', async () => {
  for (const [sent, kept] of [
    ['', ''],
    ['  ', ''],
    [' Küche 🍳 ', 'Küche 🍳'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ] as const) {
    assert.equal((await newKeyIn(app, hers, { name: sent })).name, kept)
  }
})

test('A list takes a body, as some clients send one, and does not look at it', async () => {
  // By hand, since fetch sends none with a GET.
  const headers = {
    Authorization: `Bearer ${ada.access_token}`,
    'x-project-id': ada.project,
    'Content-Type': 'application/json',
  }
  for (const body of ['{}', '{"page": 0}', 'no JSON']) {
    const { status } = await rawRequest(app.url, 'GET', '/identity/auth/api-keys/', headers, body)
    assert.equal(status, 200, body)
  }
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import sharp from 'sharp'
import { activityMigrations, catalogueMigrations } from '../../src/catalogue/migrate.ts'
import type { Expected, ExpectedStorage } from '../fixtures/expected.ts'
import { aether } from '../support/aether.ts'
import { formWith, withKey } from '../support/app.ts'
import { call } from '../support/call.ts'
import { Visitor } from '../support/dashboard.ts'
import { type RunningServer, runLarder, startServer } from '../support/process.ts'
import { until } from '../support/state.ts'
import { asIfKeptNow, type Fixture, fixtureNames, unpack } from './unpack.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

type App = { readonly url: string; readonly key: string }

for (const name of fixtureNames) {
  test(`What a Larder of the format ${name} left opens: files, keys, people, counters, and all goes on`, async (t) => {
    const fixture = await unpack(t, name)
    const { dir, expected } = fixture
    // The logs of one that was killed are left to the server.
    if (!expected.killed) asIfKeptNow(fixture)
    const server = await startServer(t, dir)
    const app = { url: server.url, key: expected.key }
    await filesComeBack(app, expected)
    await keysOpen(app, expected)
    await peopleSignIn(app, expected)
    if (!expected.killed) await sessionsGoOn(app, expected)
    if (expected.storage) await storageGoesOn(app, expected.storage)
    await workGoesOn(app, expected)
    await copiesWereKept(fixture, server)
    assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
    const { code, stdout, stderr } = await runLarder(['fsck', '--read-data', '--data-dir', dir])
    assert.equal(code, 0, stdout + stderr)
  })
}

async function filesComeBack(app: App, { files, gone, stats }: Expected): Promise<void> {
  for (const { id, name, size, sha256: hash, isPublic } of files) {
    const open = await fetch(`${app.url}/m/${id}`)
    const bytes = Buffer.from(await open.arrayBuffer())
    if (isPublic) assert.deepEqual([open.status, bytes.length, sha256(bytes)], [200, size, hash], name)
    else assert.equal(open.status, 404, name)
    const { body } = await aether(app, 'GET', `/files/${id}`)
    assert.deepEqual([body.file.name, body.file.size], [name, size])
    const { bytes: downloaded } = await aether(app, 'GET', `/files/${id}/download`)
    assert.equal(sha256(downloaded), hash, name)
  }
  for (const id of gone) assert.equal((await aether(app, 'GET', `/files/${id}`)).status, 404)
  const counted = (await aether(app, 'GET', '/user/stats')).body.stats
  const { totalFiles, totalSize, totalFolders } = counted
  assert.deepEqual({ totalFiles, totalSize, totalFolders }, stats)
}

async function keysOpen(app: App, { keys }: Expected): Promise<void> {
  const statuses = keys.map(async ({ text }) => (await aether(app, 'GET', '/files', { key: text })).status)
  assert.deepEqual(
    await Promise.all(statuses),
    keys.map(({ status }) => status),
  )
}

async function peopleSignIn(app: App, { people }: Expected): Promise<void> {
  for (const { email, password } of people) {
    const visitor = new Visitor(app)
    assert.equal((await visitor.post('/app/sign-in', { email, password })).status, 303, email)
    assert.ok((await (await visitor.get('/app/')).text()).includes(email))
  }
}

async function sessionsGoOn(app: App, { people, refreshToken, project, key }: Expected): Promise<void> {
  for (const { session, email } of people) {
    const visitor = new Visitor(app)
    visitor.session = session
    assert.equal((await visitor.get('/app/')).status, 200, email)
  }
  if (refreshToken !== undefined) {
    const json = { refresh_token: refreshToken }
    assert.equal((await call(`${app.url}/auth/refresh`, 'POST', { key: null, json })).status, 200)
  }
  if (project !== undefined) {
    const { body } = await call<{ data: { name: string } }>(`${app.url}/identity/projects/${project.id}`, 'GET', {
      key,
    })
    assert.equal(body.data.name, project.name)
  }
}

async function storageGoesOn(app: App, { events, share, request, upload }: ExpectedStorage): Promise<void> {
  const storage = <B>(method: string, path: string, json?: unknown) =>
    call<B>(`${app.url}/storage${path}`, method, { key: app.key, json })
  const log = await storage<{ events: ExpectedStorage['events'] }>('GET', '/files/log?since_tx=0')
  assert.deepEqual(
    log.body.events.map(({ tx, action, path }) => ({ tx, action, path })),
    events,
  )
  const Authorization = `Basic ${Buffer.from(`x:${share.password}`).toString('base64')}`
  const shared = await fetch(`${app.url}/storage/s/${share.token}`, { headers: { Authorization } })
  assert.equal(sha256(new Uint8Array(await shared.arrayBuffer())), share.sha256)
  assert.equal((await fetch(`${app.url}/storage/r/${request}`)).status, 200)
  const { path, id } = upload
  const begun = await storage<{ upload_id: string; part_urls: string[] }>('POST', '/files/uploads/multipart', {
    path,
    part_count: 2,
  })
  assert.equal(begun.body.upload_id, id, 'the upload is the one that was begun')
  const sent = await fetch(begun.body.part_urls[1] ?? '', { method: 'PUT', body: Buffer.from(upload.rest) })
  const etags = [upload.etag, sent.headers.get('etag')]
  const parts = etags.map((etag, n) => ({ part_number: n + 1, etag }))
  assert.equal((await storage('POST', '/files/uploads/multipart/complete', { path, upload_id: id, parts })).status, 200)
  const whole = await fetch(`${app.url}/storage/files/${path}`, { headers: withKey(app.key) })
  assert.equal(sha256(new Uint8Array(await whole.arrayBuffer())), upload.sha256)
}

async function workGoesOn(app: App, { picture }: Expected): Promise<void> {
  const form = formWith('after the update', 'new.txt')
  const { status, body } = await aether(app, 'POST', '/files/upload', { form })
  assert.equal(status, 201)
  assert.equal(await (await fetch(`${app.url}/m/${body.file.id}`)).text(), 'after the update')
  const variant = await fetch(`${app.url}/m/${picture}?w=50&f=webp`)
  assert.equal(variant.status, 200)
  assert.equal((await sharp(Buffer.from(await variant.arrayBuffer())).metadata()).width, 50)
}

/** Before a database is changed, what it was is put aside: whole, and for nobody else's eyes. */
async function copiesWereKept({ dir, expected }: Fixture, server: RunningServer): Promise<void> {
  const next = (migrations: object, last: string) => Object.keys(migrations).find((name) => name > last)
  const awaited = [
    ['catalogue', next(catalogueMigrations, expected.ends.catalogue)],
    ['activity', next(activityMigrations, expected.ends.activity)],
  ].filter(([, migration]) => migration !== undefined)
  const folder = join(dir, 'backups')
  const names = await readdir(folder).catch(() => [])
  assert.equal(names.length, awaited.length, names.join())
  for (const [database, migration] of awaited) {
    const copy = names.find((one) => one.startsWith(`${database}-before-${migration}-`)) ?? ''
    await until('the log to tell where it lies', () => server.output().includes(join(folder, copy)))
    assert.equal((await stat(join(folder, copy))).mode & 0o777, 0o600)
    const raw = new Database(join(folder, copy), { readonly: true })
    const [last] = raw.prepare('SELECT max(name) FROM kysely_migration').pluck().all()
    raw.close()
    assert.equal(last, expected.ends[database as 'catalogue' | 'activity'])
  }
}

test('Of each format that was ever released a data folder is kept, and of one whose server was killed', async (t) => {
  const kept = await Promise.all(fixtureNames.map((name) => unpack(t, name)))
  const ends = kept.flatMap(({ expected }) => [expected.ends.catalogue, expected.ends.activity])
  const all = [...Object.keys(catalogueMigrations), ...Object.keys(activityMigrations)]
  const missing = all.filter((name) => !ends.includes(name))
  assert.deepEqual(missing, [], 'node scripts/make-fixture.ts makes one of the present format')
  assert.ok(kept.some(({ expected }) => expected.killed))
  for (const { dir, expected } of kept.filter((one) => one.expected.killed))
    assert.ok((await readFile(join(dir, 'catalogue.db-wal'))).length > 0, expected.madeBy)
})

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { prepareFolder } from '../../src/blobs/layout.ts'
import { activityFile, catalogueFile, openActivityWriter, openWriter } from '../../src/catalogue/connection.ts'
import { openCatalogue } from '../../src/catalogue/index.ts'
import { type AnyConnection, catalogueMigrations, type Migrations, migrateWithin } from '../../src/catalogue/migrate.ts'
import * as firstActivity from '../../src/catalogue/migrations/0001-activity.ts'
import * as firstCatalogue from '../../src/catalogue/migrations/0001-catalogue.ts'
import * as secondCatalogue from '../../src/catalogue/migrations/0002-accounts.ts'
import { lastSegment, parentPath } from '../../src/core/paths.ts'
import { newKey, newToken, secretDigest } from '../../src/core/secrets.ts'
import { openTestApp, temporaryFolder, withKey } from '../support/app.ts'
import { openTestCatalogue } from '../support/catalogue.ts'
import { Visitor } from '../support/dashboard.ts'
import { identity, type KeyBody, type PageBody } from '../support/identity.ts'
import { runLarder } from '../support/process.ts'

const dayMs = 86_400_000
const began = Date.now() - 10 * dayMs

const people = [
  { id: '11111111-1111-4111-8111-111111111111', email: null, owner: 1, disabled: null },
  { id: '22222222-2222-4222-8222-222222222222', email: 'ada@example.org', owner: 0, disabled: null },
  { id: '33333333-3333-4333-8333-333333333333', email: 'gone@example.org', owner: 0, disabled: began },
] as const
const [owner, ada, gone] = people

const keyTexts = [newKey('ak'), newKey('ak'), newKey('ak'), newKey('ak')] as const
/** Of the owner, two of hers of which the second is revoked, and of the disabled account. */
const keys = [
  { id: 'a0000000-0000-4000-8000-000000000001', account: owner.id, revoked: null },
  { id: 'a0000000-0000-4000-8000-000000000002', account: ada.id, revoked: null },
  { id: 'a0000000-0000-4000-8000-000000000003', account: ada.id, revoked: began },
  { id: 'a0000000-0000-4000-8000-000000000004', account: gone.id, revoked: null },
] as const
const cookie = newToken()
const setUpLink = newToken()

async function migrate(connection: AnyConnection, migrations: Migrations): Promise<void> {
  connection.raw.exec('BEGIN IMMEDIATE')
  await migrateWithin(connection, migrations)
}

/** The first released tables, with what a Larder of that time would have written into them. */
async function firstRelease(folder: string): Promise<void> {
  const catalogue = openWriter(folder)
  await migrate(catalogue, { '0001-catalogue': firstCatalogue })
  fillCatalogue(catalogue.raw)
  catalogue.raw.close()
  const activity = openActivityWriter(folder)
  await migrate(activity, { '0001-activity': firstActivity })
  fillActivity(activity.raw)
  activity.raw.close()
}

function fillCatalogue(raw: Database.Database): void {
  const account = raw.prepare('INSERT INTO accounts VALUES (?, ?, NULL, ?, ?, ?, ?, ?)')
  const root = raw.prepare(
    `INSERT INTO entries (id, account_id, parent, segment, name, file, is_public, description, tags, created_at, updated_at)
     VALUES (?, ?, NULL, '', '', NULL, 0, '', '[]', ?, ?)`,
  )
  people.forEach(({ id, email, owner: isOwner, disabled }, n) => {
    account.run(id, email, isOwner, email === null ? null : began, disabled, began + n, began + n)
    root.run(`root-${n}`, id, began, began)
  })
  const key = raw.prepare("INSERT INTO keys VALUES (?, ?, 'ak', ?, ?, 'old', NULL, NULL, ?, NULL, ?)")
  keys.forEach(({ id, account: accountId, revoked }, n) => {
    const text = keyTexts[n] ?? ''
    key.run(id, accountId, text.slice(0, 7), secretDigest(text), began + n, revoked)
  })
  const expiresAt = Date.now() + 7 * dayMs
  raw.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?, ?)').run('s', ada.id, secretDigest(cookie), began, expiresAt)
  raw
    .prepare("INSERT INTO links VALUES ('l', ?, 'set-up', ?, ?, ?, NULL)")
    .run(owner.id, secretDigest(setUpLink), began, expiresAt)
}

/** Five requests of hers, two of the disabled account's and none of the owner's; what was sent in a month. */
function fillActivity(raw: Database.Database): void {
  const request = raw.prepare(
    `INSERT INTO requests (id, account_id, key_id, method, path, status, request_bytes, duration_ms, user_agent, created_at)
     VALUES (?, ?, ?, 'GET', '/api/v1/files', 200, NULL, 1.5, NULL, ?)`,
  )
  for (let n = 0; n < 5; n++) request.run(`hers-${n}`, ada.id, keys[1].id, began + n)
  for (let n = 0; n < 2; n++) request.run(`his-${n}`, gone.id, keys[3].id, began + n)
  raw.prepare("INSERT INTO usage VALUES (?, '2026-05', 1000, 3, 2)").run(ada.id)
  raw.prepare("INSERT INTO file_usage VALUES ('AAAAAAAAAAAAAAAA', '2026-05', 1000)").run()
}

function rowsOf(file: string, query: string): unknown[] {
  const raw = new Database(file, { readonly: true })
  try {
    return raw.prepare(query).raw().all()
  } finally {
    raw.close()
  }
}

test('After an update every account has a project, and every key is in one of its own account', async (t) => {
  const folder = await temporaryFolder(t)
  await firstRelease(folder)
  const { catalogue } = await openTestCatalogue(t, folder)
  for (const { id } of people) {
    const { projects, total } = await catalogue.read.projects(id)
    assert.equal(total, 1)
    const account = await catalogue.read.account(id)
    assert.deepEqual([projects[0]?.name, projects[0]?.createdAt], ['Default', account?.createdAt])
    const mine = await catalogue.read.keys({ accountId: id, withRevoked: true })
    assert.deepEqual(
      mine.keys.map((key) => key.id).sort(),
      keys.filter((key) => key.account === id).map((key) => key.id),
    )
    for (const key of mine.keys) assert.equal(key.projectId, projects[0]?.id)
  }
  assert.deepEqual(await catalogue.audit.integrity(), [])
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('After an update accounts are what they were, without a plan and without settings', async (t) => {
  const folder = await temporaryFolder(t)
  await firstRelease(folder)
  const { catalogue } = await openTestCatalogue(t, folder)
  assert.deepEqual(await catalogue.read.account(gone.id), {
    id: gone.id,
    email: 'gone@example.org',
    isOwner: false,
    verifiedAt: began,
    disabledAt: began,
    hasPassword: false,
    createdAt: began + 2,
    updatedAt: began + 2,
    plan: null,
    planSince: null,
    accessUntil: null,
    publicUrlBase: null,
    maxUploadBytes: null,
    actor: null,
    actorType: null,
  })
})

test('After an update requests are counted as many as there are, and what was sent stays', async (t) => {
  const folder = await temporaryFolder(t)
  await firstRelease(folder)
  const { catalogue } = await openTestCatalogue(t, folder)
  const totals = await Promise.all(
    people.map(async ({ id }) => {
      const { requests, total } = await catalogue.read.requests(id, { limit: 100, offset: 0 })
      return [requests.length, total]
    }),
  )
  assert.deepEqual(totals, [
    [0, 0],
    [5, 5],
    [2, 2],
  ])
  assert.deepEqual(await catalogue.read.usage(ada.id, '2026-05'), { bytesSent: 1_000, originReads: 3, imageOps: 2 })
  assert.deepEqual(rowsOf(activityFile(folder), 'SELECT * FROM file_usage'), [
    ['AAAAAAAAAAAAAAAA', '2026-05', 1_000, 0, 0],
  ])
})

test('After an update keys, log-ins and links from before open what they opened', async (t) => {
  const folder = await temporaryFolder(t)
  await firstRelease(folder)
  const app = await openTestApp(t, { 'data.dir': folder })
  assert.equal(app.firstSecrets, undefined, 'it is no first start')
  const statusOf = async (key: string) => (await fetch(`${app.url}/api/v1/files`, { headers: withKey(key) })).status
  assert.deepEqual(await Promise.all(keyTexts.map(statusOf)), [200, 200, 401, 403])

  const visitor = new Visitor(app)
  visitor.session = cookie
  const page = await visitor.get('/app/')
  assert.equal(page.status, 200)
  assert.match(await page.text(), /ada@example\.org/)
  assert.equal(
    (await fetch(`${app.url}/files`, { headers: withKey(cookie) })).status,
    401,
    'a cookie opens pages alone',
  )
  const renewed = await fetch(`${app.url}/auth/refresh`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ refresh_token: cookie }),
  })
  assert.equal(renewed.status, 401, 'nor is it a refresh token')

  const form = { token: setUpLink, email: 'owner@example.org', password: 'correct horse' }
  assert.equal((await new Visitor(app).post('/app/set-up', form)).status, 303)

  const as = keyTexts[1]
  const me = await identity<{ projects: { id: string }[] }>(app, 'GET', '/auth/users/me', { as })
  const project = me.body.data.projects[0]?.id ?? ''
  const listed = await identity<PageBody<KeyBody>>(app, 'GET', '/auth/api-keys/', { as, project })
  assert.deepEqual(
    listed.body.data.items.map((key) => [key.id, key.is_active]),
    [
      [keys[2].id, false],
      [keys[1].id, true],
    ],
  )
})

type Place = readonly [path: string, account: string, size?: number]

/** The tables of the second release with these trees, in this order: folders with all their sums, and files of some size. */
async function secondRelease(folder: string, places: readonly Place[], deleted: string): Promise<void> {
  const writer = openWriter(folder)
  const { '0001-catalogue': first, '0002-accounts': second } = catalogueMigrations
  await migrate(writer, { '0001-catalogue': firstCatalogue })
  fillCatalogue(writer.raw)
  await migrate(writer, { '0001-catalogue': first, '0002-accounts': second } as typeof catalogueMigrations)
  const { raw } = writer
  const seqs = new Map<string, number | bigint>()
  for (const { id } of people)
    seqs.set(
      `${id} `,
      raw.prepare("SELECT seq FROM entries WHERE account_id = ? AND segment = ''").pluck().get(id) as number,
    )
  places.forEach(([path, account, size], n) => {
    const parent = seqs.get(`${account} ${parentPath(path)}`)
    const content = size === undefined ? null : oldFile(raw, account, size)
    const name = lastSegment(path)
    const { lastInsertRowid } = raw
      .prepare(
        `INSERT INTO entries (id, account_id, parent, segment, name, file, is_public, description, tags, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, 0, '', '[]', ?, 1)`,
      )
      .run(`entry ${n}`, account, parent, name, name, content, began + n)
    seqs.set(`${account} ${path}`, lastInsertRowid)
  })
  const seq = seqs.get(`${ada.id} ${deleted}`)
  raw.prepare('UPDATE entries SET parent = NULL, segment = NULL WHERE seq = ?').run(seq)
  raw.prepare('INSERT INTO detached VALUES (?)').run(seq)
  raw.exec(sums)
  raw.close()
}

function oldFile(raw: Database.Database, account: string, size: number): number | bigint {
  const digest = `${size}`.padStart(64, '0')
  raw
    .prepare(`INSERT INTO blobs VALUES (?, ?, 'live', 1, NULL) ON CONFLICT DO UPDATE SET names = names + 1`)
    .run(digest, size)
  const id = randomUUID()
  return raw
    .prepare(
      `INSERT INTO files (id, file_id, account_id, digest, size, content_type, created_at) VALUES (?, ?, ?, ?, ?, 'x', 1)`,
    )
    .run(id, id, account, digest, size).lastInsertRowid
}

const sums = `
  UPDATE entries SET (files_in, folders_in) = (
    SELECT count(c.file), count(*) - count(c.file) FROM entries c WHERE c.parent = entries.seq) WHERE file IS NULL;
  UPDATE entries SET (files_below, folders_below, bytes_below) = (
    WITH RECURSIVE below(seq, file) AS (
      SELECT seq, file FROM entries c WHERE c.parent = entries.seq
      UNION ALL SELECT c.seq, c.file FROM entries c JOIN below b ON c.parent = b.seq)
    SELECT count(b.file), count(*) - count(b.file), coalesce(sum(f.size), 0) FROM below b LEFT JOIN files f ON f.seq = b.file)
  WHERE file IS NULL`

test('After an update the history begins with what there is, and all of it is found by its words', async (t) => {
  const folder = await temporaryFolder(t)
  const places: Place[] = [
    ['b.txt', ada.id, 1],
    ['photos/', ada.id],
    ['photos/Été/', ada.id],
    ['photos/Été/c.jpg', ada.id, 2],
    ['a/', ada.id],
    ['gone/', ada.id],
    ['gone/d', ada.id, 3],
    ['x/', gone.id],
    ['x/y', gone.id, 2],
  ]
  await secondRelease(folder, places, 'gone/')
  const { catalogue } = await openTestCatalogue(t, folder)
  const told = async (accountId: string, path?: string) =>
    (await catalogue.read.history({ accountId, path, since: 0, limit: 100 })).map(
      ({ tx, action, path, size, at }) => `${tx} ${action} ${path} ${size ?? ''} ${at - began}`,
    )
  const hers = [
    '1 mkdir photos/  1',
    '2 mkdir a/  4',
    '3 mkdir photos/Été/  2',
    '4 put b.txt 1 0',
    '5 put photos/Été/c.jpg 2 3',
  ]
  assert.deepEqual(await told(ada.id), hers)
  assert.deepEqual(await told(ada.id, 'photos/'), [hers[0], hers[2], hers[4]])
  assert.deepEqual(await told(gone.id), ['1 mkdir x/  7', '2 put x/y 2 8'])
  assert.deepEqual(await told(owner.id), [])
  const there = await catalogue.read.entryAt(ada.id, 'photos/Été/c.jpg')
  assert.deepEqual([there?.tx, there?.txAt], [5, began + 3])
  const [event] = await catalogue.read.history({ accountId: ada.id, limit: 1 })
  assert.equal(event?.digest, there?.file?.digest)
  const found = async (text: string) =>
    (await catalogue.read.search({ accountId: ada.id, folder: '', text, limit: 9 })).map((entry) => entry.path)
  assert.deepEqual([await found('ete'), await found('d'), await found('y')], [['photos/Été/c.jpg'], [], []])
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
  assert.deepEqual(await catalogue.audit.integrity(), [])
  await catalogue.write.deleteEntry({ accountId: ada.id, path: 'a/', prefix: null, message: '', now: began + 20 })
  assert.deepEqual((await told(ada.id)).at(-1), '6 delete a/  20')
  while ((await catalogue.write.sweepDetached({ limit: 10, now: 1 })).left);
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('Opened again, an updated catalogue is left as it is', async (t) => {
  const folder = await temporaryFolder(t)
  await firstRelease(folder)
  const projects = async () => {
    await (await openCatalogue({ dir: folder, tellsOthers: false })).close()
    return rowsOf(catalogueFile(folder), 'SELECT * FROM projects ORDER BY id')
  }
  const first = await projects()
  assert.equal(first.length, 3)
  assert.deepEqual(await projects(), first)
})

test('An updated catalogue has the very tables of a new one', async (t) => {
  const [updated, made] = [await temporaryFolder(t), await temporaryFolder(t)]
  await firstRelease(updated)
  for (const folder of [updated, made]) await (await openCatalogue({ dir: folder, tellsOthers: false })).close()
  const query = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
  for (const file of [catalogueFile, activityFile])
    assert.deepEqual(rowsOf(file(updated), query), rowsOf(file(made), query))
})

test('An update that is cut off in the middle has changed nothing, and the next start makes it whole', async (t) => {
  const folder = await temporaryFolder(t)
  await firstRelease(folder)
  const query = "SELECT name FROM sqlite_schema UNION ALL SELECT name FROM pragma_table_info('accounts') ORDER BY name"
  const before = rowsOf(catalogueFile(folder), query)
  const up: typeof secondCatalogue.up = async (db) => {
    await secondCatalogue.up(db)
    throw new Error('the power fails')
  }
  const cutOff = { ...catalogueMigrations, '0002-accounts': { up } }
  const catalogue = openWriter(folder)
  await assert.rejects(migrate(catalogue, cutOff), /the power fails/)
  catalogue.raw.close()
  assert.deepEqual(rowsOf(catalogueFile(folder), query), before)
  const opened = await openTestCatalogue(t, folder)
  assert.equal((await opened.catalogue.read.projects(ada.id)).total, 1)
})

test('Of several processes that find old tables at once, one updates them and the others wait for it', async (t) => {
  const folder = await temporaryFolder(t)
  await firstRelease(folder)
  await prepareFolder(folder)
  const list = () => runLarder(['user', 'list', '--data-dir', folder])
  for (const { code, stdout, stderr } of await Promise.all([list(), list(), list()])) {
    assert.equal(code, 0, stderr)
    assert.match(stdout, /ada@example\.org/)
  }
  assert.equal(rowsOf(catalogueFile(folder), 'SELECT * FROM projects').length, 3)
})

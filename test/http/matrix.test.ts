import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scope, scopes } from '../../src/core/model.ts'
import { newKey } from '../../src/core/secrets.ts'
import { doors } from '../../src/http/application.ts'
import { pages } from '../../src/http/dashboard/index.ts'
import { allowedMethods } from '../../src/http/door.ts'
import { makeFolder } from '../support/aether.ts'
import { formWith, openTestApp, upload, withKey } from '../support/app.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

/** Everybody who may knock, in the order in which a door looks at them. */
const callers = [
  'no key',
  'malformed key',
  'unknown key',
  'revoked key',
  'expired key',
  'disabled account',
  'wrong scope',
  'outside the prefix',
  "another's key",
  "another's session",
  "the owner's session",
  "the owner's key",
] as const
type Who = (typeof callers)[number]

/** What a route is called about: a file in a folder of the owner's. */
interface Place {
  readonly folderId: string
  readonly fileId: string
  readonly privateId: string
  /** A key of the owner's that is used for nothing else. */
  readonly keyId: string
}

interface Wish {
  readonly path: string
  readonly json?: unknown
  readonly fields?: Readonly<Record<string, string>>
  readonly form?: FormData
  /** Whether a browser's form is what asks: it says where it is from. */
  readonly isPage?: boolean
}

type Expected = Readonly<Record<Who, number>>

interface Row {
  call(place: Place): Wish
  readonly expected: Expected
  /** What is wrong with an answer whose status is right; a list must show strangers nothing. */
  fault?(who: Who, body: unknown): string | undefined
}

/** What nearly every route of a door says to those it does not serve. */
const refused = {
  'no key': 401,
  'malformed key': 401,
  'unknown key': 401,
  'revoked key': 401,
  'expired key': 401,
  'disabled account': 403,
  'wrong scope': 403,
  'outside the prefix': 403,
  "another's key": 404,
  // No cookie opens an API door.
  "another's session": 401,
  "the owner's session": 401,
} as const

/** Media and health: a key opens nothing there, and shuts nothing. */
const whoever = (status: number): Expected =>
  Object.fromEntries(callers.map((who) => [who, status])) as Record<Who, number>

/** Pages: who has no session is led to where one is had, whatever key it sends. */
const visited = (another: number, owner: number): Expected => ({
  ...whoever(303),
  "another's session": another,
  "the owner's session": owner,
})

const strangers: readonly Who[] = ['outside the prefix', "another's key", "another's session"]

const rows: Record<string, Row> = {
  'aether get /files': {
    call: () => ({ path: '/api/v1/files' }),
    expected: { ...refused, 'outside the prefix': 200, "another's key": 200, "the owner's key": 200 },
    fault: (who, body) => listFault(who, (body as { files?: unknown[] }).files, 3),
  },
  'aether get /files in a folder': {
    call: ({ folderId }) => ({ path: `/api/v1/files?folderId=${folderId}` }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether post /files/upload': {
    call: ({ folderId }) => ({
      path: '/api/v1/files/upload',
      form: formWith('new', 'new.txt', 'text/plain', { folderId }),
    }),
    expected: { ...refused, "the owner's key": 201 },
  },
  'aether get /files/:id': {
    call: ({ fileId }) => ({ path: `/api/v1/files/${fileId}` }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether patch /files/:id': {
    call: ({ fileId }) => ({ path: `/api/v1/files/${fileId}`, json: { description: 'changed', public: false } }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether delete /files/:id': {
    call: ({ fileId }) => ({ path: `/api/v1/files/${fileId}` }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether get /files/:id/download': {
    call: ({ privateId }) => ({ path: `/api/v1/files/${privateId}/download` }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether get /folders': {
    call: () => ({ path: '/api/v1/folders' }),
    expected: { ...refused, 'outside the prefix': 200, "another's key": 200, "the owner's key": 200 },
    fault: (who, body) => listFault(who, (body as { folders?: unknown[] }).folders, 2),
  },
  'aether get /folders in a folder': {
    call: ({ folderId }) => ({ path: `/api/v1/folders?parentId=${folderId}` }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether post /folders': {
    call: ({ folderId }) => ({ path: '/api/v1/folders', json: { name: 'new', parentId: folderId } }),
    expected: { ...refused, "the owner's key": 201 },
  },
  'aether patch /folders/:id': {
    call: ({ folderId }) => ({ path: `/api/v1/folders/${folderId}`, json: { name: 'renamed' } }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether delete /folders/:id': {
    call: ({ folderId }) => ({ path: `/api/v1/folders/${folderId}?recursive=true` }),
    expected: { ...refused, "the owner's key": 200 },
  },
  'aether get /user/stats': {
    call: () => ({ path: '/api/v1/user/stats' }),
    expected: { ...refused, 'outside the prefix': 200, "another's key": 200, "the owner's key": 200 },
    fault: (who, body) => {
      const { totalFiles, totalSize } = (body as { stats: { totalFiles: number; totalSize: number } }).stats
      return strangers.includes(who) && totalFiles + totalSize > 0 ? 'shows a stranger what the owner has' : undefined
    },
  },
  'media get /m/:id': {
    call: ({ fileId }) => ({ path: `/m/${fileId}` }),
    expected: whoever(200),
  },
  'media get /m/:id of a private file': {
    call: ({ privateId }) => ({ path: `/m/${privateId}` }),
    expected: whoever(404),
  },
  'media get /d/:id': {
    call: ({ fileId }) => ({ path: `/d/${fileId}` }),
    expected: whoever(200),
  },
  'media get /d/:id of a private file': {
    call: ({ privateId }) => ({ path: `/d/${privateId}` }),
    expected: whoever(404),
  },
  'dashboard get /': { call: () => ({ path: '/' }), expected: whoever(303) },
  'dashboard get /app': { call: () => ({ path: '/app' }), expected: whoever(303) },
  'dashboard get /app/style.css': { call: () => ({ path: '/app/style.css' }), expected: whoever(200) },
  'dashboard get /app/icon.svg': { call: () => ({ path: '/app/icon.svg' }), expected: whoever(200) },
  'dashboard get /app/set-up': { call: () => ({ path: '/app/set-up?token=unknown' }), expected: whoever(404) },
  'dashboard post /app/set-up': {
    call: () => ({
      path: '/app/set-up',
      isPage: true,
      fields: { token: 'x', email: 'a@b.c', password: 'long enough' },
    }),
    expected: whoever(404),
  },
  'dashboard get /app/sign-in': {
    call: () => ({ path: '/app/sign-in' }),
    expected: { ...whoever(200), "another's session": 303, "the owner's session": 303 },
  },
  'dashboard post /app/sign-in': {
    call: () => ({ path: '/app/sign-in', isPage: true, fields: { email: 'other@example.org', password: 'wrong' } }),
    expected: whoever(401),
  },
  'dashboard get /app/': { call: () => ({ path: '/app/' }), expected: visited(200, 200) },
  'dashboard post /app/upload': {
    call: () => ({ path: '/app/upload', isPage: true, form: formWith('', '', 'text/plain') }),
    expected: visited(400, 400),
  },
  'dashboard get /app/files/:id/download': {
    call: ({ privateId }) => ({ path: `/app/files/${privateId}/download` }),
    expected: visited(404, 200),
  },
  'dashboard post /app/files/:id/delete': {
    call: ({ fileId }) => ({ path: `/app/files/${fileId}/delete`, isPage: true, fields: {} }),
    expected: visited(404, 303),
  },
  'dashboard get /app/keys': { call: () => ({ path: '/app/keys' }), expected: visited(200, 200) },
  'dashboard post /app/keys': {
    call: () => ({ path: '/app/keys', isPage: true, fields: { name: '', days: 'no such choice' } }),
    expected: visited(400, 400),
  },
  'dashboard post /app/keys/:id/revoke': {
    call: ({ keyId }) => ({ path: `/app/keys/${keyId}/revoke`, isPage: true, fields: {} }),
    expected: visited(404, 303),
  },
  'dashboard post /app/sign-out': {
    call: () => ({ path: '/app/sign-out', isPage: true, fields: {} }),
    expected: visited(303, 303),
  },
  'health get /healthz': { call: () => ({ path: '/healthz' }), expected: whoever(200) },
  'health get /readyz': { call: () => ({ path: '/readyz' }), expected: whoever(200) },
}

function listFault(who: Who, list: unknown[] | undefined, owned: number): string | undefined {
  const wanted = strangers.includes(who) ? 0 : owned
  return list?.length === wanted ? undefined : `lists ${list?.length} and not ${wanted}`
}

interface RouteUnderTest {
  /** As the rows name it: door, method, path. */
  readonly name: string
  readonly method: string
  readonly scope: Scope | undefined
}

/** What is no door: media and health, which have no table of their own, and the pages of the dashboard. */
const others: RouteUnderTest[] = [
  ...['media get /m/:id', 'media get /d/:id', 'health get /healthz', 'health get /readyz'],
  ...pages.map(({ method, path }) => `dashboard ${method} ${path}`),
].map((name) => ({ name, method: name.split(' ')[1] ?? '', scope: undefined }))

const routes: RouteUnderTest[] = [
  ...doors.flatMap((door) =>
    door.routes.map(({ method, path, scope }) => ({ name: `${door.name} ${method} ${path}`, method, scope })),
  ),
  ...others,
]

const rowsOf = (route: { name: string }): string[] =>
  Object.keys(rows).filter((name) => name === route.name || name.startsWith(`${route.name} `))

/** Milliseconds that the server's clock is ahead of the tests'. */
let ahead = 0
const app = await openTestApp(thisFile, {}, { clock: { now: () => Date.now() + ahead } })
const keys = new Map<Who, Map<Scope, string>>()
const sessions = new Map<Who, string>()
/** Made anew for a row once another has changed it. */
let place: Place | undefined
await makeKeys()

async function makeKeys(): Promise<void> {
  const other = await app.newAccount('other@example.org')
  const shut = await app.newAccount('shut@example.org')
  const revoked = await app.newKey()
  await app.catalogue.write.revokeKey({ id: revoked.id, now: Date.now() })
  const expired = await app.newKey({ expiresAt: Date.now() + 60_000 })
  const past = await app.newKey({}, shut)
  await app.core.accounts.setDisabled(shut, true)
  const same = async (who: Who, key: string): Promise<void> => {
    keys.set(who, new Map(scopes.map((scope) => [scope, key])))
  }
  await same('malformed key', `${app.key.slice(0, -1)}${app.key.endsWith('0') ? '1' : '0'}`)
  await same('unknown key', newKey('ak'))
  await same('revoked key', revoked.text)
  await same('disabled account', past.text)
  await same('outside the prefix', (await app.newKey({ pathPrefix: 'elsewhere/' })).text)
  await same("another's key", (await app.newKey({}, other)).text)
  await same("the owner's key", app.key)
  await same('expired key', expired.text)
  const wrong = await Promise.all(
    scopes.map(async (scope): Promise<[Scope, string]> => {
      const { text } = await app.newKey({ scopes: scopes.filter((one) => one !== scope) })
      return [scope, text]
    }),
  )
  keys.set('wrong scope', new Map(wrong))
  const { accounts } = app.core
  sessions.set("another's session", (await accounts.logIn('other@example.org', 'correct horse')).token)
  const owner = await accounts.completeSetUp(app.firstStart?.setUpToken ?? '', 'owner@example.org', 'correct horse')
  sessions.set("the owner's session", owner.token)
  // Expired by the clock, and not by having been made so: the server has known it while it was good.
  assert.equal((await knock('get', { path: '/api/v1/files' }, 'expired key', 'files:read')).status, 200)
  ahead = 120_000
}

async function newPlace(): Promise<Place> {
  const folderId = await makeFolder(app, 'place')
  await makeFolder(app, 'inner', folderId)
  const file = await upload(app, 'public', 'a.txt', 'text/plain', { folderId })
  await upload(app, 'second', 'b.txt', 'text/plain', { folderId })
  const hidden = await upload(app, 'private', 'c.txt', 'text/plain', { folderId, public: 'false' })
  return { folderId, fileId: file.id, privateId: hidden.id, keyId: (await app.newKey()).id }
}

async function knock(method: string, wish: Wish, who: Who, scope: Scope | undefined) {
  const key = keys.get(who)?.get(scope ?? 'files:read')
  const session = sessions.get(who)
  const sent = wish.form ?? (wish.fields && new URLSearchParams(wish.fields))
  const body = sent ?? (wish.json === undefined ? undefined : JSON.stringify(wish.json))
  const response = await fetch(app.url + wish.path, {
    method: method.toUpperCase(),
    redirect: 'manual',
    headers: {
      ...(key !== undefined && withKey(key)),
      ...(session !== undefined && { Cookie: `larder_session=${session}` }),
      ...(wish.isPage && { Origin: app.url }),
      ...(wish.json !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

test('Every route has a row of the table, and every row a route', () => {
  assert.deepEqual(
    routes.filter((route) => rowsOf(route).length === 0),
    [],
    'routes without a row in test/http/matrix.test.ts',
  )
  const known = new Set(routes.flatMap(rowsOf))
  assert.deepEqual(
    Object.keys(rows).filter((name) => !known.has(name)),
    [],
    'rows without a route',
  )
  assert.deepEqual(rowsOf({ name: 'aether get /files/:id/thumbnail' }), [], 'a new route has no row of itself')
})

test('Every route answers each kind of caller as the table says, and a refused call changes nothing', async (t) => {
  const faults: string[] = []
  const table: string[][] = []
  // Signing out ends the sessions that the others need.
  const inOrder = routes.toSorted(
    (one, other) => Number(one.name.endsWith('-out')) - Number(other.name.endsWith('-out')),
  )
  for (const route of inOrder) {
    for (const name of rowsOf(route)) {
      const methods = route.method === 'get' ? ['get', 'head'] : [route.method]
      for (const method of methods) table.push(await tryRow(name, method, route.scope, faults))
    }
  }
  t.diagnostic(`\n${tableText(['', ...callers], table)}`)
  assert.deepEqual(faults, [])
})

/** Tries one row for every caller; the cells say what was expected and, where it differs, what was seen. */
async function tryRow(name: string, method: string, scope: Scope | undefined, faults: string[]): Promise<string[]> {
  const row = rows[name] as Row
  const label = method === 'head' ? name.replace(' get ', ' head ') : name
  place ??= await newPlace()
  const cells = [label]
  const isRead = method === 'get' || method === 'head'
  const before = await stateOf(app)
  for (const who of callers) {
    const wish = row.call(place)
    const { status, text } = await knock(method, wish, who, scope)
    const expected = row.expected[who]
    const seen: string[] = []
    if (status !== expected) seen.push(`${who}: ${status}, and not ${expected}`)
    else if (name.startsWith('dashboard ')) seen.push(...pageFaults(who, text))
    else if (method !== 'head') seen.push(...bodyFaults(name, row, who, status, text))
    else if (text !== '') seen.push(`${who}: an answer to HEAD has a body`)
    if (status >= 400 && !isRead)
      assert.deepEqual(await stateOf(app), before, `${label} was refused to ${who} and changed something`)
    faults.push(...seen.map((fault) => `${label}, ${fault}`))
    cells.push(status === expected ? String(status) : `${expected}/${status}!`)
  }
  if (isRead) assert.deepEqual(await stateOf(app), before, `${label} changed something`)
  else await clear(place)
  return cells
}

/** No page shows a stranger a file of the owner's. */
function pageFaults(who: Who, text: string): string[] {
  return who !== "the owner's session" && /[abc]\.txt/.test(text) ? [`${who}: is shown a file of the owner's`] : []
}

function bodyFaults(name: string, row: Row, who: Who, status: number, text: string): string[] {
  if (status < 400) {
    const fault = row.fault?.(who, JSON.parse(text))
    return fault === undefined ? [] : [`${who}: ${fault}`]
  }
  const body = JSON.parse(text) as { success?: boolean; error?: { code: string; message: string }; code?: string }
  const code = { 401: 'unauthorized', 403: 'forbidden', 404: 'not_found' }[status]
  const isRight = name.startsWith('aether ')
    ? body.success === false && body.error?.code === code && (body.error?.message ?? '') !== ''
    : body.code === 'FILE_NOT_FOUND'
  return isRight ? [] : [`${who}: ${text}`]
}

/** Leaves the owner's tree empty after a row that changed it, so that a list's length says who sees what. */
async function clear({ folderId }: Place): Promise<void> {
  const path = `/api/v1/folders/${folderId}?recursive=true`
  await fetch(app.url + path, { method: 'DELETE', headers: withKey(app.key) }).then((response) => response.text())
  place = undefined
}

function tableText(heads: readonly string[], body: readonly (readonly string[])[]): string {
  const lines = [heads, ...body]
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => line.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join('  ')).join('\n')
}

test('A method that a path does not know is 405 and Allow names those it knows, with a key and without', async () => {
  for (const door of doors) {
    for (const path of new Set(door.routes.map((route) => route.path))) {
      const allowed = allowedMethods(door.routes.filter((route) => route.path === path))
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !allowed.includes(one))) {
        const target = door.base + path.replace(/:\w+/g, 'some-id')
        const without = await fetch(app.url + target, { method })
        const withOne = await fetch(app.url + target, { method, headers: withKey(app.key) })
        for (const response of [without, withOne]) {
          assert.equal(response.status, 405, `${method} ${target}`)
          assert.equal(response.headers.get('allow'), allowed.join(', '))
          assert.equal(door.name !== 'aether' || ((await response.json()) as { success: boolean }).success, false)
        }
      }
    }
  }
})

test('Media and health know GET, HEAD and OPTIONS, and say so to every other method', async () => {
  for (const path of ['/m/AAAAAAAAAAAAAAAA', '/d/AAAAAAAAAAAAAAAA', '/healthz', '/readyz']) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(app.url + path, { method })
      assert.equal(response.status, 405, `${method} ${path}`)
      assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS')
      assert.equal(((await response.json()) as { code: string }).code, 'METHOD_NOT_ALLOWED')
    }
  }
})

test('A path that no route has is 404 in the shape of the door that it lies below', async () => {
  for (const path of [
    '/api/v1',
    '/api/v1/',
    '/api/v1/nothing',
    '/api/v1/files/',
    '/api/v1/files/x/y/z',
    '/API/v1/files',
  ]) {
    const response = await fetch(app.url + path, { headers: withKey(app.key) })
    assert.equal(response.status, 404, path)
    const body = (await response.json()) as { success?: boolean; statusCode?: number; code?: string }
    if (path.startsWith('/api/v1')) assert.deepEqual({ ...body, error: 0 }, { success: false, error: 0 })
    else assert.equal(body.code, 'NOT_FOUND')
  }
})

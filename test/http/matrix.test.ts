import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doors } from '../../src/http/application.ts'
import { pages } from '../../src/http/dashboard/index.ts'
import { allowedMethods, type Route } from '../../src/http/door.ts'
import { openTestApp, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { wholeState } from '../support/matrix.ts'
import { thisFile } from '../support/shared.ts'
import { aetherRows } from './matrix/aether.ts'
import {
  type Answer,
  bodyFault,
  failureFault,
  pageFault,
  type RouteUnderTest,
  withoutTheNew,
} from './matrix/answers.ts'
import { atiruRows } from './matrix/atiru.ts'
import { callers, openCallers, type Who } from './matrix/callers.ts'
import { dashboardRows } from './matrix/dashboard.ts'
import { identityRows } from './matrix/identity.ts'
import { otherRows } from './matrix/others.ts'
import { Places } from './matrix/place.ts'
import type { Place, Row, Rows, Wish } from './matrix/rows.ts'
import { storageRows } from './matrix/storage.ts'

const rows: Rows = { ...aetherRows, ...identityRows, ...atiruRows, ...storageRows, ...otherRows, ...dashboardRows }

/** What is no door: media and health, which have no table of their own, and the pages of the dashboard. */
const others: RouteUnderTest[] = [
  ...['media get /m/:id', 'media get /d/:id', 'health get /healthz', 'health get /readyz'],
  ...pages.map(({ method, path }) => `dashboard ${method} ${path}`),
].map((name) => ({ name, door: name.split(' ')[0] ?? '', method: name.split(' ')[1] ?? '', need: null }))

const routes: RouteUnderTest[] = [
  ...doors.flatMap((door) =>
    door.routes.map((one) => ({
      name: `${door.name} ${one.method} ${one.path}`,
      door: door.name,
      method: one.method,
      need: one.need,
      ...(one.answer && { answer: one.answer }),
    })),
  ),
  ...others,
]

const rowsOf = (route: { name: string }): string[] =>
  Object.keys(rows).filter((name) => name === route.name || name.startsWith(`${route.name} `))

const clock = new MovingClock()
const app = await openTestApp(thisFile, {}, { clock })
const known = await openCallers(app, clock)
const state = wholeState(thisFile, app)
const places = new Places(app, known, state)

async function knock(route: RouteUnderTest, method: string, wish: Wish, who: Who): Promise<Answer> {
  const sent = wish.form ?? wish.text ?? (wish.fields && new URLSearchParams(wish.fields))
  const body = sent ?? (wish.json === undefined ? undefined : JSON.stringify(wish.json))
  const response = await fetch(app.url + wish.path, {
    method: method.toUpperCase(),
    redirect: 'manual',
    headers: {
      ...known.credential(who, route.need),
      ...(wish.isPage && { Origin: app.url }),
      ...(wish.json !== undefined && { 'Content-Type': 'application/json' }),
      ...wish.headers,
    },
    ...(body !== undefined && { body }),
  })
  const [type = '', location = ''] = ['content-type', 'location'].map((name) => response.headers.get(name) ?? '')
  return { status: response.status, type, location, text: await response.text() }
}

test('Every route has a row of the table, and every row a route', () => {
  assert.deepEqual(
    routes.map(({ name }) => name).filter((name) => rowsOf({ name }).length === 0),
    [],
    'routes without a row in test/http/matrix/',
  )
  const named = new Set(routes.flatMap(rowsOf))
  assert.deepEqual(
    Object.keys(rows).filter((name) => !named.has(name)),
    [],
    'rows without a route',
  )
  assert.deepEqual(rowsOf({ name: 'aether get /files/:id/thumbnail' }), [], 'a new route has no row of itself')
})

test('Every route answers each kind of caller as the table says, and a refused call changes nothing', async (t) => {
  const faults: string[] = []
  const table: string[][] = []
  for (const route of routes) {
    for (const name of rowsOf(route)) {
      const methods = route.method === 'get' ? ['get', 'head'] : [route.method]
      for (const method of methods) table.push(await tryRow(route, name, method, faults))
    }
  }
  const legend = callers.map((who, n) => `${n + 1}: ${who}`).join(', ')
  t.diagnostic(`\n${tableText(['', ...callers.map((_, n) => String(n + 1))], table)}\n${legend}`)
  assert.deepEqual(faults, [])
})

/** One row, tried with one method. */
interface Trial {
  readonly route: RouteUnderTest
  readonly row: Row
  readonly method: string
  /** What the table of answers calls it. */
  readonly label: string
}

interface Seen {
  readonly who: Who
  readonly place: Place
  readonly answer: Answer
}

/** Tries one row for every caller; the cells say what was expected and, where it differs, what was seen. */
async function tryRow(route: RouteUnderTest, name: string, method: string, faults: string[]): Promise<string[]> {
  const row = rows[name] as Row
  const trial = { route, row, method, label: method === 'head' ? name.replace(' get ', ' head ') : name }
  const expected = (method === 'head' && row.head) || row.expected
  const seen = route.method === 'get' ? await readAll(trial) : await changeAll(trial)
  for (const one of seen) {
    const fault = faultOf(trial, one, expected[one.who])
    if (fault !== undefined) faults.push(`${trial.label}, ${one.who}: ${fault}`)
  }
  const texts = new Set(seen.map(({ answer }) => withoutTheNew(answer.text)))
  if (isForAnybody(route) && !row.looks && texts.size > 1)
    faults.push(`${trial.label} does not answer all alike: ${[...texts].join(' ')}`)
  const cells = seen.map(({ who, answer: { status } }) =>
    status === expected[who] ? String(status) : `${expected[who]}/${status}!`,
  )
  return [trial.label, ...cells]
}

/** What only reads changes nothing, whoever asks; so all ask at once. */
async function readAll({ route, row, method, label }: Trial): Promise<Seen[]> {
  const place = await places.here()
  const before = await state.look()
  const seen = await Promise.all(
    callers.map(async (who) => ({ who, place, answer: await knock(route, method, row.call(place), who) })),
  )
  assert.deepEqual(await state.look(), before, `${label} changed something`)
  return seen
}

/** One after the other: after each that is refused all is as it was, and after one that destroys the next has another place. */
async function changeAll({ route, row, method, label }: Trial): Promise<Seen[]> {
  const seen: Seen[] = []
  let before: object | undefined
  for (const who of callers) {
    const place = await places.here()
    before ??= await state.look()
    const answer = await knock(route, method, row.call(place), who)
    seen.push({ who, place, answer })
    if (isRefusal(route, who, answer) || row.keeps?.includes(who)) {
      assert.deepEqual(await state.look(), before, `${label} was refused to ${who} and changed something`)
      continue
    }
    if (row.endsSession) await known.renew(who)
    if (row.destroys) await places.leave()
    before = undefined
  }
  await places.leave()
  return seen
}

/** Routes that need no caller answer all alike. (Pages have a look at the cookie themselves.) */
const isForAnybody = ({ door, need }: RouteUnderTest): boolean => door !== 'dashboard' && need === null

function faultOf({ route, row, method }: Trial, { who, place, answer }: Seen, expected: number): string | undefined {
  const { status, type, text } = answer
  if (status !== expected) return `${status}, and not ${expected}: ${text}`
  if (method === 'head') return text === '' ? undefined : 'an answer to HEAD has a body'
  if (route.door === 'dashboard') return pageFault(who, answer)
  const fault = bodyFault(route, row, who, answer)
  if (fault !== undefined || status >= 300 || !type.startsWith('application/json')) return fault
  return row.fault?.(who, JSON.parse(text) as never, place)
}

/** A page refuses whoever has no session by leading to where one is had. */
function isRefusal({ door }: RouteUnderTest, who: Who, { status, location }: Answer): boolean {
  const isLedAway = door === 'dashboard' && !who.endsWith('page session') && location.startsWith('/app/sign-in')
  return status >= 400 || isLedAway
}

function tableText(heads: readonly string[], body: readonly (readonly string[])[]): string {
  const lines = [heads, ...body]
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => line.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join('  ')).join('\n')
}

test('A method that a path does not know is 405 and Allow names those it knows, with a key and without', async () => {
  for (const door of doors) {
    for (const path of new Set(door.routes.map((route) => route.path))) {
      const isMeant = (route: Route): boolean => route.path === path || covers(route.path, path)
      const allowed = allowedMethods(door.routes.filter(isMeant))
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !allowed.includes(one))) {
        const target = door.base + path.replace(/[:*]\w+/g, 'some-id')
        for (const headers of [{}, withKey(app.key)]) {
          const response = await fetch(app.url + target, { method, headers })
          assert.equal(response.status, 405, `${method} ${target}`)
          assert.deepEqual(methodsIn(response.headers.get('allow')), [...new Set(allowed)].sort())
          const code = door.name === 'atiru' ? 'METHOD_NOT_ALLOWED' : 'method_not_allowed'
          assert.equal(failureFault(door.name, 405, code, await response.text()), undefined, target)
        }
      }
    }
  }
})

const methodsIn = (allow: string | null): string[] => (allow ?? '').split(', ').sort()
/** Whether one route stands for any path below another's, which may then be meant as such a path. */
const covers = (wide: string, path: string): boolean =>
  wide.includes('*') && path.startsWith(wide.slice(0, wide.indexOf('*'))) && path !== wide

test('Media and health know GET, HEAD and OPTIONS, and say so to every other method', async () => {
  for (const path of ['/m/AAAAAAAAAAAAAAAA', '/d/AAAAAAAAAAAAAAAA', '/healthz', '/readyz']) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(app.url + path, { method })
      assert.equal(response.status, 405, `${method} ${path}`)
      assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS')
      assert.equal(failureFault('root', 405, 'METHOD_NOT_ALLOWED', await response.text()), undefined)
    }
  }
})

test('A path that no route has is 404 in the shape of the door that it lies below', async () => {
  const paths: Record<string, string[]> = {
    aether: ['/api/v1', '/api/v1/', '/api/v1/nothing', '/api/v1/files/', '/api/v1/files/x/y/z', '/api/v1/auth/login'],
    storage: ['/storage', '/storage/', '/storage/nothing', '/storage/auth/login', '/storage/keys'],
    shares: ['/s', '/s/'],
    requests: ['/r', '/r/', '/r/token/below'],
    identity: ['/identity', '/identity/', '/identity/nothing', '/identity/projects/x/y', '/identity/files'],
    atiru: ['/nothing', '/files/', '/files/x/y', '/auth/api-keys/', '/API/v1/files', '/Files', '/identityx/projects'],
  }
  for (const door of doors) {
    const code = door.name === 'atiru' ? 'NOT_FOUND' : 'not_found'
    for (const path of paths[door.name] ?? []) {
      const response = await fetch(app.url + path, { headers: withKey(app.key) })
      assert.equal(response.status, 404, path)
      assert.equal(failureFault(door.name, 404, code, await response.text()), undefined, path)
    }
  }
})

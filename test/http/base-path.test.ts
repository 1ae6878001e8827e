import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { reservedNames } from '../../src/config/checks.ts'
import { configWith } from '../../src/config/index.ts'
import { doors } from '../../src/http/application.ts'
import { pages } from '../../src/http/dashboard/index.ts'
import type { Route } from '../../src/http/door.ts'
import { cookiePathsOf, linksOf, mentionsOf } from '../support/addresses.ts'
import { withKey } from '../support/app.ts'
import { openBelow, passedOn, type Way, ways } from '../support/base-paths.ts'
import { MovingClock } from '../support/clock.ts'
import { wholeState } from '../support/matrix.ts'
import type { Outside, Seen } from '../support/outside.ts'
import { aetherRows } from './matrix/aether.ts'
import { atiruRows } from './matrix/atiru.ts'
import { openCallers, type Who } from './matrix/callers.ts'
import { dashboardRows } from './matrix/dashboard.ts'
import { identityRows } from './matrix/identity.ts'
import { otherRows } from './matrix/others.ts'
import { Places } from './matrix/place.ts'
import type { Row, Rows, Wish } from './matrix/rows.ts'
import { storageRows } from './matrix/storage.ts'

const rows: Rows = { ...aetherRows, ...identityRows, ...atiruRows, ...storageRows, ...otherRows, ...dashboardRows }

/** Where an answer leads to: a door's own page of failures would be 404, and a fault of ours 500. */
const isSomething = (status: number): boolean => status !== 404 && status < 500

for (const way of ways) {
  test(`Every route is reached below its path, and every address in its answer is, where ${way.name}`, (t) =>
    tryAll(t, way))
}

async function tryAll(t: TestContext, way: Way): Promise<void> {
  const clock = new MovingClock()
  const { app, outside } = await openBelow(t, way, {}, { clock })
  const known = await openCallers(app, clock)
  const state = wholeState(t, app)
  const places = new Places(app, known, state)
  const tried = new Set<string>()
  const faults: string[] = []
  let followed = 0
  for (const [name, row] of Object.entries(rows)) {
    const who = whoGets(name, row)
    const visitor = outside()
    const method = name.split(' ')[1] ?? ''
    const seen = await knock(visitor, method, row.call(await places.here()), known.credential(who, null))
    if (seen.status !== row.expected[who]) faults.push(`${name}: ${seen.status} ${seen.text}`)
    for (const fault of placeFaults(visitor, seen)) faults.push(`${name}: ${fault}`)
    for (const { where, address } of linksOf(seen).filter((one) => isOurs(visitor, one.address))) {
      if (tried.has(address)) continue
      tried.add(address)
      followed++
      const { status } = await visitor.send(address, { headers: known.credential(who, null) })
      if (!isSomething(status)) faults.push(`${name}: ${where} leads to ${address}, which is ${status}`)
    }
    if (row.endsSession) await known.renew(who)
    if (row.destroys) await places.leave()
  }
  assert.deepEqual(faults, [])
  assert.ok(followed > 50, `only ${followed} addresses were followed`)
}

/** Who gets the furthest. */
function whoGets(name: string, { expected }: Row): Who {
  if (name.startsWith('dashboard ')) return "the owner's page session"
  return expected["the owner's key"] < 400 ? "the owner's key" : "the owner's token"
}

const isOurs = (visitor: Outside, address: string): boolean => new URL(address).origin === new URL(visitor.base).origin

function knock(visitor: Outside, method: string, wish: Wish, headers: Readonly<Record<string, string>>): Promise<Seen> {
  const sent = wish.form ?? wish.text ?? (wish.fields && new URLSearchParams(wish.fields))
  const body = sent ?? (wish.json === undefined ? undefined : JSON.stringify(wish.json))
  return visitor.send(wish.path, {
    method: method.toUpperCase(),
    headers: {
      ...headers,
      ...(wish.isPage && { Origin: new URL(visitor.base).origin }),
      ...(wish.json !== undefined && { 'Content-Type': 'application/json' }),
      ...wish.headers,
    },
    ...(body !== undefined && { body }),
  })
}

/** What of an answer is not below the path. */
function* placeFaults(visitor: Outside, seen: Seen): Iterable<string> {
  const { origin, pathname } = new URL(visitor.base)
  const all = [...mentionsOf(seen, origin), ...linksOf(seen).map(({ address }) => address)]
  for (const address of all.filter((one) => isOurs(visitor, one)))
    if (address !== visitor.base && !address.startsWith(`${visitor.base}/`)) yield `${address} is not below`
  // By its own address the server is known to nobody outside.
  if (!visitor.base.startsWith('http://127.0.0.1') && seen.text.includes('127.0.0.1')) yield 'shows the inner address'
  for (const path of cookiePathsOf(seen)) if (!path.startsWith(`${pathname}/`)) yield `a cookie is for ${path}`
}

test('Outside the base path each of these addresses is 404, and is told where everything is', async (t) => {
  const { app, outside } = await openBelow(t, passedOn)
  const { origin } = new URL(outside().base)
  const routes = [
    ...doors.flatMap(({ base, routes }) => routes.map((one) => ({ ...one, path: base + one.path }))),
    ...pages,
  ]
  const all = new Set(routes.map(({ path }) => path.replace(/[:*]\w+/g, 'some-id')))
  for (const path of [...all, '/m/AAAAAAAAAAAAAAAA', '/o/AAAAAAAAAAAAAAAA', '/healthz', '/readyz', '/larderx/app/']) {
    const { status, text } = await outside().send(origin + path, { headers: withKey(app.key) })
    assert.equal(status, 404, path)
    const { error } = JSON.parse(text) as { error: string }
    assert.equal(error, 'there is no such route: everything here is below /larder/ (server.base_path)', path)
  }
})

const hostNames = { aether: 'aether.lan', atiru: 'atiru.lan', identity: 'identity.lan', storage: 'storage.lan' }

test("A door's own host name has the door at the base path, and its answers lead to what is there", async (t) => {
  const hosts = Object.fromEntries(Object.entries(hostNames).map(([door, host]) => [host, door]))
  const { app, outside } = await openBelow(t, passedOn, { hosts })
  const headers = withKey(app.key)
  await outside().send('/storage/files/a.txt', { method: 'PUT', body: 'a', headers })
  for (const { name, base, routes } of doors.filter((door) => door.name in hostNames)) {
    const here = `http://${hostNames[name as keyof typeof hostNames]}`
    for (const { path } of routes.filter(isPlainGet)) {
      const [own, usual] = await Promise.all([
        outside().send(`${here}/larder${path}`, { headers }),
        outside().send(`${here}/larder${base}${path}`, { headers }),
      ])
      assert.equal(own.status, usual.status, path)
      assert.equal((await outside().send(here + path, { headers })).status, 404, path)
      for (const { where, address } of linksOf(own).filter((one) => one.address.startsWith(here))) {
        assert.ok(address === `${here}/larder` || address.startsWith(`${here}/larder/`), `${path}: ${where} ${address}`)
        const { status } = await outside().send(address, { headers })
        assert.ok(isSomething(status), `${here}${path}: ${where} leads to ${address}, which is ${status}`)
      }
    }
  }
})

const isPlainGet = ({ method, path }: Route): boolean => method === 'get' && !/[:*]/.test(path)

test('A public path that a proxy cuts off may not be the name of something that is served', () => {
  const paths = [
    ...doors.flatMap(({ base, routes }) => routes.map(({ path }) => base + path)),
    ...pages.map(({ path }) => path),
  ]
  const names = [...paths, '/m', '/d', '/o', '/healthz', '/readyz'].map((path) => path.split('/')[1] ?? '')
  const all = new Set(names.filter((name) => name !== '' && !name.startsWith(':')))
  assert.deepEqual([...reservedNames].sort(), [...all].sort())
})

test('A public address that could not be told from what is below it is refused, with what to do', () => {
  const faultOf = (publicUrl: string, basePath = ''): string => {
    try {
      configWith({ 'server.public_url': publicUrl, 'server.base_path': basePath })
      return ''
    } catch (error) {
      return String(error)
    }
  }
  const asked = 'set server.base_path to "/files/larder" and let the proxy pass it on'
  assert.match(faultOf('https://example.org/files/larder'), new RegExp(asked))
  assert.equal(faultOf('https://example.org/files/larder', '/files/larder'), '')
  assert.equal(faultOf('https://example.org/filesystem'), '')
  for (const path of ['//elsewhere.org', '/a;b', '/a%20b', '/a//b'])
    assert.match(faultOf(`https://example.org${path}`), /a URL whose path has letters, digits and \._~- between/, path)
})

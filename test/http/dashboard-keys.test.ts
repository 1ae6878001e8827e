import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Once } from '../../src/http/dashboard/once.ts'
import { openTestApp, upload, withKey } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { pageText, signedIn, textOf, until, Visitor } from '../support/dashboard.ts'

const wish = { name: 'Phone backup', scope: 'files:write', path_prefix: 'photos/phone', days: '30' }

const keyIn = (text: string): string => /ak_[0-9A-Za-z]{36}/.exec(text)?.[0] ?? ''

/** Sends the form for a key; resolves to the address of the page that shows it. */
async function sendForm(visitor: Visitor, fields: Record<string, string> = wish): Promise<string> {
  const response = await visitor.post('/app/keys', fields)
  const [, path = ''] = /^(\/app\/keys\/made\/[\w-]{43})#made$/.exec(response.headers.get('location') ?? '') ?? []
  assert.equal(response.status, 303)
  assert.notEqual(path, '')
  return path
}

/** Makes a key by the form and reads the page that shows it. */
async function make(visitor: Visitor, fields: Record<string, string> = {}): Promise<{ key: string; text: string }> {
  const text = await pageText(await visitor.get(await sendForm(visitor, { ...wish, ...fields })))
  return { key: keyIn(text), text }
}

test('A new key is shown on the page that its form leads to, and nowhere again', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const path = await sendForm(visitor)
  const response = await visitor.get(path)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const key = keyIn(await pageText(response))
  assert.equal(key.length, 39)
  assert.ok(!path.includes(key.slice(3)))
  const list = await pageText(await visitor.get('/app/keys'))
  assert.ok(!list.includes(key) && list.includes(`${key.slice(0, 7)}…`))
  assert.match(list, /Phone backup ak_.{4}… May files:write Folder photos\/phone\/ Made .* Last used never/)
  assert.ok(!(await app.wholeLog()).includes(key))
})

test('Reloading the page of a new key makes no other, and says that it is shown once', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  const path = await sendForm(visitor)
  await pageText(await visitor.get(path))
  for (let n = 0; n < 2; n++) {
    assert.equal((await visitor.get(path)).headers.get('location'), '/app/keys?notice=once')
  }
  const list = await pageText(await visitor.get('/app/keys?notice=once'))
  assert.match(list, /shown once, right after it is made/)
  assert.equal(list.match(/Phone backup ak_/g)?.length, 1)
})

test('A new key is shown to the session that made it alone, and a look ahead does not use it up', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const path = await sendForm(visitor)
  const elsewhere = new Visitor(app)
  assert.equal((await elsewhere.get(path)).headers.get('location'), '/app/sign-in')
  await elsewhere.post('/app/sign-in', { email: 'ada@example.org', password: 'correct horse' })
  const stranger = await signedIn(app, 'eve@example.org')
  for (const other of [elsewhere, stranger]) {
    assert.equal((await other.get(path)).headers.get('location'), '/app/keys?notice=once')
  }
  const headers = { Cookie: `larder_session=${visitor.session}` }
  const look = await fetch(app.url + path, { method: 'HEAD', headers, redirect: 'manual' })
  assert.equal(look.status, 303)
  assert.equal(keyIn(await pageText(await visitor.get(path))).length, 39)
})

test('What is shown once is kept for a moment only, and not more of it than there is room for', async () => {
  const once = new Once<{ n: number }>(200)
  const ids = Array.from({ length: 1_001 }, (_, n) => once.keep('mine', { n }))
  assert.equal(once.take('mine', ids[0] ?? ''), undefined)
  assert.equal(once.take('theirs', ids[1] ?? ''), undefined)
  assert.deepEqual(once.take('mine', ids[1] ?? ''), { n: 1 })
  assert.equal(once.take('mine', ids[1] ?? ''), undefined)
  const at = Date.now()
  await until('the moment is over', () => Date.now() - at > 250)
  assert.equal(once.take('mine', ids[1_000] ?? ''), undefined)
})

test('A key made here opens the doors, within what was ticked', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const { key } = await make(visitor)
  await upload({ ...app, key }, 'bytes', 'by-key.txt')
  assert.equal((await fetch(`${app.url}/api/v1/files`, { headers: withKey(key) })).status, 403)
  assert.match(await pageText(await visitor.get('/app/')), /by-key\.txt/)
  await app.activityKept()
  assert.doesNotMatch(await pageText(await visitor.get('/app/keys')), /Last used never/)
})

test('A key with nothing ticked may do everything, and the form says so', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  assert.match(await pageText(await visitor.get('/app/keys')), /none ticked: everything/)
  const { scope: _, ...nothingTicked } = { ...wish, path_prefix: '', days: '' }
  const text = await pageText(await visitor.get(await sendForm(visitor, nothingTicked)))
  assert.match(text, /May everything Folder all Made .* Expires never/)
  const key = keyIn(text)
  assert.equal((await fetch(`${app.url}/api/v1/user/stats`, { headers: withKey(key) })).status, 200)
})

test('A key expires when its form said', async (t) => {
  const clock = new MovingClock()
  const app = await openTestApp(t, {}, { clock })
  const visitor = await signedIn(app)
  for (const life of [30, 90, 365]) {
    clock.aheadMs = 0
    const { key } = await make(visitor, { days: String(life), scope: 'files:read' })
    const statusAt = async (day: number): Promise<number> => {
      clock.aheadMs = day * 86_400_000
      return (await fetch(`${app.url}/api/v1/files`, { headers: withKey(key) })).status
    }
    assert.deepEqual([await statusAt(life - 1), await statusAt(life + 1)], [200, 401])
  }
})

test('A form with a fault comes back as it was filled in, and makes nothing', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  const faults = [
    { fields: { path_prefix: '../up' }, says: /is malformed: it has/i },
    { fields: { days: '31' }, says: /one of the times offered/ },
    { fields: { scope: 'everything' }, says: /"everything" is no scope/ },
    { fields: { name: 'x'.repeat(300) }, says: /at most 255 bytes/ },
  ]
  for (const { fields, says } of faults) {
    const response = await visitor.post('/app/keys', { ...wish, ...fields })
    const markup = await response.text()
    assert.equal(response.status, 400)
    assert.match(textOf(markup), says)
    assert.ok(markup.includes(`value="${{ ...wish, ...fields }.path_prefix}"`))
    if (!('scope' in fields)) assert.match(markup, /value="files:write" checked/)
    if (!('days' in fields)) assert.match(markup, /<option value="30" selected>/)
  }
  assert.match(await pageText(await visitor.get('/app/keys')), /No keys yet/)
})

test('A revoked key opens nothing from the very next request on', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const { key } = await make(visitor, { scope: 'files:read' })
  const status = async () => (await fetch(`${app.url}/api/v1/files`, { headers: withKey(key) })).status
  assert.equal(await status(), 200)
  const action = /action="([^"]*revoke)"/.exec(await (await visitor.get('/app/keys')).text())?.[1] ?? ''
  assert.equal((await visitor.post(action)).headers.get('location'), '/app/keys?notice=revoked')
  assert.equal(await status(), 401)
  assert.match(await pageText(await visitor.get('/app/keys?notice=revoked')), /opens nothing any more.*No keys yet/)
  assert.match(await pageText(await visitor.post(action), 404), /no such key/)
})

test("Nobody sees or revokes another account's keys", async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const { id, text } = await app.newKey({ name: "the owner's" })
  assert.doesNotMatch(await pageText(await visitor.get('/app/keys')), /owner's/)
  await pageText(await visitor.post(`/app/keys/${id}/revoke`), 404)
  assert.equal((await fetch(`${app.url}/api/v1/files`, { headers: withKey(text) })).status, 200)
})

test("A key's name and folder are text, whatever they look like", async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  const { text } = await make(visitor, { name: '<script>alert(1)</script>', path_prefix: '"><b>' })
  assert.match(text, /Folder "><b>/)
  const markup = await (await visitor.get('/app/keys')).text()
  assert.match(textOf(markup), /<script>alert\(1\)<\/script> ak_/)
  assert.doesNotMatch(markup, /<script|<b>/)
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { formOf, linkTo, pageText, signedIn, textOf, Visitor } from '../support/dashboard.ts'

const open = { 'auth.registration': 'open' }

test('Every page is kept by nobody, runs nothing but our own, and is framed nowhere', async (t) => {
  const app = await openTestApp(t, open)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }], { public: 'on' }))
  const token = await app.accounts.createSetUpLink(app.owner)
  const keyPage = (await visitor.post('/app/keys', { name: 'one', days: '' })).headers.get('location') ?? ''
  const pages = [
    await visitor.get('/app/'),
    await visitor.get('/app/keys'),
    await visitor.get(keyPage),
    await visitor.get('/app/account'),
    await new Visitor(app).get('/app/register'),
    await new Visitor(app).get('/app/register/sent'),
    await new Visitor(app).get('/app/forgot'),
    await new Visitor(app).get('/app/forgot/sent'),
    await new Visitor(app).get('/app/reset?token=over'),
    await visitor.get('/app/nothing-here'),
    await visitor.get(`/app/set-up?token=${token}`),
    await new Visitor(app).get('/app/sign-in'),
    await visitor.post('/app/keys', {}, { Origin: 'null' }),
  ]
  for (const response of pages) {
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.match(
      policy,
      /^default-src 'none'; style-src 'self'; img-src 'self'; (script-src 'sha256-[^']+'; )?form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    )
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(response.headers.get('access-control-allow-origin'), null)
    assert.match(response.headers.get('referrer-policy') ?? '', /^(same|strict)-origin$/)
    const scripts = [...(await response.text()).matchAll(/<script>(.*?)<\/script>/gs)].map(([, text = '']) => text)
    const hashes = scripts.map((text) => `sha256-${createHash('sha256').update(text).digest('base64')}`)
    assert.deepEqual(
      hashes,
      [...policy.matchAll(/'(sha256-[^']+)'/g)].map(([, hash]) => hash),
    )
  }
})

test('What is not there is a page that says so, and so is a wrong way of asking', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  for (const path of [
    '/app/nothing',
    '/app/sign-in/',
    '/app/App',
    '/app/files/%zz/download',
    '/app/files/x/download',
  ]) {
    await pageText(await visitor.get(path), 404)
  }
  const allowed = async (method: string, path: string): Promise<string | null> => {
    const response = await fetch(visitor.url + path, { method, headers: { Origin: visitor.url } })
    await pageText(response, 405)
    return response.headers.get('allow')
  }
  assert.equal(await allowed('POST', '/app/'), 'GET, HEAD')
  assert.equal(await allowed('GET', '/app/upload'), 'POST')
  assert.equal(await allowed('DELETE', '/app/keys'), 'GET, HEAD, POST')
  assert.equal(await allowed('OPTIONS', '/app/sign-in'), 'GET, HEAD, POST')
})

test('Below a base path every link, form, picture and redirect carries it, and the cookie is held to it', async (t) => {
  const app = await openTestApp(t, { ...open, 'server.base_path': '/larder' })
  const visitor = await signedIn(app)
  const files = Array.from({ length: 51 }, (_, n) => ({ name: `${n}.txt`, bytes: 'x' }))
  const stored = await visitor.post('/app/upload', formOf(files, { public: 'on' }))
  assert.equal(stored.headers.get('location'), '/larder/app/?stored=51')
  const token = await app.accounts.createSetUpLink(app.owner)
  for (const path of [
    '/app/',
    '/app/?page=2',
    '/app/keys',
    '/app/account',
    '/app/register/sent',
    '/app/forgot',
    '/app/forgot/sent',
    '/app/reset',
    '/app/nothing',
    `/app/set-up?token=${token}`,
    '/app/set-up',
  ]) {
    const markup = await (await visitor.get(path)).text()
    const links = [...markup.matchAll(/ (?:href|src|action)="([^"]*)"/g)].map(([, to = '']) => to)
    assert.ok(links.length > 3)
    assert.deepEqual(
      links.filter((to) => !to.startsWith('/larder/')),
      [],
      path,
    )
  }
  const stranger = new Visitor(app)
  for (const path of ['/app/sign-in', '/app/register', '/app/reset']) {
    assert.doesNotMatch(await (await stranger.get(path)).text(), / (href|src|action)="(?!\/larder\/)/)
  }
  const sent = { email: 'eve@example.org', password: 'correct horse' }
  for (const to of ['register', 'forgot']) {
    assert.equal((await stranger.post(`/app/${to}`, sent)).headers.get('location'), `/larder/app/${to}/sent`)
  }
  const [first = ''] = [...(await (await visitor.get('/app/')).text()).matchAll(/data-copy value="([^"]*)"/g)].map(
    ([, to = '']) => to,
  )
  assert.equal(await (await fetch(first)).text(), 'x')
  assert.equal((await visitor.get('')).headers.get('location'), '/larder/app/')
  assert.equal((await visitor.get('/app')).headers.get('location'), '/larder/app/')
  const out = await visitor.post('/app/sign-out')
  assert.match(out.headers.get('set-cookie') ?? '', /; Path=\/larder\/;/)
  assert.equal((await visitor.get('/app/')).headers.get('location'), '/larder/app/sign-in')
})

test('Style and icon may be kept for ever under the address that pages give them', async (t) => {
  const visitor = new Visitor(await openTestApp(t))
  const markup = await (await visitor.get('/app/sign-in')).text()
  for (const [path, type] of [
    ['/app/style.css', 'text/css; charset=utf-8'],
    ['/app/icon.svg', 'image/svg+xml'],
  ] as const) {
    const [address = ''] = new RegExp(`${path}\\?v=[0-9a-f]+`).exec(markup) ?? []
    const kept = await visitor.get(address)
    assert.deepEqual([kept.status, kept.headers.get('cache-control')], [200, 'public, max-age=31536000, immutable'])
    assert.match(kept.headers.get('content-type') ?? '', new RegExp(`^${type.replace('+', '\\+')}`))
    assert.equal((await visitor.get(path)).headers.get('cache-control'), 'no-cache')
  }
})

const texts = (visitor: Visitor, paths: readonly string[]): Promise<string[]> =>
  Promise.all(paths.map(async (path) => (await visitor.get(path)).text()))

test('Every field of every form has a name that can be read out', async (t) => {
  const app = await openTestApp(t, open)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }], { public: 'on' }))
  const token = await app.accounts.createSetUpLink(app.owner)
  await visitor.post('/app/forgot', { email: 'ada@example.org' })
  const { path: resetPath } = await linkTo(app, 'ada@example.org', 'reset')
  const stranger = new Visitor(app)
  for (const markup of [
    ...(await texts(visitor, ['/app/', '/app/keys', '/app/account', `/app/set-up?token=${token}`])),
    ...(await texts(stranger, ['/app/sign-in', '/app/register', '/app/forgot', resetPath])),
  ]) {
    for (const [field] of markup.matchAll(/<(?:input|select|textarea)\b[^>]*>/g)) {
      const id = / id="([^"]+)"/.exec(field)?.[1]
      const isNamed = field.includes('aria-label=') || (id !== undefined && markup.includes(`<label for="${id}">`))
      assert.ok(isNamed || / type="(hidden|checkbox)"/.test(field), field)
    }
    assert.equal([...markup.matchAll(/<label class="tick">/g)].length, [...markup.matchAll(/type="checkbox"/g)].length)
    assert.ok(textOf(markup).length > 0)
  }
})

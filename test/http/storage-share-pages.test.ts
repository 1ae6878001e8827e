import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { openTestApp, upload } from '../support/app.ts'
import { call } from '../support/call.ts'
import { MovingClock } from '../support/clock.ts'
import { fileNameIn } from '../support/disposition.ts'
import { thisFile } from '../support/shared.ts'
import { put, refusal, type StorageBody, storage } from '../support/storage.ts'

const clock = new MovingClock()
const app = await openTestApp(thisFile, {}, { clock })
const password = 'correct horse'
await put(app, 'docs/plan.txt', 'the plan')
await put(app, 'docs/deep/notes.txt', 'notes')

/** Shares a path; the link's path on the server. */
async function share(path: string, wish: object = {}): Promise<string> {
  const { status, body } = await storage(app, 'POST', '/files/share', { json: { path, ...wish } })
  assert.equal(status, 201, JSON.stringify(body))
  return `/s/${body.token}`
}

const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

/** What a browser gets to see. */
async function look(path: string, headers: Record<string, string> = {}) {
  const answer = await call<StorageBody>(app.url + path, 'GET', { key: null, headers: { ...browser, ...headers } })
  return { ...answer, html: answer.bytes.toString() }
}

/** Sends a page's form. */
async function send(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  const body = new URLSearchParams(fields)
  const answer = await call<StorageBody>(app.url + path, 'POST', {
    key: null,
    body,
    headers: { ...browser, ...headers },
  })
  return { ...answer, html: answer.bytes.toString(), location: answer.headers.get('location') }
}

/** The cookie of a pass, as a browser sends it back. */
async function passOf(link: string): Promise<{ Cookie: string }> {
  const { status, headers } = await send(link, { password })
  assert.equal(status, 303)
  return { Cookie: (headers.get('set-cookie') ?? '').split(';')[0] ?? '' }
}

const withoutStyle = (html: string): string => html.replace(/<style>.*<\/style>/s, '')

test('A browser is asked for the password by a form, and told nothing else', async () => {
  const link = await share('docs/plan.txt', { password })
  const { status, headers, html } = await look(link)
  assert.equal(status, 401)
  assert.match(html, /<form method="post">[\s\S]*<input id="password" name="password" type="password"/)
  assert.doesNotMatch(withoutStyle(html), /plan|docs|8 bytes|role="alert"/)
  assert.equal(headers.get('www-authenticate'), null)
})

test('The right password is remembered in a cookie for this link alone, and for an hour at most', async () => {
  const link = await share('docs/plan.txt', { password, ttl: 604_800 })
  const { status, location, headers } = await send(link, { password })
  assert.deepEqual([status, location], [303, link])
  const [pair = '', ...attributes] = (headers.get('set-cookie') ?? '').split('; ')
  assert.match(pair, /^larder_share_[0-9a-f-]{36}=\d{13}\.[\w-]+\.[\w-]+$/)
  assert.deepEqual(attributes.sort(), [
    'HttpOnly',
    `Max-Age=${attributes[1]?.slice(8)}`,
    `Path=${link}`,
    'SameSite=Lax',
  ])
  const life = Number(attributes.find((one) => one.startsWith('Max-Age='))?.slice(8))
  assert.ok(life > 3_590 && life <= 3_600)
  const pass = { Cookie: `other=1; ${pair}` }
  assert.equal((await look(link, pass)).status, 302)
  assert.equal((await look(`/storage${link}`, pass)).status, 302)
  const another = await share('docs/plan.txt', { password })
  assert.equal((await look(another, pass)).status, 401)
  const renamed = { Cookie: pair.replace(/^[^=]+/, (await passOf(another)).Cookie.split('=')[0] ?? '') }
  assert.equal((await look(another, renamed)).status, 401)
  const [name, text = ''] = pair.split('=')
  const [expires, ...rest] = text.split('.')
  for (const forged of ['', 'x', [Number(expires) + 60_000, ...rest].join('.'), text.slice(0, -2), `${text}x`])
    assert.equal((await look(link, { Cookie: `${name}=${forged}` })).status, 401, forged)
  clock.aheadMs += 3_600_001
  assert.equal((await look(link, pass)).status, 401)
  clock.aheadMs -= 3_600_001
})

test('A pass ends with its link', async () => {
  const link = await share('docs/plan.txt', { password, ttl: 60 })
  const { headers } = await send(link, { password })
  assert.match(headers.get('set-cookie') ?? '', /Max-Age=(60|59|58);/)
  const pass = await passOf(link)
  await storage(app, 'DELETE', `/shares/${link.slice(3)}`)
  assert.equal((await look(link, pass)).status, 401)
})

test('Below /storage the cookie belongs to that address', async () => {
  const link = `/storage${await share('docs/plan.txt', { password })}`
  const { status, headers, location } = await send(link, { password })
  assert.deepEqual([status, location], [303, link])
  assert.ok(headers.get('set-cookie')?.includes(`Path=${link};`))
})

test('Where the server is on https the cookie is, too; under a plain name of the LAN it is not', async (t) => {
  const secure = await openTestApp(t, {
    'server.public_url': 'https://files.example.org/box',
    'server.base_path': '/box',
  })
  await put(secure, 'a.txt', 'a')
  const { body } = await storage(secure, 'POST', '/files/share', { json: { path: 'a.txt', password } })
  assert.match(body.url, /^https:\/\/files\.example\.org\/box\/s\/[\w-]{21}$/)
  const sent = (headers: Record<string, string>) =>
    call(`${secure.url}/s/${body.token}`, 'POST', { key: null, body: new URLSearchParams({ password }), headers })
  const safe = await sent({ 'Sec-Fetch-Site': 'same-origin' })
  assert.match(safe.headers.get('set-cookie') ?? '', /; Path=\/box\/s\/[\w-]{21};.*; Secure$/)
  assert.equal(safe.headers.get('location'), `/box/s/${body.token}`)
  assert.doesNotMatch((await sent({})).headers.get('set-cookie') ?? '', /Secure/)
})

test('A wrong password is told, and a wait where there were too many', async (t) => {
  const link = await share('docs/plan.txt', { password })
  const { status, html, headers } = await send(link, { password: 'wrong horse' })
  assert.deepEqual([status, headers.get('set-cookie')], [401, null])
  assert.match(html, /role="alert">This link has a password, and this is not the one\./)
  const strict = await openTestApp(t, { 'limits.auth': '1000/1m' })
  await put(strict, 'a.txt', 'a')
  const { body } = await storage(strict, 'POST', '/files/share', { json: { path: 'a.txt', password } })
  const knock = () =>
    call(`${strict.url}/s/${body.token}`, 'POST', {
      key: null,
      body: new URLSearchParams({ password: 'wrong horse' }),
      headers: browser,
    })
  for (let n = 0; n < 5; n++) assert.equal((await knock()).status, 401)
  const waits = await knock()
  assert.deepEqual([waits.status, waits.headers.get('content-type')], [429, 'text/html; charset=utf-8'])
  assert.ok(Number(waits.headers.get('retry-after')) > 0)
})

test('With its pass a browser looks through a folder and downloads from it', async () => {
  const link = await share('docs/', { folder: true, password })
  const pass = await passOf(`${link}/deep/`)
  const { html, status } = await look(`${link}/`, pass)
  assert.equal(status, 200)
  assert.ok(html.includes('href="./deep/"') && html.includes('href="./plan.txt"'))
  assert.ok(html.includes('<a class="button" href="?zip=1">Download all (zip)</a>'))
  assert.match(html, /8 bytes · <time datetime="[^"]+Z">/)
  assert.ok(!html.includes('href="../"'))
  const below = await look(`${link}/deep/`, pass)
  assert.ok(below.html.includes('href="../"') && below.html.includes('href="./notes.txt"'))
  assert.equal((await look(`${link}/plan.txt`, pass)).status, 302)
  assert.equal((await look(`${link}/?zip=1`, pass)).headers.get('content-type'), 'application/zip')
})

test('A download of which there are only so many waits behind a button', async () => {
  const link = await share('docs/plan.txt', { max_downloads: 2 })
  for (let n = 0; n < 3; n++) {
    const { status, html } = await look(link)
    assert.equal(status, 200)
    assert.match(html, /plan\.txt[\s\S]*8 bytes[\s\S]*<form method="post">\s*<button>Download<\/button>/)
    assert.match(html, /2 downloads left/)
  }
  const { status, location } = await send(link, {})
  assert.equal(status, 303)
  assert.match(location ?? '', /^\/o\//)
  assert.equal(await (await fetch(app.url + location)).text(), 'the plan')
  assert.match((await look(link)).html, /1 download left/)
  assert.equal((await send(link, {})).status, 303)
  const over = await send(link, {})
  assert.deepEqual([over.status, over.headers.get('content-type')], [401, 'text/html; charset=utf-8'])
  assert.equal((await look(link)).status, 401)
})

test('The button is there for the files and the zip of a folder, too; a list needs none', async () => {
  const link = await share('docs/', { folder: true, max_downloads: 2 })
  assert.match((await look(`${link}/`)).html, /Download all/)
  assert.match((await look(`${link}/?zip=1`)).html, /docs\.zip[\s\S]*<button>/)
  assert.match((await look(`${link}/plan.txt`)).html, /plan\.txt[\s\S]*<button>/)
  const zip = await send(`${link}/?zip=1`, {})
  assert.deepEqual([zip.status, zip.headers.get('content-type')], [200, 'application/zip'])
  assert.equal((await send(`${link}/plan.txt`, {})).status, 303)
  assert.equal((await send(`${link}/deep/notes.txt`, {})).status, 401)
  const list = await send(`${link}/deep/`, {})
  assert.deepEqual([list.status, list.location], [303, `${link}/deep/`])
})

test('The button gives nothing without the password', async () => {
  const link = await share('docs/plan.txt', { max_downloads: 1, password })
  const without = await send(link, {})
  assert.deepEqual([without.status, without.location], [401, null])
  refusal(
    await call(app.url + link, 'POST', { key: null, body: new URLSearchParams() }),
    401,
    'unauthorized',
    /has a password/,
  )
  const pass = await passOf(link)
  assert.match((await look(link, pass)).html, /1 download left/)
  assert.equal((await send(link, {}, pass)).status, 303)
  assert.equal((await send(link, {}, pass)).status, 401)
})

test('Every page keeps its address to itself, runs nothing and is found by nobody', async () => {
  const folder = await share('docs/', { folder: true })
  const locked = await share('docs/plan.txt', { password })
  const limited = await share('docs/plan.txt', { max_downloads: 1 })
  const { body } = await storage(app, 'POST', '/requests', { json: { path: 'docs/' } })
  const paths = [`${folder}/`, `${folder}/nothing`, locked, limited, '/s/unknown', `/r/${body.token}`, '/r/unknown']
  for (const path of paths) {
    const { headers, html } = await look(path)
    assert.equal(headers.get('content-type'), 'text/html; charset=utf-8')
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
    assert.equal(headers.get('x-robots-tag'), 'noindex, nofollow')
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    const style = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    assert.equal(
      headers.get('content-security-policy'),
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    )
    assert.doesNotMatch(html, /<script|\bon\w+=|style=|https?:/i)
    assert.match(html, /<link rel="icon" type="image\/svg\+xml" href="data:[^"]+">/, 'or browsers ask for /favicon.ico')
  }
})

test('Links that lead nowhere are told as pages to people, and in the API’s shape to programs', async () => {
  const link = await share('docs/', { folder: true })
  for (const [path, status, error] of [
    ['/s/unknown', 401, 'unauthorized'],
    [`${link}/nothing`, 404, 'not_found'],
    [`${link}/..%2Fx`, 400, 'bad_request'],
  ] as const) {
    const seen = await look(path)
    assert.deepEqual([seen.status, seen.headers.get('content-type')], [status, 'text/html; charset=utf-8'])
    refusal(await call(app.url + path, 'GET', { key: null }), status, error)
  }
})

test('A name is text and nothing else, wherever it is shown', async () => {
  const names = ['<img src=x onerror=alert(1)>', `"quotes' & co`, 'javascript:alert(1)', 'a?b#c%2e', 'ünï 日本', ' x']
  for (const name of names) await put(app, `odd/${name}`, name)
  await put(app, 'odd/<b>folder/x.txt', 'x')
  const link = await share('odd/', { folder: true })
  const { html } = await look(`${link}/`)
  assert.ok(html.includes('&lt;img src=x onerror=alert(1)&gt;'))
  assert.ok(html.includes('&quot;quotes&#39; &amp; co'))
  assert.ok(html.includes('href="./javascript%3Aalert(1)"'))
  assert.doesNotMatch(html, /<img|<b>|onerror=alert\(1\)>/)
  const hrefs = [...html.matchAll(/href="(\.\/[^"]+[^/])"/g)].map(([, href]) => (href ?? '').replaceAll('&#39;', "'"))
  assert.equal(hrefs.length, names.length)
  for (const href of hrefs) {
    const led = await call(new URL(href, `${app.url}${link}/`).href, 'GET', { key: null })
    const got = await fetch(led.headers.get('location') ?? '')
    assert.equal(fileNameIn(got.headers.get('content-disposition') ?? '')?.trim(), (await got.text()).trim())
  }
  assert.match((await look(`${link}/${encodeURIComponent('<b>folder')}/`)).html, /<h1>&lt;b&gt;folder<\/h1>/)
})

test('A name of another door that would break a header breaks none', async () => {
  const file = await upload(app, 'crlf', 'a\r\nSet-Cookie: x=1\r\n.txt')
  const path = (await app.catalogue.read.entryAt(app.owner.id, file.name))?.path ?? assert.fail(file.name)
  const led = await call(app.url + (await share(path)), 'GET', { key: null })
  assert.deepEqual([led.status, led.headers.get('set-cookie')], [302, null])
  const got = await fetch(led.headers.get('location') ?? '')
  assert.deepEqual([got.headers.get('set-cookie'), await got.text()], [null, 'crlf'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withKey } from '../support/app.ts'
import { openBelow, ways } from '../support/base-paths.ts'
import { crawl, type Visited } from '../support/crawler.ts'
import { lettersTo, linkIn } from '../support/outbox.ts'
import type { Outside } from '../support/outside.ts'

const email = 'ada@example.org'
const password = 'correct horse'
const answers = { email, password, old_password: password, new_password: password, name: 'A key', file: 'x' }

/** What was seen outside of the visitor's base path, or led nowhere. */
function faultsOf(visitor: Outside, visited: readonly Visited[]): string[] {
  return visited.flatMap(({ from, method, seen: { url, status } }) => {
    const isBelow = url.href === visitor.base || url.href.startsWith(`${visitor.base}/`)
    const isGood = status !== 404 && status < 500
    return isBelow && isGood ? [] : [`${from}: ${method} ${url.href} is ${status}`]
  })
}

const pathsOf = (visitor: Outside, visited: readonly Visited[], status = 200): string[] =>
  visited
    .filter(({ method, seen }) => method === 'GET' && seen.status === status)
    .map(({ seen: { url } }) => url.href.slice(visitor.base.length).replace(/\?.*/, ''))

for (const way of ways) {
  test(`Whoever goes through all pages by their links and forms misses nothing, where ${way.name}`, async (t) => {
    const { app, outside } = await openBelow(t, way, { 'auth.registration': 'open' })
    const visitor = outside()
    await app.newAccount(email)
    const before = await crawl(visitor, `${visitor.base}/`, { ...answers, password: 'wrong horse' })
    assert.deepEqual(faultsOf(visitor, before), [])
    const open = pathsOf(visitor, before)
    for (const path of ['sign-in', 'register', 'register/sent', 'forgot', 'forgot/sent', 'style.css', 'icon.svg'])
      assert.ok(open.includes(`/app/${path}`), `${path} was not come by: ${open}`)

    assert.equal((await visitor.post('/app/sign-in', { email, password })).status, 303)
    const stored = await visitor.post('/app/upload', formOf('first.txt'))
    assert.equal(stored.status, 303, stored.text)
    const within = await crawl(visitor, `${visitor.base}/app/`, answers)
    assert.deepEqual(faultsOf(visitor, within), [])
    const own = pathsOf(visitor, within)
    for (const path of ['/app/', '/app/keys', '/app/account', '/app/sign-in'])
      assert.ok(own.includes(path), `${path} was not come by: ${own}`)
    for (const form of [/^\/m\//, /^\/app\/files\/.*\/download$/, /^\/app\/keys\/made\//])
      assert.ok(
        own.some((path) => form.test(path)),
        `nothing like ${form}: ${own}`,
      )
    const out = within.find(({ method, seen }) => method === 'POST' && seen.url.pathname.endsWith('/app/sign-out'))
    assert.equal(
      new URL(out?.seen.headers.get('location') ?? '', out?.seen.url).href,
      `${visitor.base}/app/sign-in?notice=out`,
    )

    const reference = await crawl(outside(), `${visitor.base}/reference`, answers)
    assert.deepEqual(faultsOf(visitor, reference), [])
    for (const path of ['/reference', '/reference/openapi.json', '/reference/for-agents'])
      assert.ok(pathsOf(visitor, reference).includes(path), path)
  })

  test(`Links of shares and for sending files lead through, where ${way.name}`, async (t) => {
    const { app, outside } = await openBelow(t, way)
    const owner = outside()
    const headers = { ...withKey(app.key), 'Content-Type': 'application/json' }
    for (const path of ['shared/a.txt', 'shared/below/b.txt'])
      assert.equal(
        (await owner.send(`/storage/files/${path}`, { method: 'PUT', body: path, headers: withKey(app.key) })).status,
        201,
      )
    const make = async (path: string, wish: object): Promise<string> => {
      const { status, text } = await owner.send(path, { method: 'POST', body: JSON.stringify(wish), headers })
      assert.equal(status, 201, text)
      return (JSON.parse(text) as { url: string }).url
    }
    const folder = await make('/storage/files/share', { path: 'shared/', folder: true, password })
    const few = await make('/storage/files/share', { path: 'shared/a.txt', max_downloads: 2 })
    const wanted = await make('/storage/requests', { path: 'shared/below/' })
    for (const short of [folder, few, wanted]) {
      for (const link of [short, short.replace(/\/([sr])\//, '/storage/$1/')]) {
        const visitor = outside()
        const first = await crawl(visitor, link, { password })
        // The password's form leads to where the list is.
        const all = link.includes(folder.slice(-20)) ? [...first, ...(await crawl(visitor, `${link}/`, {}))] : first
        assert.deepEqual(faultsOf(visitor, all), [])
        const texts = all.map(({ seen }) => seen.text)
        if (short === wanted)
          assert.ok(
            texts.some((text) => text.includes('crawled.txt (7 bytes)')),
            link,
          )
        else assert.ok(texts.includes('shared/a.txt'), `${link} did not lead to the file`)
        if (short === folder) assert.ok(texts.includes('shared/below/b.txt'), link)
      }
    }
  })

  test(`Links of letters lead to their pages, where ${way.name}`, async (t) => {
    const { app, outside } = await openBelow(t, way, { 'auth.registration': 'open', 'auth.allowed_redirects': [] })
    const visitor = outside()
    await visitor.post('/app/register', { email, password })
    await follow('confirm', '/app/sign-in?notice=confirmed')
    await visitor.post('/app/register', { email, password })
    await follow('known', undefined)
    await visitor.post('/app/forgot', { email })
    await follow('reset', undefined)
    const wish = { method: 'POST', body: JSON.stringify({ email }), headers: { 'Content-Type': 'application/json' } }
    assert.equal((await visitor.send('/storage/auth/magic-link', wish)).status, 200)
    await follow('magic', '/app/')
    assert.equal((await visitor.send('/app/')).status, 200, 'the session is kept for all below the path')

    async function follow(purpose: string, leadsTo: string | undefined): Promise<void> {
      const letter = (await lettersTo(app, email)).findLast((one) => one.purpose === purpose)
      assert.ok(letter, purpose)
      const link = linkIn(letter).href
      assert.ok(link.startsWith(`${visitor.base}/`), link)
      const mentioned = [...`${letter.text} ${letter.html}`.matchAll(/https?:\/\/[^\s"<>,]+/g)].map(([one]) => one)
      for (const one of mentioned) assert.ok(one.startsWith(visitor.base), one)
      const { status, headers } = await visitor.send(link, { headers: { Accept: 'text/html' } })
      assert.equal(status, leadsTo === undefined ? 200 : 302, link)
      const location = headers.get('location')
      if (leadsTo !== undefined) assert.equal(new URL(location ?? '', link).href, visitor.base + leadsTo)
    }
  })
}

function formOf(name: string): FormData {
  const form = new FormData()
  form.append('file', new Blob([name]), name)
  form.append('public', 'on')
  return form
}

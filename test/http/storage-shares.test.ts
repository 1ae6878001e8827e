import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, withKey } from '../support/app.ts'
import { call } from '../support/call.ts'
import { MovingClock } from '../support/clock.ts'
import { thisFile } from '../support/shared.ts'
import { put, refusal, type StorageAnswer, storage } from '../support/storage.ts'

const clock = new MovingClock()
const app = await openTestApp(thisFile, {}, { clock })
const other = await app.newAccount('other@example.org')
const otherKey = (await app.newKey({}, other)).text

interface Shared {
  readonly token: string
  readonly url: string
}

/** Shares what is at a path. */
async function share(path: string, wish: object = {}, key = app.key): Promise<Shared> {
  const { status, body } = await storage(app, 'POST', '/files/share', { json: { path, ...wish }, key })
  assert.equal(status, 201, JSON.stringify(body))
  return body
}

/** Opens an address of the server as a program does that follows nothing. */
const open = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<StorageAnswer> =>
  call(app.url + path, method, { key: null, headers })

/** What the link leads to: the text behind it. */
async function textAt({ token }: Shared, headers: Record<string, string> = {}): Promise<string> {
  const led = await open(`/s/${token}`, headers)
  assert.equal(led.status, 302, led.bytes.toString())
  return (await fetch(led.headers.get('location') ?? '')).text()
}

const list = async (key = app.key) => (await storage(app, 'GET', '/shares', { key })).body.shares
const overs = (answer: StorageAnswer): void => refusal(answer, 401, 'unauthorized', /not known, or is over/)

test('A file is shared for an hour, and whoever has the link downloads it', async () => {
  await put(app, 'docs/report.txt', 'a report')
  const before = clock.now()
  const { status, body } = await storage(app, 'POST', '/files/share', { json: { path: 'docs/report.txt' } })
  assert.equal(status, 201)
  assert.deepEqual(Object.keys(body).sort(), ['expires_at', 'token', 'ttl', 'url'])
  assert.match(body.token, /^[A-Za-z0-9_-]{21}$/)
  assert.deepEqual([body.url, body.ttl], [`${app.url}/s/${body.token}`, 3_600])
  assert.ok(Math.abs((body.expires_at ?? 0) - before - 3_600_000) < 5_000)
  assert.equal(await textAt(body), 'a report')
  const led = await open(`/s/${body.token}`)
  const got = await fetch(led.headers.get('location') ?? '')
  assert.match(got.headers.get('content-disposition') ?? '', /filename=report.txt/)
  assert.equal(led.headers.get('cache-control'), 'no-store')
})

test('The link works below /storage, too, and for HEAD', async () => {
  await put(app, 'docs/both.txt', 'both')
  const { token } = await share('docs/both.txt')
  for (const path of [`/s/${token}`, `/storage/s/${token}`]) {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await open(path, {}, method)
      assert.equal(status, 302)
      assert.equal(await (await fetch(headers.get('location') ?? '')).text(), 'both')
    }
  }
})

test('A link lives from a minute to a week', async () => {
  await put(app, 'docs/life.txt', 'life')
  for (const ttl of [0, -1, 59, 604_801, 1.5, '3600'])
    refusal(
      await storage(app, 'POST', '/files/share', { json: { path: 'docs/life.txt', ttl } }),
      400,
      'bad_request',
      /ttl/,
    )
  for (const ttl of [60, 604_800])
    assert.equal((await storage(app, 'POST', '/files/share', { json: { path: 'docs/life.txt', ttl } })).body.ttl, ttl)
  const { body } = await storage(app, 'POST', '/files/share', { json: { path: 'docs/life.txt', ttl: null } })
  assert.equal(body.ttl, 3_600)
})

test('What is not there, what is no path and what is another’s cannot be shared', async () => {
  const wish = (path: string, key = app.key) => storage(app, 'POST', '/files/share', { json: { path }, key })
  refusal(await wish('docs/nothing.txt'), 404, 'not_found')
  refusal(await wish('docs/report.txt', otherKey), 404, 'not_found')
  for (const path of ['', '/', '../x', 'docs//x', '/docs/report.txt', 'docs/./x'])
    refusal(await wish(path), 400, 'bad_request')
  refusal(
    await storage(app, 'POST', '/files/share', { json: { path: 'docs/report.txt' }, key: null }),
    401,
    'unauthorized',
  )
})

test('A key shares within its prefix and scopes alone, and sees and ends no link outside', async () => {
  await put(app, 'inner/a.txt', 'inner')
  await put(app, 'inner2/a.txt', 'not inner')
  const inner = await share('inner/a.txt')
  const outer = await share('inner2/a.txt')
  const key = (await app.newKey({ pathPrefix: 'inner/' })).text
  const reader = (await app.newKey({ scopes: ['files:read'] })).text
  const wish = (path: string, by: string) => storage(app, 'POST', '/files/share', { json: { path }, key: by })
  assert.equal((await wish('inner/a.txt', key)).status, 201)
  for (const path of ['inner2/a.txt', 'docs/report.txt', 'nothing.txt'])
    refusal(await wish(path, key), 403, 'forbidden')
  refusal(await wish('inner/a.txt', reader), 403, 'forbidden')
  assert.deepEqual(new Set((await list(key)).map(({ path }) => path)), new Set(['inner/a.txt']))
  refusal(await storage(app, 'DELETE', `/shares/${outer.token}`, { key }), 404, 'not_found')
  refusal(await storage(app, 'DELETE', `/shares/${inner.token}`, { key: reader }), 403, 'forbidden')
  assert.equal((await storage(app, 'DELETE', `/shares/${inner.token}`, { key })).status, 200)
  assert.equal(await textAt(outer), 'not inner')
})

test('Links are listed newest first with their terms, and end at once where they are revoked', async () => {
  await put(app, 'list/a.txt', 'a')
  const first = await share('list/a.txt', { ttl: 60 })
  const second = await share('list/a.txt', { password: 'correct horse', max_downloads: 3 })
  const key = (await app.newKey({ pathPrefix: 'list/' })).text
  const all = await list(key)
  assert.deepEqual(new Set(all.map(({ token }) => token)), new Set([first.token, second.token]))
  const [limited] = all.filter(({ token }) => token === second.token)
  const { expires_at: at, ...rest } = limited as (typeof all)[number]
  assert.ok(at > clock.now())
  assert.deepEqual(rest, {
    url: second.url,
    token: second.token,
    path: 'list/a.txt',
    ttl: 3_600,
    has_password: true,
    max_downloads: 3,
    downloads: 0,
  })
  const gone = await storage(app, 'DELETE', `/shares/${first.token}`)
  assert.deepEqual([gone.status, gone.body], [200, { deleted: true }])
  overs(await open(`/s/${first.token}`))
  for (const token of [first.token, 'unknown'])
    refusal(await storage(app, 'DELETE', `/shares/${token}`), 404, 'not_found')
  refusal(await storage(app, 'DELETE', `/shares/${second.token}`, { key: otherKey }), 404, 'not_found')
  assert.deepEqual(
    (await list(key)).map(({ token }) => token),
    [second.token],
  )
  assert.deepEqual(await list(otherKey), [])
})

test('Links are listed in pages, newest first and each once, while others come and go', async () => {
  await put(app, 'pages/a.txt', 'a')
  const key = (await app.newKey({ pathPrefix: 'pages/' })).text
  const page = async (query: string) => (await storage(app, 'GET', `/shares?${query}`, { key })).body
  const made: string[] = []
  for (let n = 0; n < 5; n++) {
    // Two of them in the same millisecond.
    if (n !== 3) clock.aheadMs += 1_000
    made.unshift((await share('pages/a.txt')).token)
  }
  const first = await page('limit=2')
  assert.deepEqual([first.shares.length, first.truncated], [2, true])
  await storage(app, 'DELETE', `/shares/${first.shares[1]?.token}`)
  await share('pages/a.txt')
  const second = await page(`limit=2&cursor=${first.cursor}`)
  const third = await page(`limit=null&cursor=${second.cursor}`)
  assert.deepEqual([third.shares.length, third.truncated, third.cursor], [1, false, null])
  const seen = [first, second, third].flatMap(({ shares }) => shares.map(({ token }) => token))
  assert.deepEqual(new Set(seen), new Set(made))
  assert.deepEqual([seen[0], seen[4]], [made[0], made[4]])
  assert.equal((await page('cursor=null')).shares.length, 5)
  for (const query of ['limit=0', 'limit=x', 'cursor=x', `cursor=${btoa('1 ;')}`])
    refusal(await storage(app, 'GET', `/shares?${query}`), 400, 'bad_request')
})

test('An account has so many links of a kind and no more, and whatever is over makes room', async () => {
  const account = await app.newAccount('many-links@example.org')
  const key = (await app.newKey({}, account)).text
  for (const path of ['a.txt', 'b.txt']) await put(app, path, 'a', { key })
  const [kept, gone] = [
    await app.catalogue.read.entryAt(account.id, 'a.txt'),
    await app.catalogue.read.entryAt(account.id, 'b.txt'),
  ]
  const make = (n: number, entryId = '', expiresAt = clock.now() + 60_000) =>
    app.catalogue.write.createShare({
      ...{
        id: `link-${account.id}-${n}`,
        token: `token-${n}`,
        accountId: account.id,
        entryId,
        ttlSeconds: 60,
        expiresAt,
      },
      ...{ passwordHash: null, maxDownloads: null, createdAt: clock.now(), most: 1_000 },
    })
  await Promise.all(Array.from({ length: 998 }, (_, n) => make(n, kept?.entryId)))
  await make(998, gone?.entryId)
  await make(999, kept?.entryId, clock.now() - 1)
  const wish = () => storage(app, 'POST', '/files/share', { json: { path: 'a.txt' }, key })
  assert.equal((await wish()).status, 201)
  refusal(await wish(), 403, 'quota_exceeded', /1000 links of this kind at a time: end some/)
  await storage(app, 'DELETE', '/files/b.txt', { key })
  assert.equal((await wish()).status, 201)
  refusal(await wish(), 403, 'quota_exceeded')
  const { shares } = (await storage(app, 'GET', '/shares?limit=1000', { key })).body
  assert.equal(shares.length, 1_000)
  await storage(app, 'POST', '/files/mkdir', { json: { path: 'in/' }, key })
  assert.equal((await storage(app, 'POST', '/requests', { json: { path: 'in/' }, key })).status, 201)
  await storage(app, 'DELETE', `/shares/${shares[0]?.token}`, { key })
  assert.equal((await wish()).status, 201)
})

test('Links that are over are forgotten, some at a time', async () => {
  await put(app, 'docs/forgotten.txt', 'x')
  const made = [await share('docs/forgotten.txt', { ttl: 60 }), await share('docs/forgotten.txt', { ttl: 60 })]
  const lasting = await share('docs/forgotten.txt', { ttl: 604_800 })
  const left = async () => {
    const found = await Promise.all(made.map(({ token }) => app.catalogue.read.shareByToken(token)))
    return found.filter(Boolean).length
  }
  while (await app.catalogue.write.pruneShares({ now: clock.now(), limit: 1 }));
  assert.equal(await left(), 2)
  const wish = { now: clock.now() + 60_001, limit: 1 }
  assert.equal(await app.catalogue.write.pruneShares(wish), true)
  while (await app.catalogue.write.pruneShares(wish));
  assert.equal(await left(), 0)
  assert.ok(await app.catalogue.read.shareByToken(lasting.token))
})

test('A link follows what it was made for: a move, other content, and not what takes its place', async () => {
  await put(app, 'follow/a.txt', 'first')
  const link = await share('follow/a.txt')
  await storage(app, 'POST', '/files/move', { json: { from: 'follow/a.txt', to: 'follow/b.txt' } })
  assert.equal(await textAt(link), 'first')
  assert.ok((await list()).some(({ token, path }) => token === link.token && path === 'follow/b.txt'))
  await put(app, 'follow/b.txt', 'second')
  assert.equal(await textAt(link), 'second')
  await storage(app, 'POST', '/files/move', { json: { from: 'follow/', to: 'followed/' } })
  assert.equal(await textAt(link), 'second')
  await storage(app, 'DELETE', '/files/followed/b.txt')
  refusal(await open(`/s/${link.token}`), 404, 'not_found')
  assert.ok(!(await list()).some(({ token }) => token === link.token))
  await put(app, 'followed/b.txt', 'third')
  refusal(await open(`/s/${link.token}`), 404, 'not_found')
})

test('A deleted folder takes the links to what was in it along', async () => {
  await put(app, 'deep/er/a.txt', 'deep')
  const link = await share('deep/er/a.txt')
  await storage(app, 'DELETE', '/files/deep/')
  refusal(await open(`/s/${link.token}`), 404, 'not_found')
})

test('The address that a link leads to ends with the link', async () => {
  await put(app, 'docs/ends.txt', 'ends')
  const link = await share('docs/ends.txt')
  const address = (await open(`/s/${link.token}`)).headers.get('location') ?? ''
  assert.equal((await fetch(address)).status, 200)
  await storage(app, 'DELETE', `/shares/${link.token}`)
  assert.equal((await fetch(address)).status, 403)
  const short = await share('docs/ends.txt', { ttl: 60 })
  const brief = new URL((await open(`/s/${short.token}`)).headers.get('location') ?? '')
  assert.ok(Number(brief.searchParams.get('expires')) * 1_000 <= clock.now() + 60_000)
})

test('Unknown, malformed and expired links are one and the same to whoever tries', async () => {
  await put(app, 'docs/expired.txt', 'expired')
  const link = await share('docs/expired.txt', { ttl: 60 })
  clock.aheadMs += 60_001
  overs(await open(`/s/${link.token}`))
  assert.ok(!(await list()).some(({ token }) => token === link.token))
  clock.aheadMs -= 60_001
  for (const token of ['x', 'a'.repeat(21), '..%2f', "';--", `${link.token}x`]) overs(await open(`/s/${token}`))
  for (const path of ['/s/', '/s', '/s/%ff']) assert.equal((await open(path)).status, 404)
})

test('The links of a disabled account are over', async () => {
  const shut = await app.newAccount('shut@example.org')
  const key = (await app.newKey({}, shut)).text
  await put(app, 'a.txt', 'shut', { key })
  const link = await share('a.txt', {}, key)
  const folder = await storage(app, 'POST', '/files/mkdir', { json: { path: 'in/' }, key })
  assert.equal(folder.status, 200)
  const request = await storage(app, 'POST', '/requests', { json: { path: 'in/' }, key })
  const address = (await open(`/s/${link.token}`)).headers.get('location') ?? ''
  await app.accounts.setDisabled(shut, true)
  overs(await open(`/s/${link.token}`))
  overs(await open(`/r/${request.body.token}`))
  assert.equal((await fetch(address)).status, 403)
})

test('Twenty who come at once get no more downloads than there are', async () => {
  await put(app, 'docs/five.txt', 'five')
  const { token } = await share('docs/five.txt', { max_downloads: 5 })
  const answers = await Promise.all(Array.from({ length: 20 }, () => open(`/s/${token}`)))
  assert.equal(answers.filter(({ status }) => status === 302).length, 5)
  for (const answer of answers) if (answer.status !== 302) overs(answer)
  const [left] = (await list()).filter((one) => one.token === token)
  assert.partialDeepStrictEqual(left, { downloads: 5, max_downloads: 5 })
  for (const wish of [{ max_downloads: 0 }, { max_downloads: -1 }, { max_downloads: 1.5 }])
    refusal(
      await storage(app, 'POST', '/files/share', { json: { path: 'docs/five.txt', ...wish } }),
      400,
      'bad_request',
      /max_downloads/,
    )
})

test('Looking takes no download, and gives none away', async () => {
  await put(app, 'docs/looked.txt', 'looked')
  const { token } = await share('docs/looked.txt', { max_downloads: 1 })
  for (const headers of [{}, { Accept: 'text/html' }]) {
    const looked = await open(`/s/${token}`, headers, 'HEAD')
    assert.deepEqual([looked.status, looked.headers.get('location')], [200, null])
  }
  const page = await open(`/s/${token}`, { Accept: 'text/html' })
  assert.deepEqual([page.status, page.headers.get('location')], [200, null])
  assert.ok(!page.bytes.includes('/o/'))
  assert.equal(await textAt({ token, url: '' }), 'looked')
  assert.equal((await open(`/s/${token}`, {}, 'HEAD')).status, 401)
  assert.equal((await open(`/s/${token}`, { Accept: 'text/html' })).status, 401)
})

test('A link with a password tells nothing before it, by whatever method', async () => {
  await put(app, 'docs/secret-name.txt', 'secret')
  const { token } = await share('docs/secret-name.txt', { password: 'correct horse' })
  const basic = (password: string, name = 'anybody') => ({
    Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
  })
  const wrongs = [{}, basic('wrong horse'), basic(''), { Authorization: 'Basic x' }, withKey(app.key)]
  for (const path of [`/s/${token}`, `/storage/s/${token}`]) {
    for (const headers of wrongs as Record<string, string>[]) {
      const answer = await open(path, headers)
      refusal(answer, 401, 'unauthorized', /has a password/)
      assert.ok(!answer.bytes.includes('secret'))
      const head = await open(path, headers, 'HEAD')
      assert.deepEqual([head.status, head.headers.get('location')], [401, null])
    }
    for (const name of ['anybody', '', 'ädä'])
      assert.equal(await textAt({ token, url: '' }, basic('correct horse', name)), 'secret')
  }
  const kept = await app.catalogue.read.shareByToken(token)
  assert.ok(kept && !JSON.stringify(kept).includes('argon2'))
  assert.match((await app.catalogue.read.sharePassword(kept.id)) ?? '', /^\$argon2id\$/)
  refusal(
    await storage(app, 'POST', '/files/share', { json: { path: 'docs/secret-name.txt', password: 'short' } }),
    400,
    'bad_request',
    /6 characters/,
  )
  await storage(app, 'DELETE', '/files/docs/secret-name.txt')
  refusal(await open(`/s/${token}`), 401, 'unauthorized', /has a password/)
  refusal(await open(`/s/${token}`, basic('correct horse')), 404, 'not_found')
})

test('A program without the password is told how to send it', async () => {
  await put(app, 'docs/asked.txt', 'asked')
  const { token } = await share('docs/asked.txt', { password: 'correct horse' })
  assert.match((await open(`/s/${token}`)).headers.get('www-authenticate') ?? '', /^Basic /)
})

test('A program that loads in parts sends the password with each, and none has to wait', async (t) => {
  const strict = await openTestApp(t, { 'limits.auth': '1000/1m' })
  await put(strict, 'a.txt', 'a')
  const json = { path: 'a.txt', password: 'correct horse' }
  const { token } = (await storage(strict, 'POST', '/files/share', { json })).body
  const knock = async () => {
    const headers = { Authorization: `Basic ${btoa('x:correct horse')}` }
    return (await fetch(`${strict.url}/s/${token}`, { redirect: 'manual', headers })).status
  }
  const first = await knock()
  const parts = await Promise.all(Array.from({ length: 16 }, knock))
  assert.deepEqual(new Set([first, ...parts]), new Set([302]))
})

test('Whoever guesses a password waits, at this link and from this address alone', async (t) => {
  const strict = await openTestApp(t, { 'limits.auth': '1000/1m', 'server.trusted_proxies': ['127.0.0.1'] })
  await put(strict, 'a.txt', 'a')
  const made = async () =>
    (await storage(strict, 'POST', '/files/share', { json: { path: 'a.txt', password: 'correct horse' } })).body.token
  const [token, another] = [await made(), await made()]
  const knock = (of: string, password: string, from = '198.51.100.7') =>
    fetch(`${strict.url}/s/${of}`, {
      redirect: 'manual',
      headers: { Authorization: `Basic ${btoa(`x:${password}`)}`, 'X-Forwarded-For': from },
    })
  const tries: number[] = []
  for (let n = 0; n < 6; n++) tries.push((await knock(token, 'wrong horse')).status)
  assert.deepEqual(tries, [401, 401, 401, 401, 401, 429])
  const waits = await knock(token, 'correct horse')
  assert.equal(waits.status, 429)
  assert.ok(Number(waits.headers.get('retry-after')) > 0)
  assert.equal((await knock(token, 'correct horse', '203.0.113.9')).status, 302)
  assert.equal((await knock(another, 'correct horse')).status, 302)
})

test('What one address knows of a password helps nobody at another, nor whoever guesses beside it', async (t) => {
  const strict = await openTestApp(t, { 'limits.auth': '1000/1m', 'server.trusted_proxies': ['127.0.0.1'] })
  await put(strict, 'a.txt', 'a')
  const json = { path: 'a.txt', password: 'correct horse' }
  const { token } = (await storage(strict, 'POST', '/files/share', { json })).body
  const knock = async (from: string, password: string) => {
    const headers = { Authorization: `Basic ${btoa(`x:${password}`)}`, 'X-Forwarded-For': from }
    return (await fetch(`${strict.url}/s/${token}`, { redirect: 'manual', headers })).status
  }
  const [guesser, friend] = ['198.51.100.7', '203.0.113.9']
  for (let n = 0; n < 5; n++) assert.equal(await knock(guesser, 'wrong horse'), 401)
  assert.equal(await knock(guesser, 'wrong horse'), 429)
  assert.equal(await knock(guesser, 'correct horse'), 429)
  assert.equal(await knock(friend, 'correct horse'), 302)
  assert.equal(await knock(guesser, 'wrong horse'), 429)
  assert.equal(await knock(guesser, 'correct horse'), 429)
  for (let n = 0; n < 5; n++) assert.equal(await knock(friend, 'wrong horse'), 401)
  assert.equal(await knock(friend, 'correct horse'), 429)
})

test('The token of one kind of link is nothing to another', async () => {
  await put(app, 'kinds/a.txt', 'kinds')
  const link = await share('kinds/a.txt')
  const { body: request } = await storage(app, 'POST', '/requests', { json: { path: 'kinds/' } })
  overs(await open(`/r/${link.token}`))
  overs(await open(`/s/${request.token}`))
  refusal(await storage(app, 'DELETE', `/requests/${link.token}`), 404, 'not_found')
  refusal(await storage(app, 'DELETE', `/shares/${request.token}`), 404, 'not_found')
  for (const key of [link.token, request.token])
    refusal(await storage(app, 'GET', '/files', { key }), 401, 'unauthorized')
  assert.equal(await textAt(link), 'kinds')
})

test('The log of the server keeps no link', async () => {
  await put(app, 'docs/logged.txt', 'logged')
  const { token } = await share('docs/logged.txt')
  await open(`/s/${token}`)
  await open(`/storage/s/${token}/`)
  assert.ok(!(await app.wholeLog()).includes(token))
})

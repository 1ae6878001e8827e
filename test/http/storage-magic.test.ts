import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { catalogueFile } from '../../src/catalogue/connection.ts'
import type { Letter } from '../../src/core/model.ts'
import { newToken, secretDigest } from '../../src/core/secrets.ts'
import { openTestApp, type TestApp } from '../support/app.ts'
import { atiru, followed, logIn } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { pageText, Visitor } from '../support/dashboard.ts'
import { lastLetterTo, lettersTo, linkIn } from '../support/outbox.ts'
import { thisFile } from '../support/shared.ts'
import { challenge, newActor, refusal, type StorageAnswer, storage } from '../support/storage.ts'

const clock = new MovingClock()
const minuteMs = 60_000

/** Nobody registers here. */
const closed = await openTestApp(thisFile, {}, { clock })
/** Anybody may. */
const open = await openTestApp(thisFile, { 'auth.registration': 'open', 'server.base_path': '/box' }, { clock })

const sameForAll = 'If this address may sign in here, a link is on its way.'
const noLink = 'there is no such link'

const ask = (app: TestApp, email: string): Promise<StorageAnswer> =>
  storage(app, 'POST', '/auth/magic-link', { json: { email }, key: null })

/** Asks for a link and takes it out of its letter: the path at the test's server. */
async function linkFor(app: TestApp, email: string): Promise<string> {
  assert.equal((await ask(app, email)).status, 200)
  return linkIn(await lastLetterTo(app, email, 'magic')).pathname
}

/** The same without waiting for the letter. */
async function linkAtOnce(app: TestApp, email: string): Promise<string> {
  const token = newToken()
  const now = clock.now()
  const path = `/storage/auth/magic/${token}`
  const letter: Letter = { to: email, purpose: 'magic', path, expiresAt: now + 15 * minuteMs }
  const mail = { id: randomUUID(), letter, hourly: null, now }
  await app.catalogue.write.sendMagicLink({ email, digest: secretDigest(token), mayRegister: true, mail, now })
  return new URL(app.url).pathname.replace(/\/$/, '') + path
}

const follow = (app: TestApp, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(new URL(path, app.url), { redirect: 'manual', ...init })

const html = { headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }

/** A browser with the session that an answer brought. */
function visitorBy(app: TestApp, response: Response): Visitor {
  const visitor = new Visitor(app)
  visitor.session = /^larder_session=([^;]*)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1] ?? ''
  return visitor
}

const isLetIn = async (visitor: Visitor): Promise<boolean> => (await visitor.get('/app/')).status === 200

/** What a program is told of a link that is over. */
async function refusedLink(app: TestApp, path: string): Promise<void> {
  refusal(await storage(app, 'GET', path.slice(path.indexOf('/auth/')), { key: null }), 404, 'not_found', noLink)
}

test('A link in a letter signs in at the pages of this server, once', async () => {
  await open.newAccount('once@example.org')
  const path = await linkFor(open, 'once@example.org')
  assert.match(path, /^\/box\/storage\/auth\/magic\/[A-Za-z0-9_-]{43}$/)
  const response = await follow(open, path)
  assert.equal(response.status, 302)
  assert.equal(response.headers.get('location'), '/box/app/')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const [cookie = ''] = response.headers.getSetCookie()
  assert.match(cookie, /^larder_session=[\w-]{43}; Path=\/box\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/)
  const visitor = visitorBy(open, response)
  assert.match(await pageText(await visitor.get('/app/')), /once@example\.org/)

  await refusedLink(open, path)
  const again = await follow(open, path, html)
  assert.deepEqual([again.status, again.headers.get('location')], [302, '/box/app/sign-in?notice=link-over'])
  assert.deepEqual(again.headers.getSetCookie(), [])
  assert.match(await pageText(await visitor.get('/app/')), /once@example\.org/, 'who is in stays in')
})

test('The letter says what it is, for how long, and leads to the public address', async (t) => {
  const app = await openTestApp(t, { 'server.public_url': 'https://files.example.org/box', 'server.base_path': '/box' })
  await app.newAccount('ada@example.org')
  assert.equal((await ask(app, 'ada@example.org')).status, 200)
  const letter = await lastLetterTo(app, 'ada@example.org', 'magic')
  assert.equal(letter.subject, 'Your link to sign in')
  assert.match(letter.text, /works once, for 15 minutes/)
  const link = linkIn(letter)
  assert.match(link.href, /^https:\/\/files\.example\.org\/box\/storage\/auth\/magic\/[\w-]{43}$/)
  const [cookie = ''] = (await follow(app, link.pathname)).headers.getSetCookie()
  assert.match(cookie, /; HttpOnly; SameSite=Lax; Secure$/)
  const token = link.pathname.split('/').at(-1) ?? ''
  assert.ok(!(await app.wholeLog()).includes(token), 'the log knows the secret')
})

test('Whoever asks is answered the same, and only who may sign in gets a letter', async () => {
  await closed.newAccount('known@example.org')
  const disabled = await closed.newAccount('disabled@example.org')
  await closed.accounts.setDisabled(disabled, true)
  const answers = []
  for (const address of ['known@example.org', 'nobody@example.org', 'disabled@example.org']) {
    const { status, headers, body } = await ask(closed, address)
    answers.push({ status, body, told: [...headers.keys()].sort() })
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  assert.deepEqual([answers[0]?.status, answers[0]?.body], [200, { message: sameForAll }])
  assert.equal((await lettersTo(closed, 'known@example.org')).length, 1)
  for (const address of ['nobody@example.org', 'disabled@example.org'])
    assert.deepEqual(await lettersTo(closed, address), [])
  // In the tables it is the same, too: a letter that is withheld, and a link that nobody has.
  const raw = new Database(catalogueFile(closed.folder), { readonly: true })
  const withLinks = 'SELECT m.state FROM mails m JOIN magic_links l ON l.email = m.recipient ORDER BY m.state'
  assert.deepEqual(raw.prepare(withLinks).pluck().all(), ['sent', 'withheld', 'withheld'])
  raw.close()
})

test('What is no address is refused, and an address is the same in any case and with spaces around it', async () => {
  for (const email of ['', 'ada', 'ada@', '@example.org', 'a b@example.org', 'ada@example.org, eve@example.org'])
    refusal(await ask(closed, email), 400, 'bad_request', /an e-mail address looks like/)
  for (const json of [{}, { email: null }, { email: 1 }, { email: 'a@b.c', 'cf-turnstile-response': 1 }, []])
    refusal(await storage(closed, 'POST', '/auth/magic-link', { json, key: null }), 400, 'bad_request')
  await closed.newAccount('case@example.org')
  assert.equal((await ask(closed, ' Case@Example.ORG ')).status, 200)
  assert.equal((await lettersTo(closed, 'case@example.org')).length, 1)
})

test('What looks ahead at a link does not use it up', async () => {
  await open.newAccount('ahead@example.org')
  const path = await linkAtOnce(open, 'ahead@example.org')
  for (let n = 0; n < 2; n++) {
    const response = await follow(open, path, { method: 'HEAD' })
    assert.deepEqual([response.status, response.headers.get('location')], [302, '/box/app/sign-in'])
    assert.deepEqual(response.headers.getSetCookie(), [])
  }
  assert.equal(await isLetIn(visitorBy(open, await follow(open, path))), true)
})

test('Whoever is signed in already is asked first: a link may be a trap of somebody else', async () => {
  const visitor = visitorBy(open, await follow(open, await linkAtOnce(open, 'signed-in@example.org')))
  const path = await linkAtOnce(open, 'somebody-else@example.org')
  const cookie = { Cookie: `larder_session=${visitor.session}` }
  const asked = await follow(open, path, { headers: { ...cookie, ...html.headers } })
  assert.deepEqual([asked.status, asked.headers.getSetCookie()], [200, []])
  assert.match(await asked.text(), /<form method="post">/)
  const send = (headers: Record<string, string>) =>
    follow(open, path, { method: 'POST', headers: { ...cookie, ...headers } })
  assert.equal((await send({ Origin: 'https://evil.example' })).status, 403)
  const followed = await send({ Origin: new URL(open.url).origin })
  assert.equal(followed.status, 302)
  assert.ok(await isLetIn(visitorBy(open, followed)))
})

test('A link is good for 15 minutes, and is forgotten then', async (t) => {
  t.after(() => {
    clock.aheadMs = 0
  })
  await open.newAccount('late@example.org')
  const inTime = await linkFor(open, 'late@example.org')
  const late = await linkAtOnce(open, 'late@example.org')
  clock.aheadMs = 15 * minuteMs - 2_000
  assert.equal(await isLetIn(visitorBy(open, await follow(open, inTime))), true)
  clock.aheadMs = 15 * minuteMs + 1_000
  await open.catalogue.write.pruneAccess({ now: clock.now(), unconfirmedBefore: 0 })
  await refusedLink(open, late)
  clock.aheadMs = 0
  await refusedLink(open, late)
})

test('Of those who follow a link at once, one is let in', async () => {
  await open.newAccount('twice@example.org')
  const path = await linkAtOnce(open, 'twice@example.org')
  const responses = await Promise.all(Array.from({ length: 8 }, () => follow(open, path)))
  assert.deepEqual(responses.map(({ status }) => status).sort(), [302, ...Array(7).fill(404)])
})

test('Of those who follow links of an unknown address at once, all are let in to one account', async () => {
  const paths = [await linkAtOnce(open, 'crowd@example.org'), await linkAtOnce(open, 'crowd@example.org')]
  const responses = await Promise.all(paths.map((path) => follow(open, path)))
  for (const response of responses) assert.equal(await isLetIn(visitorBy(open, response)), true)
  const accounts = await open.accounts.list()
  assert.equal(accounts.filter(({ email }) => email === 'crowd@example.org').length, 1)
})

test('What is no link leads nowhere', async () => {
  for (const token of ['FROM_THE_MAIL', 'A'.repeat(43), '%00', 'x'.repeat(5_000)])
    await refusedLink(open, `/auth/magic/${token}`)
  // A cookie is no link, nor is a link a cookie.
  const visitor = new Visitor(open)
  await open.newAccount('mixed@example.org')
  visitor.session = (await linkAtOnce(open, 'mixed@example.org')).split('/').at(-1) ?? ''
  assert.equal(await isLetIn(visitor), false)
})

test('Where registration is open an account is made at the click, and not before', async () => {
  const path = await linkFor(open, 'new@example.org')
  await assert.rejects(open.accounts.named('new@example.org'))
  assert.equal(await isLetIn(visitorBy(open, await follow(open, path))), true)
  const account = await open.accounts.named('new@example.org')
  assert.deepEqual(
    [account.isOwner, account.hasPassword, account.actor, account.actorType],
    [false, false, 'new', 'human'],
  )
  assert.notEqual(account.verifiedAt, null)
  refusal(await challenge(open, 'new'), 404, 'not_found', 'there is no such account')
  assert.equal((await logIn(open, 'new@example.org', '')).status, 401, 'without a password none is right')
  await follow(open, await linkAtOnce(open, 'new@example.org'))
  assert.equal((await open.accounts.named('new@example.org')).id, account.id, 'the next time it is the same one')
})

test('Where registration is closed nobody new is let in, also by a link from before', async (t) => {
  const before = await openTestApp(t, { 'auth.registration': 'open' })
  const path = await linkFor(before, 'new@example.org')
  await before.close()
  const after = await openTestApp(t, { 'data.dir': before.folder })
  await refusedLink(after, path)
  await assert.rejects(after.accounts.named('new@example.org'))
})

test("A new actor has a name after its address, in an actor's characters, that nobody has", async () => {
  await newActor(open, 'TAKEN')
  const names = {
    'ada.lovelace+files@example.org': 'ada-lovelace-files',
    'o_o-o@example.org': 'o_o-o',
    'jos\u00e9.\u00e5@example.org': 'jose-a',
    '+@example.org': 'user',
    '\u0434\u0430@example.org': 'user-2',
    'taken@example.org': 'taken-2',
    'taken@example.com': 'taken-3',
    'Taken@example.net': 'taken-4',
    'taken@example.net.example': 'taken-5',
    [`${'x'.repeat(64)}@example.org`]: 'x'.repeat(64),
    [`${'x'.repeat(64)}@example.com`]: `${'x'.repeat(62)}-2`,
  }
  await Promise.all(Object.keys(names).map((email) => ask(open, email)))
  for (const [email, name] of Object.entries(names)) {
    const path = linkIn(await lastLetterTo(open, email.toLowerCase(), 'magic')).pathname
    assert.equal((await follow(open, path)).status, 302)
    assert.equal((await open.accounts.named(email)).actor, name)
  }
})

test('A password that was registered and never verified goes when somebody proves the address by a link', async () => {
  const email = 'victim@example.org'
  const json = { email, password: 'chosen by a stranger' }
  assert.equal((await atiru(open, 'POST', '/auth/register', { json, key: null })).status, 201)
  const confirm = linkIn(await lastLetterTo(open, email, 'confirm'))
  const before = await logIn(open, email, 'chosen by a stranger')
  assert.deepEqual([before.status, before.body.code], [403, 'EMAIL_NOT_VERIFIED'])

  const visitor = visitorBy(open, await follow(open, await linkAtOnce(open, email)))
  const after = await logIn(open, email, 'chosen by a stranger')
  assert.deepEqual(after.body, before.body, 'the stranger is told nothing new')
  const origin = { url: new URL(open.url).origin }
  assert.equal((await followed(origin, confirm)).status, 404, 'its link leads nowhere any more')
  assert.equal((await open.accounts.named(email)).hasPassword, false)
  assert.equal(await isLetIn(visitor), true)
})

test('A verified account keeps its password and its sessions when it signs in by a link', async () => {
  await open.newAccount('keeps@example.org')
  const before = (await logIn(open, 'keeps@example.org')).body.session.access_token
  await follow(open, await linkAtOnce(open, 'keeps@example.org'))
  assert.equal((await logIn(open, 'keeps@example.org')).status, 200)
  assert.equal((await storage(open, 'GET', '/auth/keys', { key: before })).status, 200)
})

test('A disabled account is refused with the link that it was sent before', async () => {
  const account = await open.newAccount('gone@example.org')
  const path = await linkAtOnce(open, 'gone@example.org')
  await open.accounts.setDisabled(account, true)
  const answer = await storage(open, 'GET', path.slice(path.indexOf('/auth/')), { key: null })
  refusal(answer, 403, 'forbidden', 'this account is disabled')
  assert.deepEqual(answer.headers.getSetCookie(), [])
})

test('An address has so many letters in an hour, and the same answer beyond', async (t) => {
  const counting = await openTestApp(t, { 'limits.auth': '1000/1m' }, { clock })
  await counting.newAccount('busy@example.org')
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(counting, 'busy@example.org')))
  for (const { status, body } of answers) assert.deepEqual([status, body], [200, { message: sameForAll }])
  assert.equal((await lettersTo(counting, 'busy@example.org')).length, 10)
})

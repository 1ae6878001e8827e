import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { openTestApp, type TestApp, temporaryFolder, upload } from '../support/app.ts'
import { linkTo, Visitor } from '../support/dashboard.ts'
import { skipWithout } from '../support/needs.ts'

const executablePath = '/usr/bin/chromium'
const hasBrowser = (): boolean => existsSync(executablePath)
const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map((what) => `--disable-${what}`)
/** A name as a box on a LAN has it: on plain HTTP browsers trust it less than they trust the loopback. */
const lanName = 'larder.lan'
const args = [
  '--headless',
  '--no-sandbox',
  '--no-first-run',
  `--host-resolver-rules=MAP ${lanName} 127.0.0.1`,
  ...quiet,
]

let browser: Browser | undefined
before(async () => {
  if (hasBrowser()) browser = await chromium.launch({ executablePath, args })
})
after(() => browser?.close())

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, javaScriptEnabled: false }
const lanUrl = (app: TestApp): string => app.url.replace('127.0.0.1', lanName)

async function openPage(t: { after(close: () => unknown): void }, options: BrowserContextOptions): Promise<Page> {
  const context = await (browser as Browser).newContext(options)
  t.after(() => context.close())
  context.setDefaultTimeout(15_000)
  return context.newPage()
}

/** Follows a set-up link to its end. */
async function setUp(page: Page, app: TestApp, base = lanUrl(app)): Promise<void> {
  await page.goto(`${base}/app/set-up?token=${await app.accounts.createSetUpLink(app.owner)}`)
  await page.getByLabel('E-mail address').fill('ada@example.org')
  await page.getByLabel('Password').fill('correct horse')
  await page.getByRole('button', { name: 'Set up' }).click()
  await page.getByRole('heading', { name: 'Your files' }).waitFor()
}

const fileOf = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })

test('On a phone, over plain HTTP and without scripts, everything works', { timeout: 60_000 }, async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const app = await openTestApp(t)
  const page = await openPage(t, phone)
  await setUp(page, app)

  await page.getByLabel('Files, up to').setInputFiles([fileOf('shopping.txt', 'bread'), fileOf('Grüße.txt', 'hello')])
  await page.getByRole('button', { name: 'Upload' }).click()
  assert.equal(await page.getByRole('status').textContent(), '2 files stored.')
  const names = page.locator('.file .name')
  assert.deepEqual(await names.allTextContents(), ['Grüße.txt', 'shopping.txt'])

  const link = await page.getByLabel('Link to shopping.txt').inputValue()
  assert.ok(link.startsWith(`${lanUrl(app)}/m/`))
  await names.getByText('shopping.txt').click()
  assert.equal(page.url(), link)
  assert.equal(await page.textContent('body'), 'bread')
  await page.goBack()

  const row = page.locator('.file', { hasText: 'shopping.txt' })
  await row.getByRole('button', { name: 'Make private' }).click()
  assert.match((await page.getByRole('status').textContent()) ?? '', /its link opens nothing any more/)
  assert.equal((await fetch(link.replace(lanName, '127.0.0.1'))).status, 404)
  await row.getByRole('button', { name: 'Make public' }).click()
  assert.equal((await fetch(link.replace(lanName, '127.0.0.1'))).status, 200)

  const reallyDelete = row.getByRole('button', { name: 'Really delete' })
  assert.equal(await reallyDelete.isVisible(), false)
  await row.locator('summary').click()
  await reallyDelete.click()
  assert.equal(await page.getByRole('status').textContent(), 'The file is deleted.')
  assert.deepEqual(await names.allTextContents(), ['Grüße.txt'])

  await page.getByRole('link', { name: 'API keys' }).click()
  await page.getByLabel('What it is for').fill('Phone backup')
  await page.getByLabel('files:read').check()
  await page.getByLabel('Expires').selectOption('In 90 days')
  await page.getByRole('button', { name: 'Make key' }).click()
  const key = await page.getByLabel('API key', { exact: true }).inputValue()
  const answer = await fetch(`${app.url}/api/v1/files`, { headers: { 'X-API-Key': key } })
  assert.equal(((await answer.json()) as { files: unknown[] }).files.length, 1)
  assert.ok(!page.url().includes(key.slice(3)))
  await page.reload()
  assert.match((await page.getByRole('status').textContent()) ?? '', /A new key is shown once/)
  assert.equal(await page.locator('.key', { hasText: 'Phone backup' }).count(), 1)
  assert.ok(!(await page.content()).includes(key))

  await page.getByRole('button', { name: 'Sign out' }).click()
  assert.equal(await page.getByRole('status').textContent(), 'You are signed out.')
  await page.goto(`${lanUrl(app)}/app/keys`)
  assert.equal(new URL(page.url()).pathname, '/app/sign-in')
  await page.getByLabel('E-mail address').fill('ada@example.org')
  await page.getByLabel('Password').fill('correct horse')
  await page.getByRole('button', { name: 'Sign in' }).click()
  assert.deepEqual(await names.allTextContents(), ['Grüße.txt'])
})

test('From the first letter to a new password, on a phone and without scripts', { timeout: 60_000 }, async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const app = await openTestApp(t, { 'auth.registration': 'open' })
  const page = await openPage(t, phone)
  const fillIn = async (fields: Record<string, string>, button: string): Promise<void> => {
    for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text)
    await page.getByRole('button', { name: button }).click()
  }
  const ada = { 'E-mail address': 'ada@example.org', Password: 'correct horse' }
  const told = (): Promise<string | null> => page.getByRole('status').textContent()

  await page.goto(lanUrl(app))
  await page.getByRole('link', { name: 'Register' }).click()
  await fillIn(ada, 'Register')
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor()
  assert.equal(page.url(), `${lanUrl(app)}/app/register/sent`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await fillIn(ada, 'Sign in')
  assert.match((await page.getByRole('alert').textContent()) ?? '', /not confirmed yet/)
  await page.goto(lanUrl(app) + (await linkTo(app, 'ada@example.org', 'confirm')).path)
  assert.equal(await told(), 'Your address is confirmed. Sign in.')
  await fillIn(ada, 'Sign in')
  await page.getByRole('heading', { name: 'Your files' }).waitFor()

  await page.getByRole('link', { name: 'Account' }).click()
  const change = { 'Password that you have now': 'correct horse', 'New password': 'second horse' }
  await fillIn({ ...change, 'Password that you have now': 'wrong horse' }, 'Change password')
  assert.match((await page.getByRole('alert').textContent()) ?? '', /not the password that you have now/)
  await fillIn(change, 'Change password')
  assert.match((await told()) ?? '', /Your password is changed/)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await fillIn(ada, 'Sign in')
  assert.match((await page.getByRole('alert').textContent()) ?? '', /is not right/)

  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await fillIn({ 'E-mail address': 'ada@example.org' }, 'Send the letter')
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor()
  const { path } = await linkTo(app, 'ada@example.org', 'reset')
  await page.goto(lanUrl(app) + path)
  assert.equal(await page.getByLabel('E-mail address').inputValue(), 'ada@example.org')
  await fillIn({ 'New password': 'third horse' }, 'Change the password')
  assert.equal(await told(), 'Your password is changed. Sign in with the new one.')
  await fillIn({ ...ada, Password: 'third horse' }, 'Sign in')
  await page.getByRole('heading', { name: 'Your files' }).waitFor()
  await page.goto(lanUrl(app) + path)
  await page.getByRole('heading', { name: 'This link is over' }).waitFor()
})

test('An upload over the quota shows a page that says so, also while the browser still sends', async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const app = await openTestApp(t, { 'quota.storage': '1 MiB' })
  const page = await openPage(t, phone)
  await setUp(page, app)
  const film = join(await temporaryFolder(t), 'film.mp4')
  await writeFile(film, Buffer.alloc(100 * 1024 * 1024))
  await page.getByLabel('Files, up to').setInputFiles(film)
  await page.getByRole('button', { name: 'Upload' }).click()
  assert.match((await page.locator('main').textContent()) ?? '', /Your account may hold 1 MB/)
  await page.getByRole('link', { name: 'Back to the files' }).click()
  assert.match((await page.locator('main').textContent()) ?? '', /Nothing here yet/)
})

test('No page is wider than a small phone, whatever the names', async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const app = await openTestApp(t, { 'quota.storage': '1 GiB', 'auth.registration': 'open' })
  const page = await openPage(t, { ...phone, viewport: { width: 360, height: 740 } })
  await setUp(page, app)
  const long = 'x'.repeat(200)
  await upload(app, 'a', `${long}.txt`, 'text/plain', { description: long, tags: `${'y'.repeat(64)},b` })
  await upload(app, 'b', 'b.txt', 'text/plain', { public: 'false' })
  await app.newKey({ name: long, pathPrefix: `${long}/`, scopes: ['files:read', 'files:write', 'user:read'] })
  const email = `${'a'.repeat(200)}@example.org`
  await app.newAccount(email)
  await new Visitor(app).post('/app/forgot', { email })
  const { path: reset } = await linkTo(app, email, 'reset')
  const look = async (paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      await page.goto(lanUrl(app) + path)
      for (const summary of await page.locator('summary').all()) await summary.click()
      assert.ok((await widthOf(page)) <= 360, `${path} is ${await widthOf(page)} wide`)
    }
  }
  await look(['/app/', '/app/keys', '/app/account', '/app/nothing', '/app/set-up?token=over', reset])
  await page.context().clearCookies()
  const open = ['sign-in?notice=link-over', 'register', 'register/sent', 'forgot', 'forgot/sent', 'reset?token=over']
  await look(open.map((path) => `/app/${path}`))
})

/** How far a page can be scrolled to the right, and what is seen of it. The page's own scripts are off; this one is ours. */
function widthOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth')
}

test('With scripts a button copies the link, also where plain HTTP has no clipboard for them', async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const app = await openTestApp(t)
  for (const base of [lanUrl(app), app.url]) {
    const page = await openPage(t, { viewport: { width: 1280, height: 800 } })
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    await setUp(page, app, base)
    await upload(app, 'copied', 'copied.txt')
    await page.reload()
    assert.equal(await page.evaluate('navigator.clipboard === undefined'), base !== app.url)
    await page.getByRole('button', { name: 'Copy' }).first().click()
    await page.getByRole('button', { name: 'Copied', exact: true }).waitFor()
    await page.getByText('Description and tags').click()
    await page.getByLabel('Description', { exact: true }).focus()
    await page.keyboard.press('Control+V')
    const copied = await page.getByLabel('Description', { exact: true }).inputValue()
    assert.equal(copied, await page.getByLabel('Link to copied.txt').first().inputValue())
    assert.equal(await (await fetch(copied.replace(lanName, '127.0.0.1'))).text(), 'copied')
    assert.deepEqual(complaints, [])
  }
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { atiru as door } from '../../src/http/atiru/index.ts'
import { openTestApp, temporaryFolder } from '../support/app.ts'
import { atiru } from '../support/atiru.ts'
import { skipWithout } from '../support/needs.ts'
import { thisFile } from '../support/shared.ts'

const executablePath = '/usr/bin/chromium'
const hasBrowser = (): boolean => existsSync(executablePath)
const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map((what) => `--disable-${what}`)

const app = await openTestApp(thisFile)
let browser: Browser | undefined
before(async () => {
  if (hasBrowser()) browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', ...quiet] })
})
after(() => browser?.close())

const desktop = { viewport: { width: 1280, height: 800 } }
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, javaScriptEnabled: false }

/** The reference in a browser, and all that the browser complains of. */
async function openPage(t: { after(close: () => unknown): void }, options: BrowserContextOptions) {
  const context = await (browser as Browser).newContext(options)
  t.after(() => context.close())
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
  const elsewhere: string[] = []
  page.on('request', (request) => elsewhere.push(request.url()))
  const answer = await page.goto(`${app.url}/reference`)
  return { page, complaints, elsewhere, answer }
}

async function openAll(page: Page): Promise<void> {
  for (const summary of await page.locator('summary').all()) await summary.click()
}

test('The page needs nothing but itself: no script, nothing from elsewhere, and it says so', async () => {
  const answer = await atiru(app, 'GET', '/reference', { key: null })
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/html; charset=utf-8$/)
  const policy = answer.headers.get('content-security-policy') ?? ''
  assert.match(policy, /^default-src 'none'; style-src 'sha256-/)
  assert.doesNotMatch(policy, /unsafe|script|\*/)
  assert.doesNotMatch(answer.bytes.toString(), /<script|\son\w+=|style="/)
})

test('In a browser it looks as it should, and the browser complains of nothing', { timeout: 60_000 }, async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const { page, complaints, elsewhere, answer } = await openPage(t, desktop)
  assert.equal(answer?.status(), 200)
  assert.match(await page.evaluate('getComputedStyle(document.body).maxWidth'), /px$/, 'its style is in force')
  const shown = await page.locator('summary h2').allTextContents()
  const wanted = door.routes.map(({ method, path }) => `${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
  for (const name of wanted)
    assert.ok(
      shown.some((text) => text.replace(/\s+/g, ' ').startsWith(name)),
      name,
    )
  await openAll(page)
  assert.ok(await page.getByText('curl -X POST').first().isVisible())
  const picture = join(await temporaryFolder(t), 'reference.png')
  assert.ok((await page.screenshot({ path: picture, fullPage: true })).length > 10_000)
  assert.deepEqual(complaints, [])
  assert.deepEqual(elsewhere, [`${app.url}/reference`], 'not even an icon')
})

test('On a small phone, without scripts, it is no wider than the screen, whatever is opened', {
  timeout: 60_000,
}, async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const { page, complaints } = await openPage(t, phone)
  const widthNow = (): Promise<number> => page.evaluate('document.documentElement.scrollWidth')
  assert.ok((await widthNow()) <= 360, `${await widthNow()} wide`)
  await openAll(page)
  assert.ok((await widthNow()) <= 360, `${await widthNow()} wide with all opened`)
  assert.deepEqual(complaints, [])
})

test('What the page links to is there', async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const { page } = await openPage(t, desktop)
  const links = await Promise.all((await page.locator('a').all()).map((link) => link.getAttribute('href')))
  assert.ok(links.length >= 2)
  for (const link of links) assert.equal((await fetch(new URL(link ?? '', page.url()))).status, 200, link ?? '')
})

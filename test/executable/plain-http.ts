import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { openTestApp, type TestApp, temporaryFolder, withKey } from '../support/app.ts'
import { hasBrowser, TestBrowser } from '../support/browser.ts'
import { skipWithout } from '../support/needs.ts'
import { lastLetterTo, linkIn } from '../support/outbox.ts'

/** A name as a box on a LAN has it: on plain HTTP browsers trust it less than they trust the loopback. */
const lanName = 'larder.lan'
const browser = new TestBrowser([lanName])
const desk = { viewport: { width: 1280, height: 800 } }
const email = 'ada@example.org'
const password = 'correct horse'

const lanUrl = ({ port }: TestApp): string => `http://${lanName}:${port}`

/** Follows the first start's link to its end. */
async function setUp(page: Page, app: TestApp): Promise<void> {
  await page.goto(`${lanUrl(app)}/app/set-up?token=${app.firstSecrets?.setUpToken}`)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Set up' }).click()
  await page.getByRole('heading', { name: 'Your files' }).waitFor()
}

/** What would send a browser to https, where nobody is. */
function mustStayPlain(page: Page): string[] {
  const faults: string[] = []
  page.on('response', (response) => {
    const headers = response.headers()
    const policy = headers['content-security-policy'] ?? ''
    if (headers['strict-transport-security'] !== undefined || policy.includes('upgrade-insecure'))
      faults.push(response.url())
  })
  page.on('requestfailed', (failed) => faults.push(`${failed.url()} ${failed.failure()?.errorText}`))
  page.on('console', (message) => {
    if (!message.text().includes('status of 40')) faults.push(message.text())
  })
  return faults
}

test('On plain HTTP, under a name of the LAN, nobody is without a page or a session', async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const app = await openTestApp(t)
  const page = await browser.open(t, desk)
  const faults = mustStayPlain(page)
  await setUp(page, app)
  assert.equal(await page.evaluate('window.isSecureContext'), false)
  const cookies = await page.context().cookies()
  assert.deepEqual(
    cookies.map(({ name, secure }) => [name, secure]),
    [['larder_session', false]],
  )

  const dropped = join(await temporaryFolder(t), 'dropped.txt')
  await writeFile(dropped, 'dropped')
  await drop(page, dropped)
  await page.getByRole('button', { name: 'Upload' }).click()
  await page.getByText('1 file stored.').waitFor()
  await page.getByRole('button', { name: 'Copy' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  await page.goto(await page.getByLabel('Link to dropped.txt').inputValue())
  assert.equal(await page.textContent('body'), 'dropped')

  await page.goto(`${lanUrl(app)}/app/`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  for (const [label, kind] of [
    ['E-mail address', 'username'],
    ['Password', 'current-password'],
  ] as const)
    assert.equal(await page.getByLabel(label).getAttribute('autocomplete'), kind)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Your files' }).waitFor()

  await page.context().clearCookies()
  await fetch(`${app.url}/storage/auth/magic-link`, {
    method: 'POST',
    body: JSON.stringify({ email }),
    headers: { 'Content-Type': 'application/json' },
  })
  await page.goto(lanUrl(app) + linkIn(await lastLetterTo(app, email, 'magic')).pathname)
  await page.getByRole('heading', { name: 'Your files' }).waitFor()
  assert.deepEqual(faults, [])
})

/** Lets a file fall onto the field for files, as from a window of the reader's own. */
async function drop(page: Page, file: string): Promise<void> {
  const box = await page.getByLabel('Files, up to').boundingBox()
  assert.ok(box)
  const devtools = await page.context().newCDPSession(page)
  const data = { items: [], files: [file], dragOperationsMask: 1 }
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', { type, ...at, data })
}

test('On plain HTTP, under a name of the LAN, links let people in, with a password, and let files in', async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  const app = await openTestApp(t)
  const links = await makeLinks(app)
  const page = await browser.open(t, desk)
  const faults = mustStayPlain(page)

  await page.goto(`${links.share}/`)
  await page.getByLabel('Password').fill('a guess')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password').fill('open sesame')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('link', { name: 'below' }).click()
  await page.getByRole('link', { name: 'b.txt' }).click()
  assert.equal(await page.textContent('body'), 'below/b.txt')

  await page.goto(links.few)
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ])
  assert.equal(file.suggestedFilename(), 'docs.zip')

  await page.goto(links.request)
  const sent = { name: 'sent.txt', mimeType: 'text/plain', buffer: Buffer.from('sent') }
  await page.getByLabel('Files').setInputFiles([sent])
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('sent.txt (4 bytes)').waitFor()
  await page.getByRole('link', { name: 'Send more' }).click()
  await page.getByRole('button', { name: 'Send' }).waitFor()
  assert.deepEqual(
    faults.filter((one) => !one.includes('ERR_ABORTED')),
    [],
  )
})

async function makeLinks(app: TestApp): Promise<Record<'share' | 'few' | 'request', string>> {
  const call = async (method: string, path: string, body: string, type: string): Promise<string> => {
    const headers = { ...withKey(app.key), 'Content-Type': type }
    const response = await fetch(`${app.url}/storage${path}`, { method, body, headers })
    assert.equal(response.status, 201)
    return ((await response.json()) as { url?: string }).url?.replace('127.0.0.1', lanName) ?? ''
  }
  for (const path of ['a.txt', 'below/b.txt']) await call('PUT', `/files/docs/${path}`, path, 'text/plain')
  const link = (path: string, wish: object) => call('POST', path, JSON.stringify(wish), 'application/json')
  return {
    share: await link('/files/share', { path: 'docs/', folder: true, password: 'open sesame' }),
    few: `${await link('/files/share', { path: 'docs/', folder: true, max_downloads: 2 })}/?zip=1`,
    request: await link('/requests', { path: 'docs/' }),
  }
}

test('A box that has an https address for the world, below a path, is used by its plain name at home', async (t) => {
  if (skipWithout(t, 'chromium', hasBrowser)) return
  for (const basePath of ['', '/larder']) await useAtHome(t, basePath)
})

/** @param basePath what of the path the proxy passes on. */
async function useAtHome(t: TestContext, basePath: string): Promise<void> {
  const publicUrl = 'https://files.example.org/larder'
  const app = await openTestApp(t, { 'server.public_url': publicUrl, 'server.base_path': basePath })
  const page = await browser.open(t, desk)
  await page.goto(`${lanUrl(app)}${basePath}/app/set-up?token=${app.firstSecrets?.setUpToken}`)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Set up' }).click()
  await page.getByRole('heading', { name: 'Your files' }).waitFor()
  assert.equal(page.url(), `${lanUrl(app)}/larder/app/`)
  const file = { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a text') }
  await page.getByLabel('Files, up to').setInputFiles([file])
  await page.getByRole('button', { name: 'Upload' }).click()
  await page.getByText('1 file stored.').waitFor()
  const link = await page.getByLabel('Link to a.txt').inputValue()
  assert.ok(link.startsWith(`${publicUrl}/m/`), link)
  await page.locator('.file .name').click()
  assert.equal(await page.textContent('body'), 'a text')
}

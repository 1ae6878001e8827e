import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { Overrides } from '../../src/config/index.ts'
import { openTestApp, type TestApp, temporaryFolder, withKey } from '../support/app.ts'
import { hasBrowser, TestBrowser } from '../support/browser.ts'
import { skipWithout } from '../support/needs.ts'
import { ask, deployed, freePort, hasProgram, type Program, startCaddy, startNginx } from '../support/proxies.ts'
import { until } from '../support/state.ts'

const host = 'files.example.org'
const browser = new TestBrowser([host])
const trusted: Overrides = { 'server.trusted_proxies': ['127.0.0.1'] }
const MB = 1_000_000

/** A proxy in front of a server, as somebody may have it. */
interface Setting {
  readonly name: string
  readonly program: Program
  readonly base: (port: number) => string
  /** What the configuration says of it. */
  readonly config: (base: string) => Overrides
  /** How large a file it is tried with, in bytes. */
  readonly size: number
  readonly start: (t: TestContext, port: number, app: TestApp) => Promise<void>
}

const below = (port: number): string => `http://${host}:${port}/larder`
const upstream = (app: TestApp): string => `127.0.0.1:${app.port}`

/** `deploy/nginx.sub-path.conf` in a server block. */
const nginxBelow = (port: number, app: TestApp): string =>
  `server { listen 127.0.0.1:${port}; ${deployed('nginx.sub-path.conf').replaceAll('127.0.0.1:8080', upstream(app))} }`

/** `deploy/nginx.conf` on another port and without its certificate. */
const nginxRoot = (port: number, other: number, app: TestApp): string =>
  deployed('nginx.conf')
    .replace(/listen \[.*\n/g, '')
    .replace('listen 80;', `listen 127.0.0.1:${other};`)
    .replace('listen 443 ssl http2;', `listen 127.0.0.1:${port};`)
    .replace(/ssl_certificate.*\n/g, '')
    .replaceAll('127.0.0.1:8080', upstream(app))

const settings: readonly Setting[] = [
  {
    name: 'Caddy by deploy/Caddyfile.sub-path',
    program: 'caddy',
    base: below,
    config: (base) => ({ 'server.public_url': base, 'server.base_path': '/larder' }),
    size: 50 * MB,
    start: (t, port, app) =>
      startCaddy(t, port, deployed('Caddyfile.sub-path'), {
        LARDER_SITE: `http://${host}:${port}`,
        LARDER_UPSTREAM: upstream(app),
      }),
  },
  {
    name: 'Caddy by deploy/Caddyfile, with TLS',
    program: 'caddy',
    base: (port) => `https://${host}:${port}`,
    config: (base) => ({ 'server.public_url': base }),
    size: MB,
    start: (t, port, app) =>
      startCaddy(t, port, deployed('Caddyfile'), {
        LARDER_SITE: `https://${host}:${port}`,
        LARDER_UPSTREAM: upstream(app),
      }),
  },
  {
    name: 'nginx by deploy/nginx.sub-path.conf, and no public_url',
    program: 'nginx',
    base: below,
    config: () => ({ 'server.base_path': '/larder' }),
    size: MB,
    start: (t, port, app) => startNginx(t, port, nginxBelow(port, app)),
  },
  {
    name: 'nginx by deploy/nginx.conf',
    program: 'nginx',
    base: (port) => `http://${host}:${port}`,
    config: (base) => ({ 'server.public_url': base }),
    size: 50 * MB,
    start: async (t, port, app) => startNginx(t, port, nginxRoot(port, await freePort(), app)),
  },
  {
    name: 'a Caddy that cuts the path off',
    program: 'caddy',
    base: below,
    config: (base) => ({ 'server.public_url': base }),
    size: MB,
    start: (t, port, app) =>
      startCaddy(
        t,
        port,
        `http://${host}:${port} {\nhandle_path /larder/* {\nreverse_proxy ${upstream(app)}\n}\n}`,
        {},
      ),
  },
  {
    name: 'an nginx that cuts the path off, and tells nothing of whom it asks for',
    program: 'nginx',
    base: below,
    config: (base) => ({ 'server.public_url': base }),
    size: MB,
    start: (t, port, app) => {
      const location = `location /larder/ { proxy_pass http://${upstream(app)}/; client_max_body_size 0; }`
      return startNginx(t, port, `server { listen 127.0.0.1:${port}; ${location} }`)
    },
  },
]

for (const setting of settings) {
  test(`Everything works in a browser behind ${setting.name}`, { timeout: 90_000 }, async (t) => {
    if (skipWithout(t, 'chromium', hasBrowser)) return
    if (skipWithout(t, setting.program, hasProgram(setting.program))) return
    const port = await freePort()
    const base = setting.base(port)
    const app = await openTestApp(t, { ...trusted, ...setting.config(base) })
    await setting.start(t, port, app)
    const page = await browser.open(t, { ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } })
    const complaints = complaintsOf(page)
    await setUp(page, app, base)
    await checkCookies(page, base)
    await storeAndCopy(t, page, base, setting.size)
    await openShare(page, app, base)
    await leave(page, base)
    assert.deepEqual(complaints, [])
  })
}

/** What the browser itself finds wrong: what it may not load, what is not there. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    const { url } = message.location()
    // Of a file that is shown alone: it names no icon, as our pages do, and browsers ask for one of the whole host.
    const isOfFile = url.endsWith('/favicon.ico') && new URL(page.url()).pathname.includes('/o/')
    if (!isOfFile && !message.text().includes('status of 401')) complaints.push(`${message.text()} ${url}`)
  })
  page.on('response', (response) => {
    // The page that asks for a share's password.
    if (response.status() >= 400 && response.status() !== 401) complaints.push(`${response.status()} ${response.url()}`)
  })
  page.on('requestfailed', (failed) => {
    // What becomes a download is no page any more.
    if (!failed.failure()?.errorText.includes('ERR_ABORTED')) complaints.push(failed.url())
  })
  return complaints
}

async function setUp(page: Page, app: TestApp, base: string): Promise<void> {
  await page.goto(`${base}/app/set-up?token=${app.firstSecrets?.setUpToken}`)
  await page.getByLabel('E-mail address').fill('ada@example.org')
  await page.getByLabel('Password').fill('correct horse')
  await page.getByRole('button', { name: 'Set up' }).click()
  await page.getByRole('heading', { name: 'Your files' }).waitFor()
  assert.equal(page.url(), `${base}/app/`)
}

async function checkCookies(page: Page, base: string): Promise<void> {
  const cookies = await page.context().cookies(`${base}/`)
  const [session] = cookies.filter(({ name }) => name === 'larder_session')
  const { pathname, protocol } = new URL(`${base}/`)
  assert.deepEqual([session?.path, session?.secure, session?.httpOnly], [pathname, protocol === 'https:', true])
}

/** A file goes up, and what the copied link leads to comes down: whole, and a range of it. */
async function storeAndCopy(t: TestContext, page: Page, base: string, size: number): Promise<void> {
  const film = join(await temporaryFolder(t), 'film.bin')
  const bytes = randomBytes(size)
  await writeFile(film, bytes)
  await page.getByLabel('Files, up to').setInputFiles(film)
  await page.getByRole('button', { name: 'Upload' }).click()
  await page.getByText('1 file stored.').waitFor()
  await page.getByRole('button', { name: 'Copy' }).click()
  await page.getByRole('button', { name: /Copied|Selected/ }).waitFor()
  const link = await page.getByLabel('Link to film.bin').inputValue()
  assert.ok(link.startsWith(`${base}/m/`), link)
  const part = await ask(link, { headers: { Range: 'bytes=900000-900099' } })
  assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes 900000-900099/${size}`])
  assert.ok(part.body.equals(bytes.subarray(900_000, 900_100)))
  assert.ok((await ask(link)).body.equals(bytes))
}

async function openShare(page: Page, app: TestApp, base: string): Promise<void> {
  const headers = { ...withKey(app.key), 'Content-Type': 'application/json' }
  const put = await ask(`${base}/storage/files/docs/a.txt`, {
    method: 'PUT',
    body: Buffer.from('a text'),
    headers: withKey(app.key),
  })
  assert.equal(put.status, 201, put.body.toString())
  const wish = Buffer.from(JSON.stringify({ path: 'docs/', folder: true, password: 'open sesame' }))
  const made = await ask(`${base}/storage/files/share`, { method: 'POST', body: wish, headers })
  const { url } = JSON.parse(made.body.toString()) as { url: string }
  assert.ok(url.startsWith(`${base}/s/`), url)
  await page.goto(`${url}/`)
  await page.getByLabel('Password').fill('open sesame')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('link', { name: 'a.txt' }).click()
  assert.equal(await page.textContent('body'), 'a text')
  assert.ok(page.url().startsWith(`${base}/o/`), page.url())
  await page.goto(`${url}/`)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download all' }).click(),
  ])
  assert.equal(download.suggestedFilename(), 'docs.zip')
}

async function leave(page: Page, base: string): Promise<void> {
  await page.goto(`${base}/`)
  assert.equal(page.url(), `${base}/app/`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out.').waitFor()
  assert.equal(page.url(), `${base}/app/sign-in?notice=out`)
  assert.deepEqual(await page.context().cookies(`${base}/`), [])
}

/** A server behind a proxy by the files of `deploy/`, below a path. */
async function openBehind(
  t: TestContext,
  program: Program,
  more: Overrides = {},
): Promise<{ app: TestApp; base: string }> {
  const setting = settings.find((one) => one.program === program && one.base === below) as Setting
  const port = await freePort()
  const base = setting.base(port)
  const app = await openTestApp(t, { ...trusted, ...setting.config(base), ...more })
  await setting.start(t, port, app)
  return { app, base }
}

for (const program of ['caddy', 'nginx'] as const) {
  test(`${program} passes an upload on while it arrives, and keeps nothing of it back`, async (t) => {
    if (skipWithout(t, program, hasProgram(program))) return
    const { app, base } = await openBehind(t, program)
    const half = randomBytes(20 * MB)
    const headers = { ...withKey(app.key), 'Content-Length': String(2 * half.length) }
    async function* halves() {
      yield half
      await until('the first half to be with Larder', async () => (await bytesIn(app, 'tmp')) > half.length - MB)
      yield half
    }
    const { status, body } = await ask(`${base}/storage/files/film.bin`, { method: 'PUT', headers, body: halves() })
    assert.equal(status, 201, body.toString())
  })

  test(`Behind ${program} a limit holds for the address that it names, and for no other that somebody says`, async (t) => {
    if (skipWithout(t, program, hasProgram(program))) return
    const { base } = await openBehind(t, program, { 'limits.auth': '2/1m' })
    const attempt = async (from: string, said: string): Promise<number> => {
      const body = Buffer.from('email=ada%40example.org&password=wrong')
      const headers = {
        Origin: new URL(base).origin,
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Forwarded-For': said,
      }
      return (await ask(`${base}/app/sign-in`, { method: 'POST', headers, body, from })).status
    }
    const seen: number[] = []
    for (const said of ['198.51.100.1', '198.51.100.2', '198.51.100.3', '127.0.0.1'])
      seen.push(await attempt('127.0.0.2', said))
    assert.deepEqual(seen, [401, 401, 429, 429])
    assert.equal(await attempt('127.0.0.3', '127.0.0.2'), 401)
  })

  test(`Behind ${program} an upload that is refused while it is sent is answered with why`, async (t) => {
    if (skipWithout(t, program, hasProgram(program))) return
    const { app, base } = await openBehind(t, program, { 'uploads.max_size': '1 MiB' })
    const headers = { ...withKey(app.key), 'Content-Length': String(50 * MB) }
    const body = randomBytes(50 * MB)
    const answer = await ask(`${base}/storage/files/film.bin`, { method: 'PUT', headers, body })
    assert.equal(answer.status, 413, answer.body.toString())
    assert.match(answer.body.toString(), /too large: at most 1048576 bytes/)
  })
}

async function bytesIn(app: TestApp, folder: string): Promise<number> {
  const names = await readdir(join(app.folder, folder))
  const sizes = await Promise.all(names.map((name) => stat(join(app.folder, folder, name)).then(({ size }) => size)))
  return sizes.reduce((sum, size) => sum + size, 0)
}

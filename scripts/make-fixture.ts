/**
 * Makes a data folder as people leave it, for the tests of later releases: that what this release wrote opens in them. Everything
 * goes in by requests and commands, through a server of its own. See test/fixtures/README.md.
 *
 *   node scripts/make-fixture.ts NAME [--sources DIR] [--killed]
 *
 * `--sources` names a folder with the sources of an older release (and its node_modules), which then writes it. `--killed` ends the
 * server by SIGKILL, so that its databases are found with their logs.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import type { Expected, ExpectedFile, ExpectedStorage } from '../test/fixtures/expected.ts'

const here = fileURLToPath(new URL('..', import.meta.url))
const target = fileURLToPath(new URL('../test/fixtures/data', import.meta.url))
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

type Json = Record<string, unknown>
interface Wish {
  readonly key?: string
  readonly json?: unknown
  readonly body?: NonNullable<RequestInit['body']>
  readonly headers?: Record<string, string>
}

/** A server of some release's on a folder of its own, and its command line. */
class Larder {
  readonly dir: string
  readonly #sources: string
  url = ''
  output = ''
  #child: ReturnType<typeof spawn> | undefined

  constructor(sources: string, dir: string) {
    this.#sources = sources
    this.dir = dir
  }

  async start(): Promise<void> {
    const args = this.#args(['serve', '--host', '127.0.0.1', '--port', '0', '--set', 'log.level=error'])
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    for await (const chunk of child.stdout) {
      this.output += String(chunk)
      this.url = /http:\/\/127\.0\.0\.1:\d+/.exec(this.output)?.[0] ?? ''
      if (this.url !== '') break
    }
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  command(args: readonly string[], input = ''): string {
    return execFileSync(process.execPath, this.#args(args), { input }).toString().trim()
  }

  async call(method: string, path: string, { key, json, body, headers }: Wish = {}): Promise<Json> {
    const response = await this.send(method, path, {
      body: json === undefined ? (body ?? null) : JSON.stringify(json),
      headers: {
        ...(key !== undefined && { Authorization: `Bearer ${key}` }),
        ...(json !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
    })
    return (await response.json()) as Json
  }

  async send(method: string, path: string, init: RequestInit): Promise<Response> {
    const address = path.startsWith('http') ? path : this.url + path
    const response = await fetch(address, { ...init, method, redirect: 'manual' })
    if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  /** Whether this release has an API, by the folder of its door. */
  has(door: string): boolean {
    return existsSync(join(this.#sources, 'src', 'http', door))
  }

  /** The last migrations, by their files. */
  ends(): Expected['ends'] {
    const names = readdirSync(join(this.#sources, 'src', 'catalogue', 'migrations')).sort()
    const last = (ofActivity: boolean): string =>
      (names.filter((name) => name.endsWith('-activity.ts') === ofActivity).at(-1) ?? '').replace('.ts', '')
    return { catalogue: last(false), activity: last(true) }
  }

  #args(args: readonly string[]): string[] {
    return [join(this.#sources, 'scripts', 'larder.mjs'), ...args, '--data-dir', this.dir]
  }
}

/** Sends a form of a page, and gives the session that it opened. */
async function signIn(larder: Larder, path: string, fields: Record<string, string>): Promise<string> {
  const headers = { Origin: larder.url }
  const response = await larder.send('POST', path, { headers, body: new URLSearchParams(fields) })
  return /^larder_session=([^;]*)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1] ?? ''
}

interface New {
  readonly name: string
  readonly bytes: Uint8Array | string
  readonly type?: string
  readonly isPublic?: boolean
  readonly folder?: string
}

async function upload(larder: Larder, key: string, wish: New): Promise<ExpectedFile> {
  const { name, bytes, type = 'text/plain', isPublic = true, folder } = wish
  const form = new FormData()
  if (folder !== undefined) form.set('folderId', folder)
  form.set('public', String(isPublic))
  form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>], { type }), name)
  const { file } = (await larder.call('POST', '/api/v1/files/upload', { key, body: form })) as { file: { id: string } }
  return { id: file.id, name, size: Buffer.from(bytes).length, sha256: sha256(bytes), isPublic }
}

async function makeFolder(larder: Larder, key: string, name: string, parentId?: string): Promise<string> {
  const { folder } = await larder.call('POST', '/api/v1/folders', { key, json: { name, parentId } })
  return (folder as { id: string }).id
}

const owner = { email: 'owner@example.org', password: 'correct horse battery' }
const ada = { email: 'ada@example.org', password: 'stapled by the hour' }
const gone = { email: 'gone@example.org', password: 'no longer with us' }

/** People, their keys and sessions: what is in every release. */
async function fillPeople(larder: Larder): Promise<Pick<Expected, 'people' | 'keys' | 'key'>> {
  const token = /token=([\w-]+)/.exec(larder.output)?.[1] ?? ''
  const first = /ak_[0-9A-Za-z]{36}/.exec(larder.output)?.[0] ?? ''
  const ownersSession = await signIn(larder, '/app/set-up', { token, ...owner })
  for (const { email, password } of [ada, gone])
    larder.command(['user', 'add', '--email', email, '--password-stdin'], password)
  const newKey = (email: string, ...more: string[]): string =>
    larder.command(['key', 'create', '--account', email, '--quiet', ...more])
  const key = newKey(ada.email, '--name', 'laptop')
  const reading = newKey(ada.email, '--scope', 'files:read', '--kind', 'sk')
  const revoked = newKey(ada.email)
  const list = larder.command(['key', 'list', '--account', ada.email]).split('\n')
  const line = list.find((one) => one.includes(revoked.slice(0, 7))) ?? ''
  larder.command(['key', 'revoke', line.split(' ')[0] ?? ''])
  const shutOut = newKey(gone.email)
  larder.command(['user', 'disable', '--email', gone.email])
  const session = await signIn(larder, '/app/sign-in', ada)
  return {
    people: [
      { ...owner, session: ownersSession },
      { ...ada, session },
    ],
    keys: [
      { text: first, status: 200 },
      { text: key, status: 200 },
      { text: reading, status: 200 },
      { text: revoked, status: 401 },
      { text: shutOut, status: 403 },
    ],
    key,
  }
}

/** Files by the first API: in folders and not, for everybody and not, twice the same, and some that are deleted again. */
async function fillFiles(larder: Larder, key: string): Promise<Pick<Expected, 'files' | 'gone' | 'picture'>> {
  const noise = await sharp({ create: { width: 160, height: 120, channels: 3, background: '#d08040' } })
    .jpeg({ quality: 70 })
    .toBuffer()
  const photos = await makeFolder(larder, key, 'photos')
  const year = await makeFolder(larder, key, '2026 – Été', photos)
  const old = await makeFolder(larder, key, 'old')
  const picture = await upload(larder, key, { name: 'sunset.jpg', bytes: noise, type: 'image/jpeg', folder: year })
  const files = [
    picture,
    await upload(larder, key, {
      name: 'private.jpg',
      bytes: noise,
      type: 'image/jpeg',
      isPublic: false,
      folder: photos,
    }),
    await upload(larder, key, { name: 'Größe & ~tilde.txt', bytes: 'Grüße\n', isPublic: false }),
    await upload(larder, key, { name: 'empty.txt', bytes: '' }),
    await upload(larder, key, { name: 'long.txt', bytes: 'The same line again.\n'.repeat(20_000), folder: photos }),
  ]
  const deleted = await upload(larder, key, { name: 'deleted.txt', bytes: 'soon gone' })
  await larder.call('DELETE', `/api/v1/files/${deleted.id}`, { key })
  const below = await upload(larder, key, { name: 'below.txt', bytes: 'gone with its folder', folder: old })
  await larder.call('DELETE', `/api/v1/folders/${old}?recursive=true`, { key })
  await larder.send('GET', `/m/${picture.id}?w=40`, {})
  return { files, gone: [deleted.id, below.id], picture: picture.id }
}

/** Sessions of the second release's APIs, a file by its door, a project with a key. */
async function fillSecond(larder: Larder, key: string): Promise<Partial<Expected> & { more: ExpectedFile[] }> {
  if (!larder.has('atiru')) return { more: [] }
  const { session } = (await larder.call('POST', '/auth/login', { json: ada })) as {
    session: { access_token: string; refresh_token: string }
  }
  const bytes = 'by its body alone\n'
  const headers = { 'Content-Type': 'text/plain', 'x-file-name': 'raw.txt' }
  const { file } = await larder.call('POST', '/files?isPublic=false', { key, body: bytes, headers })
  const made = await larder.call('POST', '/identity/projects', {
    key: session.access_token,
    json: { name: 'Holidays' },
  })
  await larder.call('POST', '/auth/forgot-password', { json: { email: owner.email } })
  const { id, name } = made.data as { id: string; name: string }
  const raw = { id: (file as { file_id: string }).file_id, name: 'raw.txt', size: bytes.length, sha256: sha256(bytes) }
  return { refreshToken: session.refresh_token, project: { id, name }, more: [{ ...raw, isPublic: false }] }
}

/** Paths, history, links and an upload half-way. */
async function fillStorage(larder: Larder, key: string): Promise<ExpectedStorage | undefined> {
  if (!larder.has('storage')) return undefined
  const at = (method: string, path: string, json?: unknown): Promise<Json> =>
    larder.call(method, `/storage${path}`, { key, ...(json !== undefined && { json }) })
  const put = (path: string, body: string): Promise<Json> =>
    larder.call('PUT', `/storage/files/${path}`, { key, body, headers: { 'Content-Type': 'text/plain' } })
  await put('docs/report.txt', 'the first draft\n')
  await put('docs/report.txt', 'the second draft\n')
  await at('POST', '/files/mkdir', { path: 'inbox/' })
  await at('POST', '/files/move', { from: 'docs/', to: 'papers/', message: 'a better name' })
  const password = 'over the hills'
  const shared = await at('POST', '/files/share', { path: 'papers/report.txt', password, ttl: 604_800 })
  const asked = await at('POST', '/requests', { path: 'inbox/', ttl: 604_800, max_files: 3 })
  const path = 'films/film.txt'
  const [begin, rest] = ['the first half, ', 'and the second']
  const begun = await at('POST', '/files/uploads/multipart', { path, part_count: 2 })
  const sent = await larder.send('PUT', (begun.part_urls as string[])[0] ?? '', { body: Buffer.from(begin) })
  const { events } = (await at('GET', '/files/log?since_tx=0')) as { events: ExpectedStorage['events'] }
  return {
    events: events.map(({ tx, action, path }) => ({ tx, action, path })),
    share: { token: String(shared.token), password, sha256: sha256('the second draft\n') },
    request: String(asked.token),
    upload: {
      path,
      id: String(begun.upload_id),
      etag: sent.headers.get('etag') ?? '',
      rest,
      sha256: sha256(begin + rest),
    },
  }
}

async function make(name: string, sources: string, killed: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'larder-fixture-'))
  const larder = new Larder(sources, join(folder, 'data'))
  await larder.start()
  try {
    const people = await fillPeople(larder)
    const { files, ...rest } = await fillFiles(larder, people.key)
    const { more, ...second } = await fillSecond(larder, people.key)
    const storage = await fillStorage(larder, people.key)
    const { stats } = (await larder.call('GET', '/api/v1/user/stats', { key: people.key })) as {
      stats: Expected['stats']
    }
    const { totalFiles, totalSize, totalFolders } = stats
    const all = { ...people, ...rest, files: [...files, ...more], ...second, ...(storage && { storage }) }
    const made = {
      madeBy: larder.command(['--version']).split('\n')[0] ?? '',
      madeAt: Date.now(),
      killed,
      ends: larder.ends(),
    }
    const expected: Expected = { ...made, ...all, stats: { totalFiles, totalSize, totalFolders } }
    await larder.stop(killed ? 'SIGKILL' : 'SIGTERM')
    writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(expected, undefined, 2)}\n`)
    mkdirSync(target, { recursive: true })
    const archive = join(target, `${name}.tar.gz`)
    execFileSync('tar', ['--exclude=.native', '--owner=0', '--group=0', '-C', folder, '-czf', archive, '.'])
    console.log(`${archive}: ${statSync(archive).size} bytes`)
  } finally {
    await larder.stop('SIGKILL').catch(() => {})
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const options = { sources: { type: 'string', default: here }, killed: { type: 'boolean', default: false } } as const
  const { positionals, values } = parseArgs({ allowPositionals: true, options })
  const [name] = positionals
  if (name === undefined)
    throw new Error('say what the fixture is to be called: by its last migration, as in 0003-storage')
  await make(name, values.sources, values.killed)
}

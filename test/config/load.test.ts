import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import {
  type Config,
  configWith,
  type Door,
  defaultConfig,
  loadConfig,
  type Plan,
  type Secret,
} from '../../src/config/index.ts'
import { entries } from '../../src/config/table.ts'
import { faultsOf, folderWith } from './support.ts'

test('without any configuration every value is its default', (t) => {
  const cwd = folderWith(t)
  const { config, sources, file } = loadConfig({ cwd })
  assert.equal(file, undefined)
  assert.deepEqual(new Set(Object.values(sources).map((source) => source.from)), new Set(['default']))
  assert.equal(config.server.host, '::')
  assert.equal(config.server.port, 8080)
  assert.equal(config.server.public_url, undefined)
  assert.equal(config.data.dir, resolve(cwd, 'data'))
  assert.equal(config.data.reserve, 256 * 1024 ** 2)
  assert.equal(config.auth.registration, 'closed')
  assert.deepEqual(config.auth.allowed_redirects, [])
  assert.deepEqual(config.mail, { smtp_url: undefined, from: undefined })
  assert.equal(config.uploads.max_size, 5 * 1024 ** 3)
  assert.equal(config.images.max_pixels, 50_000_000)
  assert.deepEqual(config.limits.auth, { count: 10, perMs: 60_000 })
  assert.equal(config.quota.storage, undefined)
  assert.deepEqual(config.plans, new Map())
  assert.equal(config.gc.grace, 86_400_000)
  assert.deepEqual(config.hosts, new Map())
})

test('the types of values follow from the table', () => {
  const config: Config = defaultConfig()
  const typed: {
    port: number
    url: string | undefined
    proxies: readonly string[]
    registration: 'closed' | 'open'
    rate: { count: number; perMs: number } | undefined
    files: number | undefined
    door: Door | undefined
    redirects: readonly string[]
    smtp: Secret | undefined
    from: string | undefined
    plan: Plan | undefined
  } = {
    port: config.server.port,
    url: config.server.public_url,
    proxies: config.server.trusted_proxies,
    registration: config.auth.registration,
    rate: config.limits.api,
    files: config.quota.files,
    door: config.hosts.get('x'),
    redirects: config.auth.allowed_redirects,
    smtp: config.mail.smtp_url,
    from: config.mail.from,
    plan: config.plans.get('x'),
  }
  // @ts-expect-error: a number is no text
  const wrong: string = config.server.port
  assert.equal(typeof typed.port, typeof wrong)
})

test('a default is written as its kind would write it', () => {
  for (const { name, kind, default: text } of entries) {
    const reading = kind.fromText(text)
    assert.ok(reading.ok, name)
    assert.equal(kind.toText(reading.value), text, name)
  }
})

test('an example in a message is a good value', () => {
  for (const { name, kind } of entries) assert.ok(kind.fromText(kind.example ?? '').ok, name)
})

test('no two keys share an environment variable', () => {
  assert.equal(new Set(entries.map((entry) => entry.variable)).size, entries.length)
})

test('a flag wins over the environment, the environment over the file, the file over the default', (t) => {
  const cwd = folderWith(t, { 'config.toml': '[server]\nport = 1\nhost = "a"\nbase_path = "/a"\n' })
  const env = { LARDER_SERVER_PORT: '2', LARDER_SERVER_HOST: 'b' }
  const { config, sources } = loadConfig({ cwd, env, flags: { 'server.port': '3' } })
  assert.deepEqual([config.server.port, config.server.host, config.server.base_path], [3, 'b', '/a'])
  assert.deepEqual(sources['server.port'], { from: 'flag' })
  assert.deepEqual(sources['server.host'], { from: 'environment', variable: 'LARDER_SERVER_HOST' })
  assert.deepEqual(sources['server.base_path'], { from: 'file', path: resolve(cwd, 'config.toml'), line: 4 })
  assert.deepEqual(sources['server.shutdown_grace'], { from: 'default' })
})

test('a relative path in a file counts from the folder of the file, elsewhere from the working folder', (t) => {
  const folder = folderWith(t, { 'larder.toml': '[data]\ndir = "files"\n' })
  const configPath = resolve(folder, 'larder.toml')
  assert.equal(loadConfig({ cwd: '/srv', configPath }).config.data.dir, resolve(folder, 'files'))
  const env = { LARDER_DATA_DIR: 'files' }
  assert.equal(loadConfig({ cwd: '/srv', configPath, env }).config.data.dir, resolve('/srv/files'))
})

test('lists and hosts in the environment are separated by commas', (t) => {
  const env = {
    LARDER_UPLOADS_ALLOWED_CONTENT_TYPES: 'image/*, text/plain',
    LARDER_HOSTS: 'cdn.home.lan=atiru,b=identity',
  }
  const { config } = loadConfig({ cwd: folderWith(t), env })
  assert.deepEqual(config.uploads.allowed_content_types, ['image/*', 'text/plain'])
  assert.deepEqual(
    [...config.hosts],
    [
      ['cdn.home.lan', 'atiru'],
      ['b', 'identity'],
    ],
  )
})

test('an empty variable means none where there may be none, and is a fault elsewhere', (t) => {
  const cwd = folderWith(t)
  assert.equal(loadConfig({ cwd, env: { LARDER_SERVER_PUBLIC_URL: '' } }).config.server.public_url, undefined)
  assert.deepEqual(faultsOf({ cwd, env: { LARDER_SERVER_PORT: '' } })[0]?.value, '""')
})

test('a LARDER_ variable that names no key is a fault with the nearest variable', (t) => {
  const [fault, ...others] = faultsOf({ cwd: folderWith(t), env: { LARDER_SERVER_PROT: '80', PATH: '/bin' } })
  assert.equal(others.length, 0)
  assert.deepEqual(fault, {
    key: 'LARDER_SERVER_PROT',
    expected: 'a known name; the nearest is LARDER_SERVER_PORT',
    source: { from: 'environment', variable: 'LARDER_SERVER_PROT' },
  })
})

test('variables that Kubernetes adds for a service called larder are no fault', (t) => {
  const env = {
    LARDER_SERVICE_HOST: '10.0.0.1',
    LARDER_SERVICE_PORT_HTTP: '80',
    LARDER_PORT: 'tcp://10.0.0.1:80',
    LARDER_PORT_80_TCP_ADDR: '10.0.0.1',
  }
  assert.equal(loadConfig({ cwd: folderWith(t), env }).config.server.port, 8080)
  assert.match(faultsOf({ env: { LARDER_PORT: '80' } })[0]?.expected ?? '', /LARDER_SERVER_PORT/)
})

test('a flag that names no key is a fault with the nearest key', (t) => {
  const [fault] = faultsOf({ cwd: folderWith(t), flags: { 'data.dri': '/x' } })
  assert.equal(fault?.expected, 'a known name; the nearest is data.dir')
  assert.deepEqual(fault?.source, { from: 'flag' })
})

test('the base path must stand at the end of the public URL', (t) => {
  const cwd = folderWith(t)
  const flags = { 'server.base_path': '/larder' }
  const good = { ...flags, 'server.public_url': 'https://example.org/files/larder/' }
  assert.equal(loadConfig({ cwd, flags: good }).config.server.public_url, 'https://example.org/files/larder')
  for (const url of ['https://example.org', 'https://larder']) {
    const [fault] = faultsOf({ cwd, flags: { ...flags, 'server.public_url': url } })
    assert.equal(fault?.key, 'server.public_url')
    assert.match(fault?.expected ?? '', new RegExp(`such as ${url}/larder$`))
  }
})

test('tests take the defaults with some values replaced', () => {
  const config = configWith({
    'data.dir': '/x',
    'server.port': 0,
    'server.trusted_proxies': ['127.0.0.1'],
    'gc.grace': '2s',
    'limits.auth': 'off',
    hosts: { 'cdn.home.lan': 'aether' },
  })
  assert.equal(config.data.dir, resolve('/x'))
  assert.equal(config.server.port, 0)
  assert.deepEqual(config.server.trusted_proxies, ['127.0.0.1'])
  assert.equal(config.gc.grace, 2000)
  assert.equal(config.limits.auth, undefined)
  assert.equal(config.hosts.get('cdn.home.lan'), 'aether')
  assert.equal(config.log.level, 'info')
  assert.throws(() => configWith({ 'server.port': -1 }), /server\.port = -1/)
})

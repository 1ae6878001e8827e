import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { load } from 'js-yaml'
import { parse } from 'smol-toml'
import { loadConfig } from '../src/config/index.ts'
import { temporaryFolder } from './support/app.ts'
import { skipWithout } from './support/needs.ts'
import { root } from './support/process.ts'
import { check, deployed, hasProgram, nginxConfig } from './support/proxies.ts'

interface Service {
  readonly image: string
  readonly build?: string
  readonly environment: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes: readonly string[]
  readonly read_only: boolean
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
  readonly stop_grace_period?: string
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}

const composeFile = (path: string): Compose => load(readFileSync(join(root, path), 'utf8')) as Compose
const composeFiles = ['compose.yaml', 'deploy/compose.caddy.yaml']
const site = 'files.example.org'

for (const path of composeFiles) {
  test(`${path} gives Larder a configuration that it takes, and no rights that it does not need`, async (t) => {
    const { services, volumes } = composeFile(path)
    const larder = services.larder as Service
    const env = Object.fromEntries(
      Object.entries(larder.environment).map(([name, value]) => [name, value.replace(/\$\{LARDER_SITE[^}]*\}/, site)]),
    )
    const { config } = loadConfig({ env, cwd: await temporaryFolder(t) })
    const { shutdown_grace: graceMs, public_url: publicUrl } = config.server
    assert.equal(publicUrl, path === 'compose.yaml' ? undefined : `https://${site}`)
    assert.ok(Number.parseInt(larder.stop_grace_period ?? '', 10) * 1_000 > graceMs)
    for (const one of Object.values(services)) {
      assert.deepEqual([one.read_only, one.cap_drop], [true, ['ALL']])
      assert.deepEqual(one.security_opt, ['no-new-privileges:true'])
    }
    const named = Object.values(services).flatMap((one) => one.volumes.map((volume) => volume.split(':')[0] ?? ''))
    for (const name of named.filter((one) => !one.startsWith('.'))) assert.ok(name in volumes, name)
    for (const name of named.filter((one) => one.startsWith('.')))
      assert.ok(existsSync(join(root, 'deploy', name)), name)
    assert.ok(existsSync(join(root, path, '..', larder.build ?? '', 'Dockerfile')))
  })
}

test('Behind Caddy nothing leads to Larder past it, and Caddy is believed', async (t) => {
  const { larder, caddy } = composeFile('deploy/compose.caddy.yaml').services
  assert.equal(larder?.ports, undefined)
  assert.equal(caddy?.environment.LARDER_UPSTREAM, 'larder:8080')
  const { LARDER_SERVER_TRUSTED_PROXIES = '' } = larder?.environment ?? {}
  const { config } = loadConfig({ env: { LARDER_SERVER_TRUSTED_PROXIES }, cwd: await temporaryFolder(t) })
  assert.ok(config.server.trusted_proxies.includes('172.16.0.0/12'))
})

for (const name of readdirSync(join(root, 'deploy')).filter((one) => !one.startsWith('compose'))) {
  test(`What deploy/${name} says of Larder's configuration is one`, () => {
    const comments = [...deployed(name).matchAll(/^# {3}(.*)$/gm)].map(([, line = '']) => line).join('\n')
    const { server } = parse(comments) as { server: Record<string, unknown> }
    const cwd = '/'
    const flags = Object.fromEntries(Object.entries(server).map(([key, value]) => [`server.${key}`, String(value)]))
    assert.equal(loadConfig({ env: {}, cwd, flags }).config.server.public_url, server.public_url)
  })
}

for (const name of ['Caddyfile', 'Caddyfile.sub-path']) {
  test(`Caddy takes deploy/${name} as it stands`, async (t) => {
    if (skipWithout(t, 'caddy', hasProgram('caddy'))) return
    const folder = await temporaryFolder(t)
    const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    const args = ['validate', '--adapter', 'caddyfile', '--config', join(root, 'deploy', name)]
    const { code, output } = await check('caddy', args, env)
    assert.equal(code, 0, output)
    assert.equal((await check('caddy', ['fmt', args[4] as string], env)).output, deployed(name))
  })
}

test('nginx takes deploy/nginx.conf, with a certificate where it says, and the locations of the other file', async (t) => {
  if (skipWithout(t, 'nginx', hasProgram('nginx'))) return
  const own = 'server { listen 127.0.0.1:80; HERE }'
  for (const servers of [deployed('nginx.conf'), own.replace('HERE', () => deployed('nginx.sub-path.conf'))]) {
    const folder = await certificate(await temporaryFolder(t))
    const { file } = await nginxConfig(t, servers.replaceAll('/etc/letsencrypt/live/files.example.org', folder))
    const { code, output } = await check('nginx', ['-t', '-e', join(folder, 'error.log'), '-c', file])
    assert.equal(code, 0, output)
    assert.doesNotMatch(output, /\[warn\]/)
  }
})

/** A folder with a certificate that nobody trusts, by the names that certificates have for nginx. */
async function certificate(folder: string): Promise<string> {
  const [key, chain] = [join(folder, 'privkey.pem'), join(folder, 'fullchain.pem')]
  const subject = ['-subj', `/CN=${site}`, '-days', '1']
  await promisify(execFile)('openssl', [
    ...[
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      chain,
    ],
    ...subject,
  ])
  return folder
}

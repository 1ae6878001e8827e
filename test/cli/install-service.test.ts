import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { planOf } from '../../src/service/plan.ts'
import { temporaryFolder } from '../support/app.ts'
import { type Outcome, runLarder } from '../support/process.ts'
import { namesBelow } from '../support/state.ts'

const config = '/etc/larder/config.toml'
const installation = {
  executable: '/usr/local/bin/larder',
  config,
  data: '/var/lib/larder',
  host: '::',
  port: 8080,
}
const written = [
  'etc/larder/config.toml',
  'etc/systemd/system/larder.service',
  'etc/systemd/system/larder.socket',
  'etc/sysusers.d/larder.conf',
  'usr/local/bin/larder',
]

/** A machine's root, and a file that stands for the executable. */
async function machine(t: Parameters<typeof temporaryFolder>[0]) {
  const folder = await temporaryFolder(t)
  const [root, executable] = [join(folder, 'root'), join(folder, 'larder of today')]
  await mkdir(root)
  await writeFile(executable, 'version 1')
  const install = (...args: string[]): Promise<Outcome> =>
    runLarder(['install-service', '--root', root, '--executable', executable, ...args])
  return { root, executable, install, read: (path: string) => readFile(join(root, path), 'utf8') }
}

test('With --dry-run it tells every file and every command, and writes nothing', async (t) => {
  const { root, install } = await machine(t)
  const { code, stdout, stderr } = await install('--dry-run', '--port', '80', '--data', '/srv/larder')
  assert.deepEqual([code, stderr], [0, ''])
  for (const path of written) assert.ok(stdout.includes(join(root, path)), path)
  assert.match(stdout, /^ {4}ListenStream=80$/m)
  assert.match(stdout, /^ {4}ReadWritePaths=\/srv\/larder$/m)
  assert.match(stdout, /^ {4}dir = "\/srv\/larder"$/m)
  for (const command of ['systemd-sysusers larder.conf', 'systemctl daemon-reload', 'systemctl restart larder.service'])
    assert.ok(stdout.includes(`\n    ${command}\n`), command)
  assert.deepEqual(await readdir(root), [])
})

test('Below another root it writes all files, and a second time it keeps the configuration', async (t) => {
  const { root, executable, install, read } = await machine(t)
  assert.match((await install()).stdout, /nothing was run/)
  assert.deepEqual((await namesBelow(root)).filter((name) => written.includes(name)).sort(), written)
  assert.equal((await stat(join(root, 'usr/local/bin/larder'))).mode & 0o777, 0o755)
  assert.equal((await stat(join(root, config))).mode & 0o777, 0o640)
  const changed = (await read(config)).replace('port = 8080', 'port = 8081')
  await writeFile(join(root, config), changed)
  await writeFile(executable, 'version 2')
  assert.equal((await install()).code, 0)
  assert.equal(await read('usr/local/bin/larder'), 'version 2')
  assert.equal(await read(config), changed)
  assert.match(await read('etc/systemd/system/larder.socket'), /^ListenStream=8081$/m)
  assert.deepEqual((await readdir(join(root, 'usr/local/bin'))).sort(), ['larder'])
})

test('A flag that an existing configuration contradicts is refused, and nothing is changed', async (t) => {
  const { executable, install, read } = await machine(t)
  await install()
  await writeFile(executable, 'version 2')
  const { code, stderr } = await install('--port', '9090')
  assert.equal(code, 2)
  assert.match(stderr, /\/etc\/larder\/config\.toml says otherwise than --port: change it there/)
  assert.equal(await read('usr/local/bin/larder'), 'version 1')
})

test('What cannot be installed is refused in words', async (t) => {
  const { install } = await machine(t)
  const cases: [Promise<Outcome>, RegExp][] = [
    [install('--port', '0'), /--port.*It must be from 1 to 65535/],
    [install('--executable', '/no/such/file'), /there is no file \/no\/such\/file to install/],
  ]
  if (!process.env.LARDER_EXECUTABLE)
    cases.push([
      runLarder(['install-service', '--dry-run']),
      /runs from sources.*npm run build.*--executable dist\/larder/,
    ])
  for (const [outcome, words] of cases) {
    const { code, stderr } = await outcome
    assert.equal(code, 2)
    assert.match(stderr, words)
  }
})

test('The socket stays where it is unless its address changed, and only a first time ends with the link to set up by', () => {
  const commandsOf = (before: Parameters<typeof planOf>[1], port = 8080): string[] =>
    planOf({ ...installation, port }, before).commands.map(({ args }) => args.join(' '))
  const socketOf = (port: number): string =>
    planOf({ ...installation, port }, { isUpgrade: false }).files.find(({ path }) => path.endsWith('.socket'))
      ?.content ?? ''
  const setUp = 'runuser -u larder -- /usr/local/bin/larder --config /etc/larder/config.toml user setup-link'
  const stop = 'systemctl stop larder.service larder.socket'
  const first = commandsOf({ isUpgrade: false })
  assert.deepEqual([first.at(-1), first.includes(stop)], [setUp, false])
  const same = commandsOf({ isUpgrade: true, socketUnit: socketOf(8080) })
  assert.deepEqual([same.includes(setUp), same.includes(stop)], [false, false])
  assert.ok(same.includes('systemctl restart larder.service'))
  assert.ok(commandsOf({ isUpgrade: true, socketUnit: socketOf(8080) }, 9090).includes(stop))
})

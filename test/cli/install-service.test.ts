import assert from 'node:assert/strict'
import { chown, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { folderWork } from '../../src/cli/install-folder.ts'
import { runStep } from '../../src/cli/install-steps.ts'
import { ownerNotSetUp, planOf } from '../../src/service/plan.ts'
import { temporaryFolder } from '../support/app.ts'
import { type Outcome, runLarder, startServer } from '../support/process.ts'
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

test('The installed executable belongs to whoever installs it, and not to who made the file', async (t) => {
  const { root, executable, install } = await machine(t)
  const own = process.geteuid?.()
  // Only root can give files away, and only root must be careful with those of others.
  const giveAway = (path: string) => (own === 0 ? chown(path, 12_345, 12_345) : undefined)
  await giveAway(executable)
  assert.equal((await install()).code, 0)
  for (const path of written) assert.equal((await stat(join(root, path))).uid, own, path)
  const place = join(root, 'usr/local/bin/larder')
  await giveAway(place)
  assert.equal((await runLarder(['install-service', '--root', root, '--executable', place])).code, 0)
  assert.equal((await stat(place)).uid, own, 'as an earlier version left it')
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
    [install('--data', '/srv/a\nExecStartPre=/bin/true'), /is no name for a data folder of a service/],
    [install('--data', '/home/ann:more'), /systemd takes no colon/],
    [install('--host', '0.0.0.0:80\nExecStartPre=/bin/true'), /--host takes an address/],
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

test('A unit that was changed by hand is kept beside the new one, and this is said; what Larder itself wrote is not', async (t) => {
  const { install, read, root } = await machine(t)
  await install()
  const path = 'etc/systemd/system/larder.service'
  const changed = (await read(path)).replace('TimeoutStopSec=90s', 'TimeoutStopSec=10min')
  await writeFile(join(root, path), changed)
  assert.match(
    (await install('--dry-run')).stdout,
    /larder\.service \(mode 0644\) and keep the one that was changed by hand/,
  )
  const { stdout } = await install()
  assert.match(stdout, /larder\.service was changed by hand.* kept as \S+\/larder\.service\.old/)
  assert.match(stdout, /Changes that stay are made with: systemctl edit larder\.service\n/)
  assert.doesNotMatch(stdout, /larder\.socket|sysusers/)
  assert.equal(await read(`${path}.old`), changed)
  assert.match(await read(path), /^TimeoutStopSec=90s$/m)
  await writeFile(join(root, config), (await read(config)).replace('port = 8080', 'port = 8081'))
  const again = await install()
  assert.doesNotMatch(again.stdout, /by hand/)
  assert.match(await read('etc/systemd/system/larder.socket'), /^ListenStream=8081$/m)
  assert.equal(await read(`${path}.old`), changed)
})

test('Root writes through no link that somebody laid, and what fails leaves nothing behind', async (t) => {
  const { install, read, root } = await machine(t)
  const victim = join(root, 'victim')
  await writeFile(victim, 'precious')
  for (const path of written) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await symlink(victim, join(root, `${path}.new`))
  }
  assert.equal((await install()).code, 0)
  assert.equal(await read('victim'), 'precious')
  await rm(join(root, 'usr/local/bin/larder'))
  await mkdir(join(root, 'usr/local/bin/larder/in the way'), { recursive: true })
  assert.notEqual((await install()).code, 0)
  assert.deepEqual((await readdir(join(root, 'usr/local/bin'))).sort(), ['larder', 'larder.new'])
})

test("A data folder is made where it is missing; one that is there and is not the service's is refused", async (t) => {
  const { root, install } = await machine(t)
  const plan = (folder: string) => install('--dry-run', '--data', folder)
  const give = (folder: string): string => `\n    install -d -o larder -g larder -m 0700 ${folder}\n`
  assert.ok((await plan('/srv/files')).stdout.includes(give('/srv/files')))
  for (const folder of ['home/alice/letters', 'data of before', 'srv'])
    await mkdir(join(root, folder), { recursive: true })
  await writeFile(join(root, 'data of before/catalogue.db'), '')
  await writeFile(join(root, 'file'), '')
  await symlink('srv', join(root, 'link'))
  const cases: [string, RegExp][] = [
    ['/home/alice', /alice is there already and is not larder's: name a folder .* as \/home\/alice\/larder/],
    ['/data of before', /is a store that is not larder's.*\n(.*\n)? {4}chown -R larder:larder '\/data of before'\n/],
    ['/srv', /\/srv belongs to the system: name a folder below it, as \/srv\/larder/],
    ['/file', /\/file is no folder/],
    ['/link', /\/link is no folder/],
  ]
  for (const [folder, words] of cases) {
    const { code, stdout, stderr } = await plan(folder)
    assert.deepEqual([code, stdout], [2, ''], folder)
    assert.match(stderr, words)
  }
})

test('A data folder of the service stays as it is, and an empty one of root is given to it', async (t) => {
  const path = await temporaryFolder(t)
  const { uid } = await stat(path)
  const work = (owner: number | undefined) => folderWork({ data: '/srv/files', path, owner })
  const isRefused = (found: ReturnType<typeof work>): boolean => typeof found !== 'string'
  assert.equal(work(uid), 'none')
  if (uid === 0) assert.equal(work(undefined), 'give')
  else assert.ok(isRefused(work(undefined)))
  await writeFile(join(path, 'catalogue.db'), '')
  assert.equal(work(uid), 'none')
  assert.ok(isRefused(work(uid + 1)))
})

test('The link to set up by is printed for as long as the owner is not set up', async (t) => {
  const steps = planOf(installation, { folder: 'none' }).steps
  const last = steps.at(-1)
  assert.deepEqual(last?.args.slice(-2), ['user', 'setup-link'])
  assert.deepEqual(last?.onlyIf?.args.slice(-2), ['user', 'list'])
  const folder = await temporaryFolder(t)
  const server = await startServer(t, folder)
  const list = async () => (await runLarder(['--data-dir', folder, 'user', 'list'])).stdout
  assert.match(await list(), ownerNotSetUp)
  const token = /token=(\S+)/.exec(server.output())?.[1] ?? ''
  const body = new URLSearchParams({ token, email: 'owner@example.org', password: 'correct horse battery' })
  const headers = { Origin: server.url }
  const answer = await fetch(`${server.url}/app/set-up`, { method: 'POST', body, headers, redirect: 'manual' })
  assert.equal(answer.status, 303)
  assert.doesNotMatch(await list(), ownerNotSetUp)
})

test('A slow start is waited for, and one that ended is not', async (t) => {
  const folder = await temporaryFolder(t)
  const [unit, state] = ['larder.service', join(folder, 'state')]
  await writeFile(join(folder, 'systemctl'), `#!/bin/sh\ncat '${state}'\n`, { mode: 0o755 })
  const journal = join(folder, 'journal')
  await writeFile(join(folder, 'journalctl'), `#!/bin/sh\ncat '${journal}'\n`, { mode: 0o755 })
  await writeFile(journal, '-- No entries --\n')
  const path = process.env.PATH
  process.env.PATH = `${folder}:${path}`
  t.after(() => {
    process.env.PATH = path
  })
  const third = `n=$(cat '${folder}/n' 2>/dev/null); echo "x$n" > '${folder}/n'; [ "$n" = xx ] || { echo not yet >&2; exit 1; }`
  await writeFile(state, 'ActiveState=activating\nNRestarts=1\n')
  runStep({ args: ['sh', '-c', third], waitsFor: unit })
  const cases: [string, RegExp][] = [
    ['ActiveState=failed\nNRestarts=0\n', /larder\.service is failed\. not ready \(see journalctl/],
    ['ActiveState=activating\nNRestarts=4\n', /larder\.service ended and was started anew 4 times\. not ready/],
  ]
  for (const [told, words] of cases) {
    await writeFile(state, told)
    assert.throws(() => runStep({ args: ['sh', '-c', 'echo not ready >&2; exit 1'], waitsFor: unit }), words)
  }
  await writeFile(journal, 'larder: the first reason\nlarder: there are faults:\n  one\n  two\nFailed with result\n')
  const why = /ended and was started anew 4 times\. there are faults:\n {2}one\n {2}two \(see journalctl/
  assert.throws(() => runStep({ args: ['false'], waitsFor: unit }), why)
})

test('The socket stays where it is unless its address changed', () => {
  const stepsOf = (socketUnit: string | undefined, port = 8080): string[] =>
    planOf({ ...installation, port }, { socketUnit, folder: 'none' }).steps.map(({ args }) => args.join(' '))
  const unit =
    planOf(installation, { folder: 'none' }).files.find(({ path }) => path.endsWith('.socket'))?.content ?? ''
  const stop = 'systemctl stop larder.service larder.socket'
  assert.ok(!stepsOf(undefined).includes(stop))
  assert.ok(!stepsOf(unit).includes(stop))
  assert.ok(!stepsOf(unit.replace('[Socket]\n', '[Socket]\n# of an older version\n')).includes(stop))
  assert.ok(stepsOf(unit).includes('systemctl restart larder.service'))
  assert.ok(stepsOf(unit, 9090).includes(stop))
})

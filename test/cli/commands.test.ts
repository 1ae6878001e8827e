import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { explain } from '../../src/cli/failures.ts'
import { isKeyText } from '../../src/core/secrets.ts'
import { openTestApp, temporaryFolder } from '../support/app.ts'
import { environment, fromSources, larderCommand, type Outcome, root, runLarder } from '../support/process.ts'
import { thisFile } from '../support/shared.ts'

const dir = await temporaryFolder(thisFile)
const store = ['--data-dir', await newStore('data')]

/** A data folder as a first start leaves it. */
async function newStore(name: string): Promise<string> {
  const folder = join(dir, name)
  await mkdir(folder)
  const app = await openTestApp(thisFile, { 'data.dir': folder })
  await app.close()
  return folder
}

const larder = (args: string[], input = ''): Promise<Outcome> => runLarder([...args, ...store], { input })

/** What a command says when it could not do it: words for people, with no trace of where in the code. */
function refused(outcome: Outcome, code: number, words: RegExp): void {
  assert.match(outcome.stderr, words)
  assert.equal(outcome.code, code, outcome.stderr)
  assert.equal(outcome.stdout, '')
  assert.doesNotMatch(outcome.stderr, /\n\s+at |\.ts:\d+|node:internal/)
}

function done(outcome: Outcome): string {
  assert.equal(outcome.code, 0, outcome.stderr)
  assert.equal(outcome.stderr, '')
  return outcome.stdout
}

/** Two processes at a time: more would only wait for each other. */
async function inTwos<T>(works: (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const one = async (): Promise<void> => {
    for (let n = next++; n < works.length; n = next++) results[n] = await (works[n] as () => Promise<T>)()
  }
  await Promise.all([one(), one()])
  return results
}

async function inFolder(name: string, format: string): Promise<Outcome> {
  const folder = join(dir, name)
  await mkdir(folder)
  await writeFile(join(folder, 'format'), format)
  return runLarder(['user', 'list', '--data-dir', folder])
}

test('A reader that has seen enough is no fault, and a disk that takes no output is one', async () => {
  const [command, ...args] = [...larderCommand(), 'config', 'print']
  const env = environment({})
  const left = spawn(command as string, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  left.stdout.destroy()
  const told = async (child: ChildProcess): Promise<[string, number]> => {
    let text = ''
    child.stderr?.on('data', (chunk) => (text += chunk))
    const [code] = await once(child, 'close')
    return [text, code as number]
  }
  assert.deepEqual(await told(left), ['', 0])
  const full = spawn('sh', ['-c', 'exec "$@" > /dev/full', 'sh', command as string, ...args], { env, stdio: 'pipe' })
  assert.deepEqual(await told(full), ['larder: what was to be printed could not be written (ENOSPC)\n', 1])
})

test('A full disk below a database is told in a sentence', () => {
  const error = Object.assign(new Error('database or disk is full'), { name: 'SqliteError', code: 'SQLITE_FULL' })
  assert.match(explain(error), /^the disk is full: .*Make room and try again\. What was answered is safe$/)
})

// A process of the command line keeps one core busy: two chains of them fill the smallest machine.
describe('The command line', { concurrency: 2 }, () => {
  describe('on a store of its own', { concurrency: 1 }, () => {
    test('Accounts are made, listed, disabled, enabled and given passwords', async () => {
      assert.match(
        done(await larder(['user', 'add', '--email', ' Ada@Example.org ', '--password-stdin'], 'correct horse\n')),
        /^Account ada@example\.org is made \([0-9a-f-]{36}\)\.\n$/,
      )
      assert.match(
        done(await larder(['user', 'list'])),
        /^E-MAIL +STATE .*\n\(not set up\) +not verified +owner .*\nada@example\.org +active +- +\d{4}-\d\d-\d\d /,
      )
      assert.equal(
        done(await larder(['user', 'disable', '--email', 'ADA@example.org'])),
        'Account ada@example.org is disabled.\n',
      )
      assert.equal(
        done(await larder(['user', 'enable', '--email', 'ada@example.org'])),
        'Account ada@example.org is enabled.\n',
      )
      assert.match(
        done(await larder(['user', 'password', '--email', 'ada@example.org', '--password-stdin'], 'a new password')),
        /password of ada@example\.org is set/,
      )
      const url = done(
        await larder([
          ...['user', 'setup-link', '--email', 'ada@example.org'],
          ...['--set', 'server.public_url=https://files.example.org/store'],
        ]),
      )
      assert.match(url, /^https:\/\/files\.example\.org\/store\/app\/set-up\?token=[A-Za-z0-9_-]{43}\n$/)
    })

    test('A key is made with all that it may and may not, and --quiet prints it alone', async () => {
      const options = ['--scope', 'files:read', '--scope', 'user:read', '--path-prefix', 'docs/a', '--expires', '30d']
      const [plain, quiet, atiru] = await Promise.all([
        larder(['key', 'create', '--account', 'ada@example.org', '--name', 'plain']),
        larder(['key', 'create', '--account', 'ada@example.org', '--name', 'bound', '--quiet', ...options]),
        larder(['key', 'create', '--account', 'ada@example.org', '--kind', 'atiru', '--quiet']),
      ])
      assert.match(done(plain), /^Key [0-9a-f-]{36}, shown this once:\nak_[0-9A-Za-z]{36}\n$/)
      for (const [outcome, kind] of [
        [quiet, 'ak'],
        [atiru, 'atiru'],
      ] as const) {
        const text = done(outcome)
        assert.match(text, new RegExp(`^${kind}_[0-9A-Za-z]{36}\n$`))
        assert.ok(isKeyText(text.trimEnd()))
      }
      const list = done(await larder(['key', 'list', '--account', 'ada@example.org']))
      const row = (name: string) => list.split('\n').find((line) => line.includes(` ${name} `)) ?? ''
      assert.match(
        row('bound'),
        /ada@example\.org +bound +files:read user:read +docs\/a\/ +\d{4}-\d\d-\d\d \d\d:\d\d +-$/,
      )
      assert.match(row('plain'), /plain +all +\/ +- +-$/)
      assert.match(row('bound'), new RegExp(`${quiet.stdout.slice(0, 7)}…`))
      assert.ok(!list.includes(quiet.stdout.trimEnd()), 'a key is shown once')
      const id = /^[0-9a-f-]{36}/.exec(row('bound'))?.[0] ?? ''
      assert.equal(done(await larder(['key', 'revoke', id])), `Key ${id} is revoked.\n`)
      const after = done(await larder(['key', 'list']))
      assert.ok(!after.includes(id) && after.includes('plain'))
      refused(await larder(['key', 'revoke', id]), 1, new RegExp(`there is no key ${id}`))
    })

    test('What cannot be done is said in words: 1 where it was refused, 2 where it could not be run', async () => {
      const ada = ['--account', 'ada@example.org']
      const tries: [string[], number, RegExp, string?][] = [
        [
          ['user', 'add', '--email', 'ada@example.org', '--password-stdin'],
          1,
          /account with the e-mail ada@example\.org exists/,
          'correct horse',
        ],
        [
          ['user', 'add', '--email', 'nobody', '--password-stdin'],
          2,
          /email: an e-mail address looks like/,
          'correct horse',
        ],
        [
          ['user', 'add', '--email', 'b@example.org', '--password-stdin'],
          2,
          /password: a password has at least 6/,
          'short',
        ],
        [['user', 'add', '--email', 'b@example.org'], 2, /--password-stdin/],
        [['user', 'disable', '--email', 'b@example.org'], 1, /there is no account b@example\.org/],
        [['key', 'create', ...ada, '--scope', 'files:delete'], 2, /"files:delete" is no scope; there are files:read/],
        [['key', 'create', ...ada, '--expires', 'soon'], 2, /--expires takes a duration.*"soon"/],
        [['key', 'create', ...ada, '--kind', 'xx'], 2, /ak, atiru, sk/],
        [['key', 'create', ...ada, '--path-prefix', '../up'], 2, /path_prefix: is malformed: it has a part "\.\."/],
        [['nonsense'], 2, /nonsense/],
        [['user', 'list', '--set', 'server.port'], 2, /--set takes section\.key=value/],
        [['user', 'list', '--set', 'server.prot=1'], 2, /server\.prot.*server\.port/s],
        [['user', 'list', '--config', join(dir, 'missing.toml')], 2, /missing\.toml/],
      ]
      const outcomes = await inTwos(
        tries.map(
          ([args, , , input]) =>
            () =>
              larder(args, input ?? ''),
        ),
      )
      for (const [n, [args, code, words]] of tries.entries()) {
        try {
          refused(outcomes[n] as Outcome, code, words)
        } catch (error) {
          throw new Error(`larder ${args.join(' ')}: ${(error as Error).message}`)
        }
      }
    })
  })

  describe('without a store, or on one that cannot be used', { concurrency: 1 }, () => {
    test('Help and version are no errors', async () => {
      const [help, version, keyHelp] = await Promise.all([
        runLarder(['--help']),
        runLarder(['--version']),
        runLarder(['key', 'create', '--help']),
      ])
      for (const command of ['serve', 'user', 'key', 'gc', 'fsck', 'config'])
        assert.ok(done(help).includes(`  ${command}`))
      const { version: own } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
      assert.ok(done(version).startsWith(`larder ${own} `), version.stdout)
      for (const option of ['--scope', '--path-prefix', '--expires', '--quiet'])
        assert.ok(done(keyHelp).includes(option))
    })

    test('config print tells each value and where it came from, by the order flag, environment, file, default', async () => {
      const path = join(dir, 'config.toml')
      await writeFile(path, '[server]\nport = 8081\nhost = "127.0.0.1"\n[uploads]\nmax_size = "1 MiB"\n')
      const outcome = await runLarder(
        ['config', 'print', '--config', path, '--set', 'server.port=8083', '--data-dir', '/srv/larder'],
        { env: { LARDER_SERVER_PORT: '8082', LARDER_SERVER_HOST: '::1', LARDER_QUOTA_FILES: '7' } },
      )
      const printed = done(outcome)
      assert.match(printed, /^port = 8083 +# command line/m)
      assert.match(printed, /^host = "::1" +# .*LARDER_SERVER_HOST/m)
      assert.match(printed, /^max_size = "1 MiB" +# .*config\.toml/m)
      assert.match(printed, /^files = .*7.* +# .*LARDER_QUOTA_FILES/m)
      assert.match(printed, /^dir = "\/srv\/larder" +# command line/m)
      assert.match(printed, /^shutdown_grace = "10s" +# default/m)
      const bySet = done(await runLarder(['config', 'print', '--set', 'data.dir=/srv/other']))
      assert.match(bySet, /^dir = "\/srv\/other" +# command line/m)
    })

    test('config check tells every fault at once, and nothing where there is none', async () => {
      assert.match(done(await runLarder(['config', 'check'])), /The configuration is sound/)
      const path = join(dir, 'broken.toml')
      await writeFile(path, '[server]\nprot = 1\nhost = 5\n[uploads]\nmax_size = "huge"\n')
      const outcome = await runLarder(['config', 'check', '--config', path], { env: { LARDER_LOG_LEVEL: 'loud' } })
      refused(outcome, 2, /server\.prot/)
      for (const fault of [
        'server.port',
        'server.host',
        'uploads.max_size',
        'huge',
        'log.level',
        'loud',
        'LARDER_LOG_LEVEL',
      ]) {
        assert.ok(outcome.stderr.includes(fault), fault)
      }
    })

    test('A data folder that cannot be used is named with the reason', async () => {
      await writeFile(join(dir, 'a-file'), '')
      const [missing, inFile, newer, foreign] = await Promise.all([
        runLarder(['user', 'list', '--data-dir', join(dir, 'mistyped')]),
        runLarder(['user', 'list', '--data-dir', join(dir, 'a-file', 'data')]),
        inFolder('newer', '2\n'),
        inFolder('foreign', 'something else'),
      ])
      refused(missing, 2, /There is no store in .*mistyped/)
      refused(inFile, 2, /The data folder .*a-file\/data cannot be used: a part of that path is a file/)
      refused(newer, 2, /has layout 2; this Larder knows up to 1.*Nothing was changed/)
      refused(foreign, 2, /Is .*foreign a Larder data folder\?/)
    })

    test('A catalogue that a newer Larder wrote is refused in words, and left as it is', async () => {
      for (const [name, command] of [
        ['catalogue.db', ['serve', '--port', '0']],
        ['activity.db', ['user', 'list']],
      ] as const) {
        const folder = await newStore(`newer-${name}`)
        const database = new Database(join(folder, name))
        database.prepare("INSERT INTO kysely_migration (name, timestamp) VALUES ('0099-future', '')").run()
        database.close()
        const outcome = await runLarder([...command, '--data-dir', folder])
        refused(outcome, 2, /was written by a newer Larder \(it has 0099-future.*Nothing was changed/)
      }
    })

    test('A command that there is not is told so, with those that there are', async () => {
      refused(await runLarder(['foo']), 2, /there is no command "foo"; there are serve, user, key/)
    })

    test('A Node that is too old is refused in a sentence, before anything is loaded that it could not read', async () => {
      const older = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.11.1'})"
      const [command, ...args] = fromSources('--import', older)
      const child = spawn(command, [...args, 'serve', ...store])
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
      const code = await new Promise((resolve) => child.on('close', resolve))
      assert.equal(code, 1)
      assert.match(said, /^Larder needs Node 24\.\d+ or newer; this is /)
      assert.doesNotMatch(said, /\n\s+at /)
    })
  })
})

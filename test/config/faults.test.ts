import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { badValue } from '../../src/config/faults.ts'
import { keyLines } from '../../src/config/file.ts'
import { loadConfig } from '../../src/config/index.ts'
import { optional } from '../../src/config/kinds/composed.ts'
import { integer } from '../../src/config/kinds/quantities.ts'
import { secret } from '../../src/config/kinds/secret.ts'
import { distance, nearestEntry, nearestWord } from '../../src/config/nearest.ts'
import { errorOf, faultsOf, folderWith } from './support.ts'

test('all faults of flags, environment and file come in one message, each with value, expectation and place', (t) => {
  const cwd = folderWith(t, {
    'config.toml': [
      'port = 9000',
      '[server]',
      'prot = 80',
      'port = 99999',
      '[sever]',
      'host = "::"',
      '[uploads]',
      'allowed_content_types = [',
      '  "image/*",',
      '  "pictures",',
      ']',
    ].join('\n'),
  })
  const env = { LARDER_DATA_RESERVE: 'lots', LARDER_LOG_LEVL: 'warn' }
  const error = errorOf({ cwd, env, flags: { 'log.level': 'loud' } })
  const file = join(cwd, 'config.toml')
  const expected = `The configuration has 8 faults:
  LARDER_LOG_LEVL
    expected: a known name; the nearest is LARDER_LOG_LEVEL
    found in: environment variable LARDER_LOG_LEVL
  port
    expected: a known name; the nearest is server.port
    found in: ${file} line 1
  server.prot
    expected: a known name; the nearest is server.port
    found in: ${file} line 3
  [sever]
    expected: a known section; the nearest is [server]
    found in: ${file} line 5
  server.port = 99999
    expected: a whole number from 0 to 65535, such as 8080
    found in: ${file} line 4
  data.reserve = "lots"
    expected: a size, such as 256 MiB
    found in: environment variable LARDER_DATA_RESERVE
  uploads.allowed_content_types = "pictures"
    expected: a list, each a content type without parameters, a family or *, such as ["image/*", "application/pdf"]
    found in: ${file} line 8
  log.level = "loud"
    expected: one of trace, debug, info, warn, error, fatal, silent, such as trace
    found in: command line`
  assert.equal(error.message, expected)
  assert.equal(error.faults.length, 8)
})

test('a value that another place overrides is checked all the same', (t) => {
  const faults = faultsOf({ cwd: folderWith(t), env: { LARDER_SERVER_PORT: 'x' }, flags: { 'server.port': '80' } })
  assert.deepEqual(faults[0]?.source, { from: 'environment', variable: 'LARDER_SERVER_PORT' })
})

test('an example in a message is written as the place of the fault would have it', (t) => {
  const cwd = folderWith(t, { 'config.toml': '[gc]\ngrace = 5\n' })
  const [inFile, inVariable] = [faultsOf({ cwd }), faultsOf({ cwd, env: { LARDER_GC_GRACE: '5' } })]
  assert.equal(inFile[0]?.expected, 'a duration, such as "1d"')
  assert.equal(inVariable[0]?.expected, 'a duration, such as 1d')
})

test('a TOML mistake is told with file, line and column, beside the faults of other places', (t) => {
  const cwd = folderWith(t, { 'config.toml': '[uploads]\nmax_size = 5 GiB\n' })
  const [fault, other] = faultsOf({ cwd, env: { LARDER_SERVER_PORT: 'x' } })
  assert.match(fault?.expected ?? '', /^TOML, in which texts, sizes and durations stand in quotes \(/)
  assert.deepEqual(fault?.source, { from: 'file', path: join(cwd, 'config.toml'), line: 2, column: 14 })
  assert.match(errorOf({ cwd }).message, /config\.toml line 2 column 14$/)
  assert.equal(other?.key, 'server.port')
})

test('a TOML mistake is told without the lines around it, which may hold a secret', (t) => {
  const cwd = folderWith(t, { 'config.toml': '[mail]\npassword = "hunter2" oops\n' })
  assert.doesNotMatch(errorOf({ cwd }).message, /hunter2/)
})

test('a file that was named and is missing is a fault, the usual file may be missing', (t) => {
  const cwd = folderWith(t)
  assert.equal(loadConfig({ cwd }).file, undefined)
  assert.equal(loadConfig({ cwd, env: { LARDER_CONFIG: '' } }).file, undefined)
  const byFlag = faultsOf({ cwd, configPath: 'mine.toml' })
  assert.deepEqual(byFlag, [
    {
      key: '--config',
      value: join(cwd, 'mine.toml'),
      expected: 'a file that can be read (ENOENT)',
      source: { from: 'flag' },
    },
  ])
  assert.equal(faultsOf({ cwd, env: { LARDER_CONFIG: 'mine.toml' } })[0]?.key, 'LARDER_CONFIG')
})

test('the flag that names a file wins over LARDER_CONFIG, and that over config.toml', (t) => {
  const toml = (port: number) => `[server]\nport = ${port}\n`
  const cwd = folderWith(t, { 'config.toml': toml(1), 'b.toml': toml(2), 'c.toml': toml(3) })
  const env = { LARDER_CONFIG: 'b.toml' }
  assert.equal(loadConfig({ cwd }).config.server.port, 1)
  assert.equal(loadConfig({ cwd, env }).config.server.port, 2)
  const named = loadConfig({ cwd, env, configPath: 'c.toml' })
  assert.deepEqual([named.config.server.port, named.file], [3, join(cwd, 'c.toml')])
})

test('a usual file that cannot be read is a fault, not a missing file', (t) => {
  const cwd = folderWith(t)
  mkdirSync(join(cwd, 'config.toml'))
  assert.match(faultsOf({ cwd })[0]?.expected ?? '', /EISDIR/)
})

test('a byte order mark at the start of a file is passed over', (t) => {
  const cwd = folderWith(t, { 'config.toml': '\uFEFF[server]\nport = 1\n' })
  assert.equal(loadConfig({ cwd }).config.server.port, 1)
})

test('a section that is no table is a fault', (t) => {
  for (const toml of ['server = 8080', '[[server]]\nport = 8080']) {
    const [fault] = faultsOf({ cwd: folderWith(t, { 'config.toml': toml }) })
    assert.equal(fault?.expected, 'a section, [server], with keys in it')
  }
})

test('names that every object has are no keys', (t) => {
  const toml = '[constructor]\na = 1\n[server]\n__proto__ = 1\ntoString = 2\n'
  const cwd = folderWith(t, { 'config.toml': toml })
  const keys = faultsOf({ cwd, flags: { __proto__: 'x', 'server.constructor': 'x' } }).map((fault) => fault.key)
  assert.deepEqual(keys, ['server.constructor', '[constructor]', 'server.__proto__', 'server.toString'])
})

test('a refused secret is masked, and the value of an unknown key is not shown', (t) => {
  const fault = badValue('mail.password', optional(secret()), 'hunter2', { from: 'flag' })
  assert.equal(fault.value, '********')
  const { message } = errorOf({ cwd: folderWith(t), env: { LARDER_MAIL_PASSWORD: 'hunter2' } })
  assert.doesNotMatch(message, /hunter2/)
})

test('a refused mail server is masked, wherever it stands, and the example is not', (t) => {
  const cwd = folderWith(t, { 'config.toml': '[mail]\nsmtp_url = "https://me:hunter2@example.org"\n' })
  const env = { LARDER_MAIL_SMTP_URL: 'me:hunter2@example.org' }
  const error = errorOf({ cwd, env })
  assert.doesNotMatch(error.message, /hunter2/)
  const expected = 'a URL that begins with smtp:// or smtps://, or none, such as'
  const example = 'smtps://user:password@mail.example.org'
  assert.deepEqual(
    error.faults.map((fault) => [fault.key, fault.value, fault.expected]),
    [
      ['mail.smtp_url', '********', `${expected} ${example}`],
      ['mail.smtp_url', '********', `${expected} "${example}"`],
    ],
  )
})

test('a password in a URL is masked', (t) => {
  const { message } = errorOf({
    cwd: folderWith(t),
    env: { LARDER_SERVER_PUBLIC_URL: 'https://me:hunt/er2@example.org' },
  })
  assert.match(message, /https:\/\/\*{8}@example\.org/)
})

test('a long value is cut in the message', () => {
  const { value = '' } = badValue('server.port', integer(), 'x'.repeat(5000), { from: 'flag' })
  assert.equal(value.length, 100)
})

test('a file whose name has a line break in it does not break the message', (t) => {
  const name = 'a\nb.toml'
  const cwd = folderWith(t, { [name]: '[server]\nport = "x"\n' })
  assert.match(errorOf({ cwd, configPath: name }).message, /a\?b\.toml line 2$/)
})

test('the nearest key is the one with the fewest letters changed', () => {
  assert.equal(distance('kitten', 'sitting'), 3)
  assert.equal(distance('', 'abc'), 3)
  assert.equal(nearestWord('sever', ['data', 'server', 'log']), 'server')
  const nearest = {
    'server.prot': 'server.port',
    'uploads.maxsize': 'uploads.max_size',
    'image.timeout': 'images.timeout',
  }
  for (const [written, name] of Object.entries(nearest)) assert.equal(nearestEntry(written).name, name)
})

test('a right key in the wrong section, in none or in a variable is still recognised', () => {
  const nearest = { port: 'server.port', 'data.port': 'server.port', LARDER_PUBLIC_URL: 'server.public_url' }
  for (const [written, name] of Object.entries(nearest)) assert.equal(nearestEntry(written).name, name)
})

test('lines are found for keys under headers, with dots and in quotes', () => {
  const lines = keyLines(
    '# a = 1\nlog.level = "info"\n\n[ server ] # here\n"port" = 1\nport = 2\n[hosts]\n"a.b" = "c=d"',
  )
  assert.equal(lines.get('log.level'), 2)
  assert.equal(lines.get('server'), 4)
  assert.equal(lines.get('server.port'), 5)
  assert.equal(lines.get('hosts'), 7)
  assert.deepEqual([...keyLines('\n[plans.free]\nfiles = 1')].slice(1), [
    ['plans.free', 2],
    ['plans', 2],
    ['plans.free.files', 3],
  ])
  assert.equal(lines.get('a'), undefined)
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import {
  configDocs,
  configurationMarkdown,
  exampleToml,
  loadConfig,
  printConfig,
  writeConfigDocs,
} from '../../src/config/index.ts'
import { entries } from '../../src/config/table.ts'
import { folderWith } from './support.ts'

const projectFolder = resolve(import.meta.dirname, '../..')

for (const [name, make] of Object.entries(configDocs)) {
  test(`${name} says what the table of keys says`, () => {
    const committed = readFileSync(join(projectFolder, name), 'utf8')
    assert.equal(
      committed,
      make(),
      `${name} is not what the table makes of it: run "npm run docs" and commit the result`,
    )
  })
}

test('the files made from the table are written below the folder named', (t) => {
  const folder = folderWith(t)
  const written = writeConfigDocs(folder)
  assert.deepEqual(written, [join(folder, 'config.example.toml'), join(folder, 'docs/configuration.md')])
  assert.equal(readFileSync(join(folder, 'config.example.toml'), 'utf8'), exampleToml())
})

test('the example file as it stands changes nothing', (t) => {
  const cwd = folderWith(t, { 'config.toml': exampleToml(), 'empty.toml': '' })
  assert.deepEqual(loadConfig({ cwd }).config, loadConfig({ cwd, configPath: 'empty.toml' }).config)
})

test('the example file with every key uncommented loads to the defaults', (t) => {
  const uncommented = exampleToml().replace(/^# /gm, '')
  const cwd = folderWith(t, { 'config.toml': uncommented, 'empty.toml': '' })
  const { config, sources } = loadConfig({ cwd })
  assert.deepEqual(config, loadConfig({ cwd, configPath: 'empty.toml' }).config)
  for (const [name, source] of Object.entries(sources)) assert.equal(source.from, 'file', name)
})

test('the reference page has every key with its variable and its sentence, and every kind it speaks of', () => {
  const page = configurationMarkdown()
  for (const { variable, sentence, kind } of entries) {
    assert.ok(page.includes(`\`${variable}\``), variable)
    assert.ok(page.includes(sentence), sentence)
    for (const [name] of kind.explained) assert.ok(page.includes(`\n| ${name} | `), name)
  }
})

test('every sentence of the table is one sentence', () => {
  for (const { name, sentence } of entries) assert.match(sentence, /^[A-Z][^.]*(\.[^ ][^.]*)*\.$/, name)
})

test('the example file shows a plan as one would write it', (t) => {
  const shown = /^## For example:\n((?:## .+\n)+)/m.exec(exampleToml())?.[1] ?? ''
  const cwd = folderWith(t, { 'config.toml': exampleToml().replace(shown, shown.replace(/^## /gm, '')) })
  const { plans } = loadConfig({ cwd }).config
  assert.deepEqual([...plans.keys()], ['free'])
  assert.deepEqual([plans.get('free')?.files, plans.get('free')?.trial_days], [1000, 14])
})

test('a printed configuration has no password of the mail server', (t) => {
  const env = { LARDER_MAIL_SMTP_URL: 'smtps://me:hunter2@mail.example.org' }
  const loaded = loadConfig({ cwd: folderWith(t), env })
  assert.equal(loaded.config.mail.smtp_url?.reveal(), env.LARDER_MAIL_SMTP_URL)
  const text = printConfig(loaded)
  assert.ok(text.includes('smtp_url = "********"  # environment variable LARDER_MAIL_SMTP_URL'))
  assert.doesNotMatch(text + JSON.stringify(loaded), /hunter2/)
})

test('a printed configuration says of each value where it came from', (t) => {
  const cwd = folderWith(t, { 'config.toml': '[server]\nport = 1\n' })
  const env = { LARDER_GC_GRACE: '90s', LARDER_HOSTS: 'cdn.home.lan=aether,b=aether' }
  const text = printConfig(loadConfig({ cwd, env, flags: { 'log.level': 'warn' } }))
  const lines = text.split('\n')
  assert.equal(lines[0], `# The configuration in force; file: ${join(cwd, 'config.toml')}`)
  for (const line of [
    `port = 1  # ${join(cwd, 'config.toml')} line 2`,
    'grace = "90s"  # environment variable LARDER_GC_GRACE',
    'level = "warn"  # command line',
    'max_connections_per_address = 512  # default',
    '"cdn.home.lan" = "aether"  # environment variable LARDER_HOSTS',
  ]) {
    assert.ok(lines.includes(line), `${line} is missing in\n${text}`)
  }
})

test('a printed configuration is TOML that loads to the same values', (t) => {
  const size = fc.maxSafeNat().map(String)
  const flags = fc.record({
    'server.port': fc.integer({ min: 0, max: 65535 }).map(String),
    'data.reserve': size,
    'gc.grace': fc.nat().map((ms) => `${ms}ms`),
    'quota.storage': fc.oneof(size, fc.constant('none')),
    'limits.api': fc.oneof(
      fc.integer({ min: 1 }).map((count) => `${count}/1m`),
      fc.constant('off'),
    ),
    'uploads.allowed_content_types': fc.constantFrom('', '*', 'image/*,text/plain'),
    'auth.allowed_redirects': fc.array(fc.domain().map((name) => `https://${name}`)).map(String),
    'mail.from': fc.constantFrom('none', 'a@b', 'Larder <a@b>', '"Larder, Inc." <a@b>'),
    plans: fc.constantFrom('', '{free = {storage = "5 GiB", files = 1000}, all = {}}'),
    hosts: fc.array(fc.domain().map((name) => `${name}=aether`)).map(String),
  })
  const cwd = folderWith(t)
  fc.assert(
    fc.property(flags, (given) => {
      const loaded = loadConfig({ cwd, flags: given })
      const printed = parse(printConfig(loaded))
      const again = Object.fromEntries(entries.flatMap((entry) => flagOf(entry, printed)))
      assert.deepEqual(loadConfig({ cwd, flags: again }).config, loaded.config)
    }),
  )
})

/** A printed value as the flag that would set it. */
function flagOf({ name, section, key, kind }: (typeof entries)[number], printed: Readonly<Record<string, unknown>>) {
  const part = printed[section]
  const reading = kind.fromToml(key === undefined ? part : (part as Record<string, unknown>)[key])
  assert.ok(reading.ok, name)
  return [[name, kind.toText(reading.value)]]
}

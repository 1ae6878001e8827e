import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { configWith, loadConfig, type Plan, printConfig } from '../../src/config/index.ts'
import { plans } from '../../src/config/kinds/plans.ts'
import { faultsOf, folderWith, readText, readToml } from './support.ts'

const kind = plans()
const noLimit: Plan = {
  storage: undefined,
  files: undefined,
  image_ops: undefined,
  origin_reads: undefined,
  max_upload: undefined,
  trial_days: undefined,
}
const free: Plan = { ...noLimit, storage: 5 * 1024 ** 3, files: 1000, trial_days: 14 }

test('a plan is a section of its own in a file', (t) => {
  const toml = [
    '[plans.Free]',
    'storage = "5 GiB"',
    'files = 1000',
    'trial_days = 14',
    '[plans.team-2]',
    'storage = 4096',
    'image_ops = "2000"',
    'origin_reads = "none"',
    'max_upload = "100 MiB"',
    '[plans.all]',
  ]
  const cwd = folderWith(t, { 'config.toml': toml.join('\n') })
  const { config, sources } = loadConfig({ cwd })
  const team = { ...noLimit, storage: 4096, image_ops: 2000, max_upload: 100 * 1024 ** 2 }
  assert.deepEqual(
    config.plans,
    new Map([
      ['free', free],
      ['team-2', team],
      ['all', noLimit],
    ]),
  )
  assert.deepEqual(sources.plans, { from: 'file', path: join(cwd, 'config.toml'), line: 1 })
})

test('a plan is one table in a variable or a flag, and nothing is no plan', (t) => {
  const text = '{free = {storage = "5 GiB", files = 1000, trial_days = 14}}'
  assert.deepEqual(readText(kind, text), new Map([['free', free]]))
  assert.deepEqual(readText(kind, ' { "a" = {} } '), new Map([['a', noLimit]]))
  for (const empty of ['', ' ', '{}']) assert.deepEqual(readText(kind, empty), new Map(), empty)
  const { config } = loadConfig({ cwd: folderWith(t), env: { LARDER_PLANS: text } })
  assert.deepEqual(config.plans.get('free'), free)
  for (const bad of ['free', '5', '[]', '{free', '{}\nx = 1', 'free = {}', '{free = 5}']) {
    assert.equal(kind.fromText(bad).ok, false, bad)
  }
  for (const bad of [5, 'free', [], new Date()]) assert.equal(kind.fromToml(bad).ok, false)
})

test('tests give plans as a table', () => {
  assert.deepEqual(
    configWith({ plans: { free: { storage: '5 GiB', files: 1000, trial_days: 14 } } }).plans.get('free'),
    free,
  )
})

test('what is wrong with a plan is named, with its line and what was expected', (t) => {
  const fault = (lines: string[]) => {
    const [first, ...others] = faultsOf({ cwd: folderWith(t, { 'config.toml': lines.join('\n') }) })
    assert.equal(others.length, 0)
    const { source, ...rest } = first ?? assert.fail()
    return [rest, source.from === 'file' ? source.line : undefined]
  }
  const fields = 'storage, files, image_ops, origin_reads, max_upload, trial_days'
  const name = 'a name of at most 64 letters, digits, _ and -, with a letter or digit in front'
  const tries: [lines: string[], key: string, expected: string, line: number, value?: string][] = [
    [['[plans.free]', 'files = 1', 'storage = "lots"'], 'plans.free.storage', 'a size, or none', 3, '"lots"'],
    [['', '[plans]', 'free = {files = 1.5}'], 'plans.free.files', 'a whole number (files), or none', 3, '1.5'],
    [['[plans.free]', 'max_upload = 0'], 'plans.free.max_upload', 'a size of at least 1 B, or none', 2, '0'],
    [['[plans.a]', 'trial_days = 0'], 'plans.a.trial_days', 'a whole number from 1 to 36500 (days), or none', 2, '0'],
    [['[plans.a]', '[plans.free]', 'quota = 5'], 'plans.free.quota', `one of ${fields}`, 3],
    [['[plans]', 'storage = "5 GiB"'], 'plans.storage', `a table of ${fields}`, 2, '"5 GiB"'],
    [['[plans."my plan"]'], 'plans.my plan', name, 1],
    [['[plans._a]'], 'plans._a', name, 1],
    [[`[plans.${'x'.repeat(65)}]`], `plans.${'x'.repeat(65)}`, name, 1],
    [['[plans.free]', '[plans.FREE]'], 'plans.FREE', 'one plan of each name, whatever its case', 2],
  ]
  for (const [lines, key, expected, line, value] of tries) {
    assert.deepEqual(fault(lines), [{ key, ...(value && { value }), expected }, line], lines.join(' | '))
  }
})

test('what is no table of plans is told with an example that fits the place', (t) => {
  const example = '{free = {storage = "5 GiB", files = 1000, trial_days = 14}}'
  const [inFile] = faultsOf({ cwd: folderWith(t, { 'config.toml': 'plans = 5' }) })
  const [inVariable] = faultsOf({ cwd: folderWith(t), env: { LARDER_PLANS: 'free' } })
  assert.deepEqual([inFile?.key, inFile?.value, inVariable?.value], ['plans', '5', '"free"'])
  for (const fault of [inFile, inVariable]) assert.ok(fault?.expected.endsWith(`, such as ${example}`), fault?.expected)
})

test('names that every object has are plans like others, and no keys of one', () => {
  assert.deepEqual(
    readToml(kind, parse('[constructor]\nfiles = 1')),
    new Map([['constructor', { ...noLimit, files: 1 }]]),
  )
  for (const field of ['constructor', '__proto__', 'toString']) {
    assert.equal(kind.fromToml(parse(`[free]\n${field} = 1`)).ok, false, field)
  }
})

const limit = fc.option(fc.maxSafeNat(), { nil: undefined })
const anyPlan: fc.Arbitrary<Plan> = fc.record(
  {
    storage: limit,
    files: limit,
    image_ops: limit,
    origin_reads: limit,
    max_upload: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    trial_days: fc.option(fc.integer({ min: 1, max: 36_500 }), { nil: undefined }),
  },
  { noNullPrototype: true },
)
const anyPlans = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/), anyPlan), { maxLength: 4 })
  .map((pairs) => new Map(pairs))

test('plans that are written are read back the same, as text, and in a printed configuration', (t) => {
  const cwd = folderWith(t)
  fc.assert(
    fc.property(anyPlans, (value) => {
      assert.deepEqual(readText(kind, kind.toText(value)), value)
      const loaded = loadConfig({ cwd, flags: { plans: kind.toText(value) } })
      const printed = printConfig(loaded)
      assert.deepEqual(readToml(kind, parse(printed).plans), value)
    }),
  )
})

test('a printed plan is a section that says where it came from', (t) => {
  const cwd = folderWith(t, { 'config.toml': '\n[plans.free]\nfiles = 1000\n\n[plans.all]\n' })
  const from = `  # ${join(cwd, 'config.toml')} line 2`
  const lines = [`[plans.free]${from}`, `files = 1000${from}`, '', `[plans.all]${from}`]
  assert.ok(printConfig(loadConfig({ cwd })).includes(`\n[plans]\n${lines.join('\n')}\n`))
})

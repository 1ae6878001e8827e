import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { aloneIn, openFolder, runAs, showThatItServes, start } from './support.ts'

// Libraries of machine code lie in a folder, because the system loads them from nowhere else: what lies there is checked.

/** A store that was started once, and where its libraries lie. */
async function store(t: TestContext): Promise<{ file: string; data: string; native: string; set: string }> {
  const folder = openFolder(t)
  const [file, data] = [aloneIn(folder), join(folder, 'data')]
  const larder = await start(t, file, data)
  await showThatItServes(larder)
  await larder.stop()
  const native = join(data, '.native')
  const [name = ''] = readdirSync(native)
  return { file, data, native, set: join(native, name) }
}

const sqlite = 'better-sqlite3/prebuilds/linux-x64.node'

test('eight processes at once on an empty folder all start', async (t) => {
  const folder = openFolder(t)
  const file = aloneIn(folder)
  const env = { LARDER_NATIVE_DIR: join(folder, 'native') }
  const all = Array.from({ length: 8 }, (_, n) => start(t, file, join(folder, `data-${n}`), { env }))
  for (const larder of await Promise.all(all)) await larder.stop()
  const [set = ''] = readdirSync(env.LARDER_NATIVE_DIR)
  assert.deepEqual(readdirSync(join(env.LARDER_NATIVE_DIR, set, 'better-sqlite3/prebuilds')), ['linux-x64.node'])
})

test('a library that was cut off, or of which a byte is wrong, is written anew', async (t) => {
  const { file, data, set } = await store(t)
  const path = join(set, sqlite)
  const right = readFileSync(path)
  const damages = [
    () => truncateSync(path, 1_000_000),
    () => writeFileSync(path, Buffer.concat([right.subarray(0, -1), Buffer.from([(right.at(-1) ?? 0) ^ 1])])),
    () => appendFileSync(path, 'x'),
  ]
  for (const damage of damages) {
    chmodSync(path, 0o700)
    damage()
    assert.equal(runAs(file, ['user', 'list', '--data-dir', data]).code, 0)
    assert.ok(readFileSync(path).equals(right))
  }
})

test('after a restart of the machine libraries are read again before they are believed', async (t) => {
  const { file, data, set } = await store(t)
  const note = join(set, 'checked.json')
  const before = JSON.parse(readFileSync(note, 'utf8'))
  assert.match(before.boot, /^[0-9a-f-]{36}$/)
  assert.ok(Object.keys(before.files).includes(sqlite))
  // As another boot left it: wrong bytes, of which it was noted that they are right.
  const path = join(set, sqlite)
  chmodSync(path, 0o700)
  writeFileSync(path, 'wrong')
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
  const files = { [sqlite]: [dev, ino, size, mtimeNs, ctimeNs].join(' ') }
  writeFileSync(note, JSON.stringify({ boot: '00000000-0000-4000-8000-000000000000', files }))
  assert.equal(runAs(file, ['user', 'list', '--data-dir', data]).code, 0)
  assert.equal(JSON.parse(readFileSync(note, 'utf8')).boot, before.boot)
})

test('what other versions unpacked goes a week after they were last started, and nothing else', async (t) => {
  const { file, data, native } = await store(t)
  const monthAgo = new Date(Date.now() - 30 * 86_400_000)
  // Of another version, of one that was in use lately, and two that are somebody's own.
  const [old, young, ...others] = ['0123456789abcdef', 'fedcba9876543210', 'aaaaaaaaaaaaaaaa', 'pictures'] as const
  for (const name of [old, young, ...others]) mkdirSync(join(native, name))
  for (const name of [old, young, 'pictures']) writeFileSync(join(native, name, 'checked.json'), '{}')
  for (const name of [old, ...others]) utimesSync(join(native, name), monthAgo, monthAgo)
  assert.equal(runAs(file, ['user', 'list', '--data-dir', data]).code, 0)
  const left = readdirSync(native)
  assert.ok(!left.includes(old))
  assert.ok([young, ...others].every((name) => left.includes(name)) && left.length === 4)
})

test('a folder that others may write to, or a link, is passed over', async (t) => {
  const folder = openFolder(t)
  const [file, data] = [aloneIn(folder), join(folder, 'data')]
  const [shared, link] = [join(folder, 'shared'), join(folder, 'link')]
  mkdirSync(shared)
  chmodSync(shared, 0o777)
  symlinkSync(data, link)
  for (const named of [shared, link, join(folder, 'larder')]) {
    const larder = await start(t, file, data, { env: { LARDER_NATIVE_DIR: named } })
    await larder.stop()
  }
  // In one that others may write to, they may put their own in the place of ours.
  const ours = join(shared, 'ours')
  mkdirSync(ours, { mode: 0o700 })
  await (await start(t, file, data, { env: { LARDER_NATIVE_DIR: ours } })).stop()
  assert.deepEqual([readdirSync(shared), readdirSync(ours)], [['ours'], []])
  assert.ok(readdirSync(join(data, '.native')).length > 0)
})

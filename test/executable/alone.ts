import assert from 'node:assert/strict'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { aloneIn, openFolder, runAs, showThatItServes, skipUnlessRoot, start } from './support.ts'

// One file, put somewhere, by somebody of whose machine nothing is known.
const anybody = 54_321

test('copied alone into an empty folder it serves, from another working folder, with an empty environment', async (t) => {
  const folder = openFolder(t)
  const larder = await start(t, aloneIn(folder), join(folder, 'data'), { cwd: '/' })
  await showThatItServes(larder)
  assert.ok(existsSync(join(folder, 'data', '.native')), 'libraries lie beside the store')
  assert.deepEqual(readdirSync(folder).sort(), ['data', 'larder'], 'and nothing elsewhere')
  await larder.stop()
})

test('a path with spaces, quotes and letters of other languages is a path', async (t) => {
  const folder = join(openFolder(t), `Ann's "files" – Öl`)
  const larder = await start(t, aloneIn(folder), join(folder, 'the data'))
  await showThatItServes(larder)
  await larder.stop()
})

test('started by its bare name in its own folder, with a data folder that is not named', async (t) => {
  const folder = openFolder(t)
  aloneIn(folder)
  const { code, text } = runAs('./larder', ['user', 'list'], { cwd: folder })
  assert.equal(code, 2)
  assert.match(text, /There is no store in .*data \(data\.dir\)/)
})

test('a user without an entry in the list of users and without HOME serves', async (t) => {
  if (skipUnlessRoot(t)) return
  const folder = openFolder(t)
  const file = aloneIn(folder)
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  chownSync(data, anybody, anybody)
  const larder = await start(t, file, data, { uid: anybody })
  await showThatItServes(larder)
  await larder.stop()
})

test('with everything read-only but its data folder it serves', async (t) => {
  if (skipUnlessRoot(t)) return
  const folder = openFolder(t)
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  chownSync(data, anybody, anybody)
  // The folder is a mount of its own, and so is not read-only with the rest.
  const mounts = `mount --bind '${data}' '${data}'
    for point in / /tmp; do mountpoint -q $point && mount -o remount,bind,ro $point; done
    ! touch '${folder}/written' 2> /dev/null`
  const larder = await start(t, aloneIn(folder), data, { uid: anybody, mounts })
  await showThatItServes(larder)
  await larder.stop()
})

test('a data folder and a /tmp that programs may not be loaded from send the libraries to the cache', async (t) => {
  if (skipUnlessRoot(t)) return
  const folder = openFolder(t)
  const [data, cache, file] = [join(folder, 'data'), join(folder, 'cache'), aloneIn(folder)]
  for (const path of [data, cache]) mkdirSync(path, { mode: 0o700 })
  const mounts = `mount -t tmpfs -o noexec tmpfs '${data}'\nmount --bind -o noexec /tmp /tmp
    mount --bind '${folder}' '${folder}' && mount -o remount,bind,exec '${folder}'
    mount -t tmpfs -o noexec tmpfs '${data}'`
  const larder = await start(t, file, data, { env: { XDG_CACHE_HOME: cache }, mounts })
  await showThatItServes(larder)
  assert.deepEqual(readdirSync(cache), ['larder'])
  await larder.stop()
})

test('where no folder will do, each is named with its reason, and what to do', async (t) => {
  if (skipUnlessRoot(t)) return
  const folder = openFolder(t)
  const [data, home, file] = [join(folder, 'data'), join(folder, 'home'), aloneIn(folder)]
  for (const path of [data, home]) mkdirSync(path, { mode: 0o700 })
  const noexec = [data, home, '/root'].map((path) => `mount -t tmpfs -o noexec tmpfs '${path}'`).join('\n')
  const mounts = `${noexec}\nmount -t tmpfs -o noexec tmpfs /var/tmp`
  const env = { HOME: home, TMPDIR: '/var/tmp' }
  const { code, text } = runAs(file, ['serve', '--data-dir', data, '--port', '0'], { env, mounts })
  assert.equal(code, 2)
  for (const path of [join(data, '.native'), join(home, '.cache/larder'), '/root/.cache/larder', '/var/tmp/larder-0'])
    assert.ok(text.includes(`  ${path}: `), `${path} in ${text}`)
  assert.match(text, /failed to map segment/)
  assert.match(text, /LARDER_NATIVE_DIR/)
})

test('the version says what to send along with a question; licences come with their texts', (t) => {
  const file = aloneIn(openFolder(t))
  const { text } = runAs(file, ['--version'])
  assert.match(
    text,
    /^larder \d+\.\d+\.\d+ \(commit [0-9a-f]{12}(-changed)?, linux-\w+\)\nnode [\d.]+, better-sqlite3 [\d.]+, sharp [\d.]+, libvips [\d.]+\n$/,
  )
  const licenses = runAs(file, ['licenses']).text
  for (const part of [
    /\nexpress [\d.]+: MIT/,
    /libvips.*: LGPL-3\.0/,
    /GNU LESSER GENERAL PUBLIC LICENSE/,
    /GNU GENERAL PUBLIC LICENSE/,
  ])
    assert.match(licenses, part)
})

test('options meant for other programs of Node do not reach it', (t) => {
  const { code } = runAs(aloneIn(openFolder(t)), ['--version'], { env: { NODE_OPTIONS: '--require /nowhere.js' } })
  assert.equal(code, 0)
})

test('a server tells the C library to give memory back, unless it was told something else', async (t) => {
  const folder = openFolder(t)
  const file = aloneIn(folder)
  const told = async (env: Record<string, string>): Promise<string | undefined> => {
    const larder = await start(t, file, join(folder, 'data'), { env })
    const found = /MALLOC_TRIM_THRESHOLD_=(\d+)/.exec(readFileSync(`/proc/${larder.child.pid}/environ`, 'utf8'))
    assert.doesNotMatch(larder.output(), /warning/i)
    await larder.stop()
    return found?.[1]
  }
  assert.equal(await told({}), '131072')
  assert.equal(await told({ MALLOC_TRIM_THRESHOLD_: '1000000' }), '1000000')
})

test('in a working folder that its user may not look into there is no configuration, and no fault', (t) => {
  if (skipUnlessRoot(t)) return
  const folder = openFolder(t)
  const closed = join(folder, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  const { code, text } = runAs(aloneIn(folder), ['config', 'check'], { cwd: closed, uid: anybody })
  assert.equal(code, 0, text)
})

test('the process has the name by which it is looked for', async (t) => {
  const folder = openFolder(t)
  const larder = await start(t, aloneIn(folder), join(folder, 'data'))
  assert.equal(readFileSync(`/proc/${larder.child.pid}/comm`, 'utf8'), 'larder\n')
  await larder.stop()
})

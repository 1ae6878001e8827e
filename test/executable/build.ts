import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Arch, makeExecutable } from '../../scripts/build/executable.ts'
import { partsOf } from '../../scripts/build/parts.ts'
import { assetNames } from '../../src/assets.ts'
import type { Libraries } from '../../src/native/unpacked.ts'
import { root } from '../support/process.ts'
import { aloneIn, executable, openFolder, runAs, showThatItServes, start } from './support.ts'

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

test('the same sources make the same bytes, in another folder and at another time', async (t) => {
  const again = join(openFolder(t), 'larder')
  await makeExecutable(await partsOf(root, process.arch as Arch), again)
  assert.equal(sha256(again), sha256(executable), 'another commit, or changed since? npm run build')
})

test('two versions side by side, with libraries of their own in one folder, do not mind each other', async (t) => {
  const folder = openFolder(t)
  const parts = await partsOf(root, process.arch as Arch)
  const { packages } = JSON.parse(parts.texts[assetNames.libraries] ?? '') as Libraries
  const [sqlite] = packages['better-sqlite3'] ?? []
  assert.ok(sqlite)
  // Another version's library: what stands behind its end is no part of it.
  const other = join(folder, 'other.node')
  copyFileSync(parts.files[sqlite.path] ?? '', other)
  appendFileSync(other, 'of another version')
  const libraries: Libraries = {
    id: '0123456789abcdef',
    packages: { ...packages, 'better-sqlite3': [{ ...sqlite, sha256: sha256(other) }] },
  }
  const newer = join(folder, 'newer')
  const texts = { ...parts.texts, [assetNames.libraries]: JSON.stringify(libraries) }
  await makeExecutable({ ...parts, texts, files: { ...parts.files, [sqlite.path]: other } }, newer)

  const env = { LARDER_NATIVE_DIR: join(folder, 'native') }
  const files = [aloneIn(folder), newer]
  const both = await Promise.all(files.map((file, n) => start(t, file, join(folder, `data-${n}`), { env })))
  for (const larder of both) await showThatItServes(larder)
  assert.equal(readdirSync(env.LARDER_NATIVE_DIR).length, 2)
  for (const [n, file] of files.entries())
    assert.equal(runAs(file, ['user', 'list', '--data-dir', join(folder, `data-${n}`)], { env }).code, 0)
  for (const larder of both) await larder.stop()
})

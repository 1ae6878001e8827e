import assert from 'node:assert/strict'
import { chownSync, copyFileSync, cpSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { minimalRoot } from '../../scripts/image/bases.ts'
import { executable, openFolder } from '../executable/support.ts'
import { comesBack, store } from '../support/picture.ts'
import { freePort, runInside, serveInside } from './chroot.ts'
import { memoryOf, setUp } from './walk.ts'

// A machine with the smallest Debian on it and no Node, and one file that somebody downloaded.
test('the file copied alone into the smallest Debian serves: set up, uploaded, AVIF back', async (t) => {
  const root = join(openFolder(t), 'root')
  cpSync(minimalRoot(), root, { recursive: true, verbatimSymlinks: true })
  assert.ok(!existsSync(join(root, 'usr/bin/node')))
  copyFileSync(executable, join(root, 'larder'))
  const data = join(root, 'srv')
  chownSync(data, 12_345, 12_345)
  const inside = { root, data, at: '/srv', uid: 12_345, env: ['LARDER_DATA_DIR=/srv'] }
  mkdirSync(join(root, 'proc'), { recursive: true })

  const port = await freePort()
  const cold = performance.now()
  const server = await serveInside(t, inside, port, '/larder')
  const coldMs = performance.now() - cold
  await setUp(server.url, server.output())
  const stored = await store(server.url, server.key)
  await comesBack(stored)
  const memory = memoryOf(server.pid())
  assert.equal((await server.stop()).code, 0)

  const warm = performance.now()
  const again = await serveInside(t, inside, port, '/larder')
  const warmMs = performance.now() - warm
  await comesBack(stored)
  assert.equal((await again.stop()).code, 0)
  const size = (statSync(executable).size / 1e6).toFixed(1)
  t.diagnostic(
    `${size} MB; start to first answer ${Math.round(coldMs)} ms with an empty cache, ${Math.round(warmMs)} ms with a warm one (chroot included); memory after a variant ${memory} MiB`,
  )
  assert.match(runInside(inside, '/larder', '--version'), /^larder /)
})

import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { makeBases } from '../../scripts/image/bases.ts'
import { buildImage, configOfImage, type ImageConfig, mountImage, sizeOfImage } from '../../scripts/image/image.ts'
import { openFolder } from '../executable/support.ts'
import { atEnd } from '../support/at-end.ts'
import { comesBack, store } from '../support/picture.ts'
import { freePort, type Inside, runInside, serveInside } from './chroot.ts'
import { memoryOf, setUp } from './walk.ts'

// The image, built from the Dockerfile and run as an engine would run it. Slow: it makes a Debian first.
const anybody = 12_345
let config: ImageConfig

before(() => {
  buildImage(makeBases())
  config = configOfImage()
})

test('as any user, on a read-only root without a shell: upload, variant, stop, and everything is there again', async (t) => {
  const { folder: root, remove } = mountImage()
  atEnd(t, remove)
  // Nothing of it may be needed.
  for (const shell of ['sh', 'dash', 'bash']) rmSync(join(root, 'usr/bin', shell), { force: true })
  const data = join(openFolder(t), 'data')
  mkdirSync(data, { mode: 0o700 })
  chownSync(data, anybody, anybody)
  const inside: Inside = { root, data, at: '/data', uid: anybody, env: config.Env }
  const port = await freePort()
  const command = [...config.Entrypoint, ...config.Cmd]

  const first = await serveInside(t, inside, port, ...command)
  await setUp(first.url, first.output())
  const stored = await store(first.url, first.key)
  await comesBack(stored)
  const [program, ...check] = config.Healthcheck.Test
  assert.equal(program, 'CMD')
  const settings = ['LARDER_SERVER_HOST=127.0.0.1', `LARDER_SERVER_PORT=${port}`]
  assert.equal(runInside({ ...inside, env: [...config.Env, ...settings] }, ...check), 'ready\n')
  t.diagnostic(`image ${sizeOfImage()}; memory after a variant ${memoryOf(first.pid())} MiB`)
  const { code, ms } = await first.stop()
  assert.equal(code, 0)
  t.diagnostic(`SIGTERM to exit ${Math.round(ms)} ms`)

  const again = await serveInside(t, inside, port, ...command)
  await comesBack(stored)
  assert.equal((await again.stop()).code, 0)
  assert.match(runInside(inside, 'larder', 'fsck', '--read-data'), /No damage/)
  assert.ok(readdirSync(data).includes('catalogue.db'))
})

test('the image says how it is run', () => {
  assert.deepEqual(Object.keys(config.Volumes), ['/data'])
  assert.deepEqual(Object.keys(config.ExposedPorts), ['8080/tcp'])
  assert.equal(config.User, '10001:10001')
  assert.equal(config.StopSignal, 'SIGTERM')
  const { 'org.opencontainers.image.revision': commit, 'org.opencontainers.image.version': version } = config.Labels
  assert.match(commit ?? '', /^[0-9a-f]{12}$/)
  assert.match(version ?? '', /^\d+\.\d+\.\d+$/)
})

test('the folder that volumes are made from is open to whichever user the image is run as', async (t) => {
  const { folder: root, remove } = mountImage()
  atEnd(t, remove)
  const inside: Inside = { root, data: join(root, 'data'), at: '/data', uid: 10_001, env: config.Env }
  const server = await serveInside(t, inside, await freePort(), ...config.Entrypoint, ...config.Cmd)
  await comesBack(await store(server.url, server.key))
  assert.equal((await server.stop()).code, 0)
})

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { formWith } from '../support/app.ts'
import { faultyDisk } from '../support/faults.ts'
import { type InnerApp, openInnerApp } from '../support/inner-app.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf, until } from '../support/state.ts'

const disk = faultyDisk()
const app = await openInnerApp(thisFile, { 'uploads.max_size': '2 MiB' }, { disk: disk.disk })

const MiB = 1024 * 1024

/** Everything that uploads under way hold is given back soon after they ended. */
async function nothingUnderWay(of: InnerApp = app): Promise<void> {
  await until('uploads to be over', async () => !(await of.isUploading()))
}

test('A disk that is full at any write answers 507 and keeps nothing', async () => {
  const before = await stateOf(app)
  const bytes = randomBytes(1.4 * MiB)
  let failed = 0
  for (let n = 1; ; n++) {
    disk.fail('write', 'ENOSPC', n)
    const form = formWith('first', 'first.txt')
    form.append('file', new Blob([bytes], { type: 'application/octet-stream' }), 'second.bin')
    const { status, body } = await aether(app, 'POST', '/files/upload', { form })
    if (status === 201) {
      assert.equal(body.files.length, 2)
      break
    }
    failed++
    assert.deepEqual([status, body.error.code], [507, 'insufficient_storage'], `write ${n}`)
    await nothingUnderWay()
    assert.deepEqual(await stateOf(app), before, `write ${n}`)
  }
  disk.mend()
  assert.ok(failed >= 4, `only ${failed} writes were there to fail`)
})

test('A disk that is full at any other step answers 507 as well', async () => {
  for (const operation of ['create', 'syncFile', 'makeFolder', 'rename', 'syncFolder'] as const) {
    const { accounts } = (await stateOf(app)) as { accounts: object }
    disk.fail(operation, 'ENOSPC')
    const answer = await aether(app, 'POST', '/files/upload', { form: formWith(randomBytes(50_000), 'x.bin') })
    disk.mend()
    assert.deepEqual([answer.status, answer.body.error?.code], [507, 'insufficient_storage'], operation)
    await nothingUnderWay()
    assert.deepEqual(((await stateOf(app)) as { accounts: object }).accounts, accounts, operation)
  }
})

/** Bytes whose blob's folder no upload before has made: else there would be no folder to fail to make. */
function bytesOfANewFolder(): Buffer {
  while (true) {
    const bytes = randomBytes(50_000)
    const digest = createHash('sha256').update(bytes).digest('hex')
    if (!existsSync(join(app.folder, 'blobs', 'sha256', digest.slice(0, 2), digest.slice(2, 4)))) return bytes
  }
}

test('A disk that breaks at any step answers 500, and nothing is listed', async () => {
  const operations = ['create', 'write', 'syncFile', 'close', 'makeFolder', 'rename', 'syncFolder'] as const
  for (const operation of operations) {
    const { accounts } = (await stateOf(app)) as { accounts: object }
    disk.fail(operation, 'EIO')
    const answer = await aether(app, 'POST', '/files/upload', { form: formWith(bytesOfANewFolder(), 'x.bin') })
    disk.mend()
    assert.deepEqual([answer.status, answer.body.error?.code], [500, 'server_error'], operation)
    await nothingUnderWay()
    assert.deepEqual(((await stateOf(app)) as { accounts: object }).accounts, accounts, operation)
  }
  const bytes = randomBytes(50_000)
  disk.fail('syncFolder', 'EIO', 1)
  const form = () => formWith(bytes, 'x.bin', 'application/octet-stream')
  assert.equal((await aether(app, 'POST', '/files/upload', { form: form() })).status, 500)
  disk.mend()
  const again = await aether(app, 'POST', '/files/upload', { form: form() })
  assert.equal(again.status, 201, 'the same bytes are taken once the disk is well')
  assert.deepEqual((await aether(app, 'GET', `/files/${again.body.file.id}/download`)).bytes, bytes)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether, refusal } from '../support/aether.ts'
import { formWith } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { faultyDisk } from '../support/faults.ts'
import { openInnerApp } from '../support/inner-app.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const disk = faultyDisk()
const clock = new MovingClock()
const app = await openInnerApp(thisFile, { 'uploads.max_size': '1 MiB' }, { disk: disk.disk, clock })

test('insufficient_storage: when the disk is full although it did not seem so', async () => {
  disk.fail('write', 'ENOSPC')
  const answer = await aether(app, 'POST', '/files/upload', { form: formWith('x') })
  disk.mend()
  refusal(answer, 507, 'insufficient_storage', 'the disk has no room left; nothing was kept')
})

test('server_error: what breaks inside is told as an incident, and the log tells its cause', async () => {
  const before = await stateOf(app)
  disk.fail('syncFile', 'EIO')
  const answer = await aether(app, 'POST', '/files/upload', { form: formWith('precious') })
  disk.mend()
  const incident = answer.headers.get('x-request-id') ?? ''
  refusal(answer, 500, 'server_error', `something went wrong here; the log tells more of ${incident}`)
  const line =
    app
      .log()
      .split('\n')
      .find((one) => one.includes(`"${incident}"`)) ?? ''
  assert.match(line, /EIO: made to fail, syncFile/)
  assert.doesNotMatch(answer.bytes.toString(), /EIO|syncFile|\.ts|\/tmp/)
  assert.deepEqual(await stateOf(app), before)
})

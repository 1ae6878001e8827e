import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { Limit } from '../../src/http/limits.ts'

type Headers = Record<string, string>

test('When the time is over, the next one counts as the first', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const limit = new Limit({ count: 2, perMs: 60_000 })
  const headers: Headers[] = []
  const count = () => limit.count('somebody', (one) => void headers.push({ ...one }))
  const isRefused = (seconds: number) => (error: unknown) =>
    isFailure(error) && error.code === 'rate_limited' && error.detail.retryAfterSeconds === seconds
  await count()
  t.mock.timers.tick(20_000)
  await count()
  await assert.rejects(count(), isRefused(40))
  t.mock.timers.tick(39_500)
  await assert.rejects(count(), isRefused(1))
  await limit.count('somebody else', () => {})
  t.mock.timers.tick(500)
  await count()
  const told = headers.map((one) => [one['RateLimit-Remaining'], one['RateLimit-Reset']].join(' in '))
  assert.deepEqual(told, ['1 in 60', '0 in 40', '0 in 40', '0 in 1', '1 in 60'])
})

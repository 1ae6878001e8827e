import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Budget } from '../../src/images/budget.ts'
import { failure } from './support.ts'

const budgetOf = (capacity: number, { waiting = 8, waitMs = 60_000 } = {}) =>
  new Budget({ capacity, waiting, waitMs, why: 'test' })

test('never more is held than there is, everyone has a turn, and all comes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 10 }), fc.array(fc.nat({ max: 15 })), async (capacity, costs) => {
      const budget = budgetOf(capacity, { waiting: 1_000 })
      let turns = 0
      const takers = costs.map(async (cost) => {
        const release = await budget.take(cost)
        assert.ok(budget.held <= capacity)
        await Promise.resolve()
        turns++
        release()
      })
      await Promise.all(takers)
      assert.deepEqual([turns, budget.held], [costs.length, 0])
    }),
  )
})

test('those who wait have their turns in the order in which they came', async () => {
  const budget = budgetOf(10)
  const first = await budget.take(10)
  const order: string[] = []
  const waiting = [['large', 8] as const, ['small', 1] as const].map(async ([name, cost]) => {
    const release = await budget.take(cost)
    order.push(name)
    release()
  })
  first()
  await Promise.all(waiting)
  assert.deepEqual(order, ['large', 'small'])
})

test('past the line the answer is busy, at once', async () => {
  const budget = budgetOf(1, { waiting: 1 })
  const release = await budget.take(1)
  const second = budget.take(1)
  await assert.rejects(budget.take(1), failure('busy', { why: 'test', retryAfterSeconds: 60 }))
  release()
  ;(await second)()
  assert.equal(budget.held, 0)
})

test('who has waited too long is told to come back, and those behind move up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const budget = budgetOf(10, { waitMs: 1_500 })
  const release = await budget.take(5)
  const large = assert.rejects(budget.take(10), failure('busy', { retryAfterSeconds: 2 }))
  t.mock.timers.tick(1_000)
  const small = budget.take(5)
  t.mock.timers.tick(500)
  await large
  ;(await small)()
  release()
  assert.equal(budget.held, 0)
})

test('giving back twice gives back once', async () => {
  const budget = budgetOf(2)
  const release = await budget.take(1)
  await budget.take(1)
  release()
  release()
  assert.equal(budget.held, 1)
})

test('what costs more than there is waits until it is alone', async () => {
  const budget = budgetOf(10)
  const release = await budget.take(1)
  const huge = budget.take(1_000)
  release()
  assert.ok(await huge)
  assert.equal(budget.held, 10)
})

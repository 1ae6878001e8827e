import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFailure } from '../../src/core/failure.ts'
import { type Reservation, Reservations, stepBytes } from '../../src/core/reservations.ts'

/** A store of one account, as the reservations see it. */
function storeOf(quotaBytes: number | null, roomBytes = Number.MAX_SAFE_INTEGER) {
  const state = { used: 0, room: roomBytes }
  const all = new Reservations()
  const open = (account = 'ada'): Reservation =>
    all.open(account, {
      used: async () => ({ bytes: state.used, files: 0 }),
      quota: { bytes: quotaBytes, files: null },
      room: async () => state.room,
    })
  return { state, all, open }
}

const overQuota = (used: number) => (error: unknown) =>
  isFailure(error) && error.code === 'quota_exceeded' && error.detail.used === used
const diskFull = (error: unknown): boolean => isFailure(error) && error.code === 'disk_full'

/** Whether a promise is still open after everything that can happen at once has happened. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open')
  const later = new Promise((resolve) => setTimeout(() => resolve(open), 10))
  return (await Promise.race([promise.catch(() => {}), later])) === open
}

test('An upload takes what it needs, and up to what it wants where there is room', async () => {
  const { all, open } = storeOf(100)
  const first = open()
  await first.grow(10, 60)
  assert.equal(first.taken, 60)
  await first.grow(50)
  assert.equal(first.taken, 60, 'within what it has, nothing is asked')
  const second = open()
  await second.grow(1, 1_000)
  assert.equal(second.taken, 40, 'the rest, and not more')
  assert.equal(all.reservedBy('ada'), 100)
  first.close()
  second.close()
  second.close()
  assert.equal(all.reservedBy('ada'), 0)
})

test('An upload of unknown length takes step by step', async () => {
  const { open } = storeOf(null)
  const upload = open()
  await upload.grow(1)
  assert.equal(upload.taken, stepBytes)
  await upload.grow(stepBytes + 1)
  assert.equal(upload.taken, 2 * stepBytes)
  upload.close()
})

test('What the quota can never allow is refused at once, whoever else is under way', async () => {
  const { state, open } = storeOf(100)
  state.used = 60
  const other = open()
  await other.grow(10, 10)
  await assert.rejects(open().grow(41), overQuota(60))
  const own = open()
  await own.grow(1, 30)
  await assert.rejects(own.grow(41), overQuota(60), 'its own share is in nobody’s way')
  await own.grow(30)
  own.close()
  other.close()
})

test('What others hold is waited for', async () => {
  const { state, open } = storeOf(100)
  const first = open()
  await first.grow(80, 80)
  const second = open()
  const waiting = second.grow(50, 50)
  assert.ok(await isPending(waiting))
  first.close()
  await waiting
  assert.equal(second.taken, 50)
  const third = open()
  const never = third.grow(60, 60)
  assert.ok(await isPending(never))
  state.used = 50
  second.close()
  await assert.rejects(never, overQuota(50), 'what was published in the meantime counts')
  third.close()
})

test('Who holds something already comes before newcomers', async () => {
  const { open } = storeOf(100)
  const [first, second] = [open(), open()]
  await first.grow(60, 60)
  await second.grow(30, 30)
  const newcomer = open()
  const small = newcomer.grow(20, 20)
  const grown = second.grow(40, 40)
  await grown
  assert.ok(await isPending(small))
  first.close()
  await small
  assert.deepEqual([second.taken, newcomer.taken], [40, 20])
  second.close()
  newcomer.close()
})

test('Of uploads that all wait for each other the youngest gives way at once', async () => {
  const { all, open } = storeOf(100)
  const [older, younger] = [open(), open()]
  await older.grow(50, 50)
  await younger.grow(50, 50)
  const first = older.grow(70)
  const second = younger.grow(60)
  await assert.rejects(second, overQuota(50))
  assert.ok(await isPending(first), 'until it has given back what it held')
  younger.close()
  await first
  assert.ok(older.taken >= 70)
  older.close()
  assert.equal(all.reservedBy('ada'), 0)
})

test('Accounts share the disk and not the quota', async () => {
  const { all, open } = storeOf(100, 150)
  const [ada, bob] = [open('ada'), open('bob')]
  await ada.grow(100, 100)
  await bob.grow(50, 50)
  await assert.rejects(bob.grow(51), diskFull)
  assert.deepEqual([all.reservedBy('ada'), all.reservedBy('bob')], [100, 50])
  ada.close()
  await bob.grow(100)
  bob.close()
})

test('What has come to the disk is not kept free there a second time', async () => {
  const { state, open } = storeOf(null, 100)
  const upload = open()
  for (let written = 0; written < 90; written += 10) {
    await upload.grow(written + 10, written + 10)
    upload.spend(written + 10)
    state.room -= 10
  }
  await upload.grow(100, 100)
  await assert.rejects(upload.grow(101, 101), diskFull)
  upload.close()
  const next = open()
  await next.grow(10, 10)
  await assert.rejects(open().grow(1, 1), diskFull)
  next.close()
})

test('Where the catalogue does not answer, nothing is promised and the next one may try again', async () => {
  const all = new Reservations()
  let isBroken = true
  const upload = all.open('ada', {
    used: async () => {
      if (isBroken) throw new Error('no answer')
      return { bytes: 0, files: 0 }
    },
    quota: { bytes: 100, files: null },
    room: async () => 1_000,
  })
  await assert.rejects(upload.grow(10), /no answer/)
  assert.equal(all.reservedBy('ada'), 0)
  isBroken = false
  await upload.grow(10)
  upload.close()
})

test('However many come at once and in whatever sizes, no more is ever promised than there is, and all of it comes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 }), async (sizes) => {
      const { state, all, open } = storeOf(100)
      await Promise.all(
        sizes.map(async (size) => {
          const upload = open()
          try {
            for (let received = 1; received <= size; received++) {
              await upload.grow(received, received + 7)
              upload.spend(received)
              assert.ok(state.used + all.reservedBy('ada') <= 100)
              await null
            }
            state.used += size
          } catch (error) {
            assert.ok(isFailure(error) && error.code === 'quota_exceeded')
          } finally {
            upload.close()
          }
        }),
      )
      assert.ok(state.used <= 100)
      assert.equal(all.reservedBy('ada'), 0)
      const left = 100 - state.used
      assert.ok(sizes.length === 0 || state.used > 0 || left < Math.min(...sizes))
    }),
    { numRuns: 60 },
  )
})

test('Of equal uploads exactly as many succeed as fit', async () => {
  for (const size of [1, 3, 10, 16, 33, 50, 100]) {
    const { state, all, open } = storeOf(100)
    let succeeded = 0
    await Promise.all(
      Array.from({ length: 110 }, async () => {
        const upload = open()
        try {
          await upload.grow(1, size + 2)
          for (let received = 1; received <= size; received++) await upload.grow(received)
          await new Promise((resolve) => setImmediate(resolve))
          state.used += size
          succeeded++
        } catch (error) {
          assert.ok(isFailure(error) && error.code === 'quota_exceeded')
        } finally {
          upload.close()
        }
      }),
    )
    assert.equal(succeeded, Math.floor(100 / size), `${size} bytes each`)
    assert.equal(all.reservedBy('ada'), 0)
  }
})

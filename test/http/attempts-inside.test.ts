import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type AnyFailure, Failure, isFailure } from '../../src/core/failure.ts'
import { hashing } from '../../src/core/passwords.ts'
import { Attempts } from '../../src/http/attempts.ts'
import { elsewhere, email, home, logIn, roomy } from '../support/attempts.ts'
import { openInnerApp } from '../support/inner-app.ts'

const right = async (): Promise<string> => 'let in'
const wrong = async (): Promise<never> => {
  throw new Failure('unauthenticated', { reason: 'password' })
}

/** What became of a try: let in, wrong, or told to wait for so many seconds. */
async function outcome(trying: Promise<unknown>): Promise<'let in' | 'wrong' | number | AnyFailure> {
  try {
    await trying
    return 'let in'
  } catch (error) {
    if (!isFailure(error)) throw error
    if (error.code === 'unauthenticated') return 'wrong'
    return error.code === 'rate_limited' ? error.detail.retryAfterSeconds : error
  }
}

/** Somebody who guesses, and the outcomes of their tries. */
async function guess(attempts: Attempts, times: number, address = home, who = email) {
  const outcomes = []
  for (let n = 0; n < times; n++) outcomes.push(await outcome(attempts.guard(who, address, wrong)))
  return outcomes
}

const fiveWrong = ['wrong', 'wrong', 'wrong', 'wrong', 'wrong']

/** Lets the test say what time it is. */
function setTime(t: TestContext): (seconds: number) => void {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  return (seconds) => t.mock.timers.tick(seconds * 1_000)
}

test('Five wrong tries cost nothing, and then whoever goes on has to wait, right or wrong', async () => {
  const attempts = new Attempts(true)
  assert.deepEqual(await guess(attempts, 7), [...fiveWrong, 15, 15])
  let isAsked = false
  const asked = outcome(attempts.guard(email, home, async () => (isAsked = true)))
  assert.equal(await asked, 15)
  assert.equal(isAsked, false, 'nothing is looked at meanwhile')
})

test('Who guesses at one account is not in the way of its owner elsewhere, nor of others at the same address', async () => {
  const attempts = new Attempts(true)
  await guess(attempts, 6)
  assert.equal(await outcome(attempts.guard(email, elsewhere, right)), 'let in')
  assert.equal(await outcome(attempts.guard('bob@example.org', home, right)), 'let in')
  assert.equal(await outcome(attempts.guard(email, home, right)), 15)
})

test('An account is one, however its address is written', async () => {
  const attempts = new Attempts(true)
  for (const who of ['ada@example.org', ' ADA@example.org', 'Ada@Example.Org\n']) await guess(attempts, 2, home, who)
  assert.equal(await outcome(attempts.guard('ADA@EXAMPLE.ORG', home, right)), 15)
})

test('Each time the wait is twice as long, up to a quarter of an hour', async (t) => {
  const pass = setTime(t)
  const attempts = new Attempts(true)
  for (const seconds of [15, 30, 60, 120, 240, 480, 900, 900, 900]) {
    assert.deepEqual(await guess(attempts, 6), [...fiveWrong, seconds])
    pass(seconds - 1)
    assert.equal(await outcome(attempts.guard(email, home, right)), 1)
    pass(1)
  }
})

test('A wait is not longer for asking again and again', async (t) => {
  const pass = setTime(t)
  const attempts = new Attempts(true)
  await guess(attempts, 5)
  for (let second = 15; second > 0; second--) {
    assert.deepEqual(await guess(attempts, 10), Array(10).fill(second))
    pass(1)
  }
  assert.equal(await outcome(attempts.guard(email, home, right)), 'let in')
})

test('Who is let in has a clean slate', async (t) => {
  const pass = setTime(t)
  const attempts = new Attempts(true)
  for (let n = 0; n < 10; n++) {
    assert.deepEqual(await guess(attempts, 4), fiveWrong.slice(1))
    assert.equal(await outcome(attempts.guard(email, home, right)), 'let in')
  }
  assert.deepEqual(await guess(attempts, 6), [...fiveWrong, 15])
  pass(15)
  assert.equal(await outcome(attempts.guard(email, home, right)), 'let in')
  assert.deepEqual(await guess(attempts, 6), [...fiveWrong, 15], 'the wait does not go on from where it was')
})

test('Wrong tries are forgotten after a quarter of an hour', async (t) => {
  const pass = setTime(t)
  const attempts = new Attempts(true)
  for (let n = 0; n < 5; n++) {
    assert.deepEqual(await guess(attempts, 4), fiveWrong.slice(1))
    pass(15 * 60)
  }
  assert.equal(await outcome(attempts.guard(email, home, right)), 'let in')
})

test('What fails for another reason than a wrong secret is no wrong try', async () => {
  const attempts = new Attempts(true)
  const failures = [
    new Failure('forbidden', { needs: 'verified_email' }),
    new Failure('busy', { why: 'too many are signing in', retryAfterSeconds: 3 }),
    new Error('the disk is gone'),
  ]
  for (let n = 0; n < 5; n++) {
    for (const failure of failures) {
      await assert.rejects(
        attempts.guard(email, home, () => Promise.reject(failure)),
        failure,
      )
    }
  }
  assert.equal(await outcome(attempts.guard(email, home, right)), 'let in')
})

test('Of twenty wrong tries at once, five are looked at', async () => {
  const attempts = new Attempts(true)
  let looked = 0
  const slowly = async (): Promise<never> => {
    looked++
    await new Promise((resolve) => setTimeout(resolve, 20))
    return wrong()
  }
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(attempts.guard(email, home, slowly))))
  assert.equal(looked, 5)
  assert.deepEqual(outcomes.slice(0, 5), fiveWrong)
  assert.ok(outcomes.slice(5).every((one) => typeof one === 'number'))
  assert.equal(await outcome(attempts.guard(email, home, right)), 15)
})

test('Who comes while five tries are looked at is told to wait for no longer than those could make it', async () => {
  const attempts = new Attempts(true)
  const slowly = () => new Promise((resolve) => setTimeout(resolve, 20))
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => outcome(attempts.guard(email, home, slowly))))
  for (const one of outcomes) assert.ok(one === 'let in' || (typeof one === 'number' && one <= 15), `${one} seconds`)
})

test('Twenty tries at once that come to nothing for another reason shut nobody out', async () => {
  const attempts = new Attempts(true)
  const busy = async (): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    throw new Failure('busy', { why: 'too many are signing in', retryAfterSeconds: 3 })
  }
  await Promise.all(Array.from({ length: 20 }, () => outcome(attempts.guard(email, home, busy))))
  assert.equal(await outcome(attempts.guard(email, home, right)), 'let in', 'no try was wrong')
})

test('Fifty guesses at one account from everywhere hold up strangers for a second, and nobody who was there before', async () => {
  const attempts = new Attempts(true)
  await attempts.guard(email, home, right)
  for (let n = 0; n < 50; n++) assert.deepEqual(await guess(attempts, 1, `192.0.2.${n}`), ['wrong'])
  const timed = async (address: string): Promise<number> => {
    const began = performance.now()
    assert.equal(await outcome(attempts.guard(email, address, right)), 'let in')
    return performance.now() - began
  }
  assert.ok((await timed(home)) < 500)
  const held = await timed(elsewhere)
  assert.ok(held > 900 && held < 5_000, `${held} ms`)
  assert.ok((await timed(elsewhere)) < 500, 'by now it was there before')
})

test('Where it is off, nobody waits', async () => {
  const attempts = new Attempts(false)
  assert.deepEqual(await guess(attempts, 100), Array(100).fill('wrong'))
  assert.equal(await outcome(attempts.guard(email, home, right)), 'let in')
})

/** How many hashes are worked out while something is done. */
async function hashesIn(work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const counted = (): void => void count++
  hashing.subscribe(counted)
  await work().finally(() => hashing.unsubscribe(counted))
  return count
}

test('After five wrong passwords even the right one waits at that address, and is let in at another', async (t) => {
  const app = await openInnerApp(t, roomy)
  await app.newAccount(email)
  for (let n = 0; n < 5; n++) {
    const { status, code } = await logIn(app, 'wrong horse')
    assert.deepEqual([status, code], [401, 'INVALID_CREDENTIALS'])
  }
  const hashes = await hashesIn(async () => {
    const { status, code, retryAfter } = await logIn(app, 'correct horse')
    assert.deepEqual([status, code], [429, 'RATE_LIMITED'])
    assert.ok(retryAfter >= 1 && retryAfter <= 15, `${retryAfter}`)
  })
  assert.equal(hashes, 0, 'who waits costs nothing')
  assert.equal((await logIn(app, 'correct horse', elsewhere)).status, 200)
  assert.equal((await logIn(app, 'correct horse')).status, 429)
})

test('Twenty wrong passwords at once cost what five do', async (t) => {
  const app = await openInnerApp(t, roomy)
  await app.newAccount(email)
  const one = await hashesIn(() => logIn(app, 'wrong horse', elsewhere))
  assert.ok(one > 0)
  const hashes = await hashesIn(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn(app, 'wrong horse')))
    const statuses = answers.map((answer) => answer.status).sort()
    assert.deepEqual(statuses, [...Array(5).fill(401), ...Array(15).fill(429)])
  })
  assert.equal(hashes, 5 * one)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashing } from '../../src/core/passwords.ts'
import { type AtiruAnswer, atiru, logIn } from '../support/atiru.ts'
import { openInnerApp } from '../support/inner-app.ts'
import { thisFile } from '../support/shared.ts'

const app = await openInnerApp(thisFile, { 'auth.registration': 'open' })

/** All of an answer that may not differ: everything but the moment and the request's own number. */
function sameFor({ status, headers, bytes }: AtiruAnswer) {
  const told = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
  return { status, bytes: bytes.toString('hex'), told }
}

/** What passwords were worked out while something was done, each with its cost. */
async function workOf(what: () => Promise<unknown>): Promise<unknown[]> {
  const costs: unknown[] = []
  const note = (cost: unknown): void => void costs.push(cost)
  hashing.subscribe(note)
  await what().finally(() => hashing.unsubscribe(note))
  return costs
}

test('A wrong password and an unknown e-mail are answered byte for byte the same, and cost the same work', async () => {
  await app.newAccount('known@example.org')
  await atiru(app, 'POST', '/auth/register', { json: { email: 'new@example.org', password: 'x'.repeat(6) }, key: null })
  const disabled = await app.newAccount('disabled@example.org')
  await app.accounts.setDisabled(disabled, true)
  const tries = ['known@example.org', 'new@example.org', 'disabled@example.org', 'nobody@example.org', 'no address']
  const answers: unknown[] = []
  const costs: unknown[] = []
  for (const email of tries) {
    costs.push(await workOf(async () => answers.push(sameFor(await logIn(app, email, 'wrong horse')))))
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  for (const cost of costs) assert.deepEqual(cost, costs[0])
  assert.ok((costs[0] as unknown[]).length > 0)
})

test('Registering costs the same work, whether the e-mail is known or not', async () => {
  const register = (email: string, password: string) =>
    atiru(app, 'POST', '/auth/register', { json: { email, password }, key: null })
  await app.newAccount('taken@example.org')
  const costs = [
    await workOf(() => register('untaken@example.org', 'correct horse')),
    await workOf(() => register('taken@example.org', 'correct horse')),
  ]
  assert.deepEqual(costs[1], costs[0])
  assert.ok(costs[0] && costs[0].length > 0)
  assert.deepEqual(await workOf(() => register('taken@example.org', 'short')), [])
})

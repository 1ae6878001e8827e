import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, beforeEach, test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { openTurnstile } from '../../src/turnstile/index.ts'
import { openTestApp } from '../support/app.ts'
import { lettersTo } from '../support/outbox.ts'
import { thisFile } from '../support/shared.ts'
import { newActor, refusal, storage } from '../support/storage.ts'

const secret = 'the-widgets-own-secret'

/** What the service answers next: a status and a body, or nothing at all. */
let answered: { status: number; body: string; headers?: Record<string, string> } | 'nothing' | 'hang up'
/** The forms that it was sent. */
let asked: URLSearchParams[] = []
const passed = { status: 200, body: JSON.stringify({ success: true, 'error-codes': [] }) }

const service = await listening(
  createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    assert.equal(request.method, 'POST')
    assert.match(request.headers['content-type'] ?? '', /^application\/x-www-form-urlencoded/)
    asked.push(new URLSearchParams(Buffer.concat(chunks).toString()))
    if (answered === 'nothing') return
    if (answered === 'hang up') return void request.socket.destroy()
    response.writeHead(answered.status, { 'Content-Type': 'application/json', ...answered.headers }).end(answered.body)
  }),
)

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/siteverify`
}

beforeEach(() => {
  answered = passed
  asked = []
})

const app = await openTestApp(thisFile, {
  'auth.registration': 'open',
  'auth.turnstile_secret': secret,
  'auth.turnstile_url': service,
})

const email = 'ada@example.org'

const ask = (response?: unknown, key: string | null = null) =>
  storage(app, 'POST', '/auth/magic-link', { key, json: { email, 'cf-turnstile-response': response } })

const letters = async (): Promise<number> => (await lettersTo(app, email)).length

test('A browser that passed the check gets its link; the service is told its answer and its address', async () => {
  const before = await letters()
  assert.equal((await ask('what the widget gave')).status, 200)
  assert.deepEqual(
    asked.map((form) => Object.fromEntries(form)),
    [{ secret, response: 'what the widget gave', remoteip: '127.0.0.1' }],
  )
  assert.equal(await letters(), before + 1)
})

test('Who did not pass, or brings no answer, is refused, and no letter goes out', async () => {
  const before = await letters()
  const failed = { success: false, 'error-codes': ['invalid-input-response'] }
  for (const body of [failed, { success: false }, {}, { success: 'true' }, { success: 1 }, [], null, 'success']) {
    answered = { status: 200, body: JSON.stringify(body) }
    refusal(await ask('some answer'), 403, 'forbidden', /the check that you are no robot failed/)
  }
  asked = []
  for (const none of [undefined, null, '', 'x'.repeat(2_049)]) refusal(await ask(none), 403, 'forbidden', /robot/)
  assert.deepEqual(asked, [], 'nothing is worth asking about')
  assert.equal(await letters(), before)
})

test('What is no address is told without asking the service', async () => {
  const json = { email: 'nobody', 'cf-turnstile-response': 'some answer' }
  refusal(await storage(app, 'POST', '/auth/magic-link', { key: null, json }), 400, 'bad_request')
  assert.deepEqual(asked, [])
})

test('While the service fails nobody is let through, and nobody is called a robot', async () => {
  const before = await letters()
  const failures: (typeof answered)[] = [
    { status: 500, body: JSON.stringify({ success: true }) },
    { status: 404, body: '' },
    { status: 200, body: '<html>' },
    { status: 200, body: '' },
    { status: 302, body: '', headers: { Location: `${service}/elsewhere` } },
    { status: 200, body: JSON.stringify({ success: false, 'error-codes': ['internal-error'] }) },
    { status: 200, body: JSON.stringify({ success: false, 'error-codes': ['invalid-input-secret'] }) },
    'hang up',
  ]
  for (const failure of failures) {
    answered = failure
    const answer = await ask('some answer')
    refusal(answer, 503, 'busy', 'the service that tells people from robots does not answer; try again in 30 seconds')
    assert.equal(answer.headers.get('retry-after'), '30')
  }
  assert.equal(await letters(), before)
})

test('A service that is slow is not waited for', async () => {
  answered = 'nothing'
  const impatient = openTurnstile({ secret, url: service, patienceMs: 50 })
  await assert.rejects(impatient.isHuman('some answer', '127.0.0.1'), (error) => {
    assert.ok(isFailure(error))
    return error.code === 'busy'
  })
})

test('A service that is not there is one that does not answer', async () => {
  const gone = openTurnstile({ secret, url: 'http://127.0.0.1:1/siteverify' })
  await assert.rejects(gone.isHuman('some answer', '127.0.0.1'), (error) => isFailure(error) && error.code === 'busy')
})

test('Who has a good key or token is not asked; one that is not good is as good as none', async () => {
  const { token } = await newActor(app, 'known')
  asked = []
  for (const key of [app.key, token]) assert.equal((await ask(undefined, key)).status, 200)
  assert.deepEqual(asked, [])
  const revoked = await app.newKey()
  await app.catalogue.write.revokeKey({ id: revoked.id, now: Date.now() })
  for (const key of [revoked.text, 'string', `${token}x`]) refusal(await ask(undefined, key), 403, 'forbidden', /robot/)
  assert.equal((await ask('some answer', revoked.text)).status, 200)
  assert.equal(asked.length, 1)
})

test('The secret is in no answer and in no log', async () => {
  answered = 'hang up'
  const answer = await ask('some answer')
  assert.ok(!answer.bytes.toString().includes(secret))
  assert.ok(!(await app.wholeLog()).includes(secret))
})

test('Where no check is configured nobody is asked', async (t) => {
  const plain = await openTestApp(t, { 'auth.turnstile_url': service })
  for (const response of [undefined, null, '', 'some answer']) {
    const json = { email, 'cf-turnstile-response': response }
    assert.equal((await storage(plain, 'POST', '/auth/magic-link', { key: null, json })).status, 200)
  }
  assert.deepEqual(asked, [])
})

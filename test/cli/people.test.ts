import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startSmtpServer } from '../mail/smtp-server.ts'
import { temporaryFolder, withKey } from '../support/app.ts'
import { runLarder, startServer } from '../support/process.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'

const dir = join(await temporaryFolder(thisFile), 'data')
const smtpPort = await freePort()
const args = [
  ...[
    '--set',
    'auth.registration=open',
    '--set',
    'limits.auth=off',
    '--set',
    `mail.smtp_url=smtp://127.0.0.1:${smtpPort}`,
  ],
  ...['--set', 'plans={free = {files = 1}, trial = {trial_days = 14}}'],
]
const server = await startServer(thisFile, dir, { args })
const account = { email: 'ann@example.org', password: 'correct horse' }

async function larder(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await runLarder([...command, '--data-dir', dir, ...args])
  assert.equal(code, 0, stderr)
  return stdout
}

/** A port that nobody listens on, as that of a mail server that is down. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

async function call(path: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: JSON.parse((await response.text()) || '{}') }
}

test('A letter waits while the mail server is down, is listed with the reason, and goes out on retry once it is up', async (t) => {
  assert.equal((await call('/auth/register', account)).status, 201)
  await until('the first try', async () => /ECONNREFUSED/.test(await larder('mail', 'list')))
  const listed = await larder('mail', 'list')
  assert.match(listed, /ann@example\.org +confirm +waiting/)
  assert.doesNotMatch(listed, /token=/)

  const { messages } = await startSmtpServer(t, {}, smtpPort)
  // None, where the server's own next try was faster.
  assert.match(await larder('mail', 'retry'), /^(1 letter is|0 letters are) due now/)
  await until('the letter', () => messages.length > 0)
  const token = /token=([A-Za-z0-9_-]{43})/.exec(String(messages[0]))?.[1]
  const confirmed = await fetch(`${server.url}/auth/confirm?token=${token}`, { redirect: 'manual' })
  assert.equal(confirmed.status, 302)
  await until('the row', async () => /confirm +sent/.test(await larder('mail', 'list')))

  const unknown = await runLarder(['mail', 'retry', 'nobody', '--data-dir', dir, ...args])
  assert.deepEqual([unknown.code, /no letter nobody/.test(unknown.stderr)], [1, true])
})

test('An account is put on a plan, which holds with its next request, and an unknown plan or date is refused', async () => {
  const { session } = (await call('/auth/login', account)).body
  const store = (name: string) =>
    fetch(`${server.url}/files`, {
      method: 'POST',
      headers: { ...withKey(session.access_token), 'Content-Type': 'text/plain', 'x-file-name': name },
      body: name,
    }).then(async (response) => [response.status, ((await response.json()) as { code?: string }).code])
  assert.deepEqual(await store('one'), [201, undefined])
  assert.match(await larder('user', 'plan', '--email', account.email, '--plan', 'FREE'), /is on the plan free\.\n$/)
  assert.deepEqual(await store('two'), [403, 'FILE_COUNT_LIMIT_REACHED'])
  assert.match(await larder('user', 'list'), /ann@example\.org +active +free/)
  const until = await larder('user', 'plan', '--email', account.email, '--plan', 'none', '--until', '2020-01-31')
  assert.match(until, /is on no plan, until 2020-01-31T00:00:00\.000Z\.\n$/)
  assert.deepEqual(await store('three'), [403, 'TRIAL_ENDED'])
  await larder('user', 'plan', '--email', account.email, '--plan', 'none')
  assert.deepEqual(await store('four'), [201, undefined])
  for (const [wrong, words] of [
    [['--plan', 'gold'], /no plan "gold" is configured: there are free, trial/],
    [['--plan', 'free', '--until', 'soon'], /takes a date/],
  ] as const) {
    const { code, stderr } = await runLarder([
      'user',
      'plan',
      '--email',
      account.email,
      ...wrong,
      '--data-dir',
      dir,
      ...args,
    ])
    assert.deepEqual([code, words.test(stderr)], [2, true], stderr)
  }
})

test('Rotating the signing key beside the server leaves those who are signed in where they are', async () => {
  const kidOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
  const list = (token: string) => fetch(`${server.url}/files`, { headers: withKey(token) }).then(({ status }) => status)
  const before = (await call('/auth/login', account)).body.session.access_token
  assert.match(await larder('secret', 'rotate'), /signed with a new key/)
  const after = (await call('/auth/login', account)).body.session.access_token
  assert.notEqual(kidOf(before), kidOf(after))
  assert.deepEqual([await list(before), await list(after)], [200, 200])
})

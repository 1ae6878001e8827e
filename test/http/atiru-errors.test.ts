import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { type TestContext, test } from 'node:test'
import sharp from 'sharp'
import { newKey } from '../../src/core/secrets.ts'
import { type ErrorCode, errorCodes } from '../../src/http/root-failures.ts'
import { openTestApp, type TestApp } from '../support/app.ts'
import { type AtiruAnswer, atiru, leavesNothing, logIn, refusal, store } from '../support/atiru.ts'
import { thisFile } from '../support/shared.ts'
import { blobPath } from '../support/state.ts'

const plans = { none: { image_ops: 0, origin_reads: 0 }, pictures: { image_ops: 0 }, ended: { trial_days: 1 } }
const limits = { 'uploads.max_size': '1 MiB', 'images.max_pixels': 1_000, 'auth.registration': 'open' }
const app = await openTestApp(thisFile, { plans, ...limits })
await app.newAccount('ada@example.org')

const picture = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'teal' } })
  .png()
  .toBuffer()
const large = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'teal' } })
  .png()
  .toBuffer()

const text = { 'Content-Type': 'text/plain' }
const send = (bytes: Uint8Array | string = 'x', headers: Record<string, string> = text, key?: string, to = app) =>
  atiru(to, 'POST', '/files', { bytes, headers, key: key ?? to.key })
const see = (at: TestApp): Promise<AtiruAnswer> => atiru(at, 'GET', '/files')
const credentials = (email: string) => ({ json: { email, password: 'correct horse' }, key: null })

async function keyOn(plan: string, email: string, until: number | null = null): Promise<string> {
  const account = await app.newAccount(email)
  await app.accounts.setPlan(account, plan, until)
  return (await app.newKey({}, account)).text
}

async function pictureOn(plan: string, email: string, query: string): Promise<AtiruAnswer> {
  const file = await store(app, picture, { type: 'image/png', key: await keyOn(plan, email) })
  return atiru(app, 'GET', `/m/${file.file_id}${query}`, { key: null })
}

async function scaled(bytes: Uint8Array): Promise<AtiruAnswer> {
  const file = await store(app, bytes, { type: 'image/png' })
  return atiru(app, 'GET', `/m/${file.file_id}?width=5`, { key: null })
}

interface Cause {
  readonly status: number
  readonly when: string
  readonly says: RegExp
  cause(t: TestContext): Promise<AtiruAnswer>
}

/**
 * CONFLICT alone is missing: nothing at the root gives anything a name that may be taken. (An upload whose path is taken is stored
 * at another, an address that is registered again is answered like a new one.) It is there for what a later route may need.
 */
const causes: Record<Exclude<ErrorCode, 'CONFLICT'>, Cause> = {
  MISSING_AUTH: {
    status: 401,
    when: 'without a credential',
    says: /Authorization: Bearer/,
    cause: () => atiru(app, 'GET', '/files', { key: null }),
  },
  INVALID_OR_EXPIRED_TOKEN: {
    status: 401,
    when: 'with a key that nobody has',
    says: /is not known/,
    cause: () => atiru(app, 'GET', '/files', { key: newKey('atiru') }),
  },
  INVALID_CREDENTIALS: {
    status: 401,
    when: 'with a wrong password',
    says: /the e-mail address or the password is not right/,
    cause: () => logIn(app, 'ada@example.org', 'wrong horse'),
  },
  EMAIL_NOT_VERIFIED: {
    status: 403,
    when: 'before the link is followed',
    says: /follow the link/,
    cause: async () => {
      await atiru(app, 'POST', '/auth/register', credentials('new@example.org'))
      return logIn(app, 'new@example.org')
    },
  },
  JWT_REQUIRED: {
    status: 403,
    when: 'with a key where a log-in is wanted',
    says: /an access token, not an API key/,
    cause: () => atiru(app, 'GET', '/auth/api-keys'),
  },
  REGISTRATION_CLOSED: {
    status: 403,
    when: 'where strangers may not register',
    says: /whoever runs this server makes accounts/,
    cause: async (t) => atiru(await openTestApp(t), 'POST', '/auth/register', credentials('new@example.org')),
  },
  FORBIDDEN: {
    status: 403,
    when: 'with a key that lacks the scope',
    says: /files:read/,
    cause: async () => atiru(app, 'GET', '/files', { key: (await app.newKey({ scopes: ['user:read'] })).text }),
  },
  TRIAL_ENDED: {
    status: 403,
    when: 'when a trial is over',
    says: /the trial of this account is over/,
    cause: async () => send('x', text, await keyOn('ended', 'ended@example.org', Date.now() - 1)),
  },
  STORAGE_LIMIT_REACHED: {
    status: 403,
    when: 'when the bytes are used up',
    says: /quota of 3 bytes/,
    cause: async (t) => send('four', text, undefined, await openTestApp(t, { 'quota.storage': '3 B' })),
  },
  FILE_COUNT_LIMIT_REACHED: {
    status: 403,
    when: 'when there are as many files as may be',
    says: /quota of 0 files/,
    cause: async (t) => send('four', text, undefined, await openTestApp(t, { 'quota.files': 0 })),
  },
  FILE_NOT_FOUND: {
    status: 404,
    when: 'for a file that is not there',
    says: /there is no such file/,
    cause: () => atiru(app, 'GET', '/m/AAAAAAAAAAAAAAAA'),
  },
  NOT_FOUND: {
    status: 404,
    when: 'for an address that is not there',
    says: /there is no such route/,
    cause: () => atiru(app, 'GET', '/nothing'),
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    when: 'where the address answers other methods',
    says: /this address answers [A-Z, ]+ only/,
    cause: async () => {
      const answer = await atiru(app, 'PUT', '/files', { json: {} })
      assert.deepEqual(answer.headers.get('allow')?.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS', 'POST'])
      return answer
    },
  },
  FILE_TOO_LARGE: {
    status: 413,
    when: 'for a file over the limit',
    says: /the file is too large: at most 1048576 bytes/,
    cause: () => send(Buffer.alloc(1024 * 1024 + 1)),
  },
  IMAGE_TOO_LARGE: {
    status: 413,
    when: 'for a picture with more pixels than are opened',
    says: /the picture is too large: at most 1000 pixels/,
    cause: () => scaled(large),
  },
  CONTENT_TYPE_NOT_ALLOWED: {
    status: 400,
    when: 'for a type that is not on the list',
    says: /application\/x-sh are not taken here/,
    cause: () => send('x', { 'Content-Type': 'application/x-sh' }),
  },
  CONTENT_VERIFICATION_FAILED: {
    status: 400,
    when: 'for bytes of another type',
    says: /the bytes are image\/png, not image\/jpeg/,
    cause: () => send(picture, { 'Content-Type': 'image/jpeg' }),
  },
  IMAGE_UNREADABLE: {
    status: 415,
    when: 'for a picture that cannot be decoded',
    says: /the picture \(image\/png\) cannot be decoded/,
    cause: () => scaled(picture.subarray(0, 40)),
  },
  INVALID_REQUEST: {
    status: 400,
    when: 'for anything else that is wrong with a request',
    says: /say the file's type in Content-Type/,
    cause: () => send('x', { 'Content-Type': 'x' }),
  },
  RATE_LIMITED: {
    status: 429,
    when: 'for too many requests, with the seconds to wait',
    says: /at most 2 requests in 60 seconds/,
    cause: async (t) => {
      const slow = await openTestApp(t, { 'limits.api': '2/1m' })
      const [, , third] = [await see(slow), await see(slow), await see(slow)]
      assert.match(third.headers.get('retry-after') ?? '', /^([1-9]|[1-5]\d|60)$/)
      return third
    },
  },
  IMAGE_OPS_LIMIT_REACHED: {
    status: 429,
    when: "when the month's pictures are used up",
    says: /the 0 pictures of this month are used up/,
    cause: () => pictureOn('pictures', 'pictures@example.org', '?width=5'),
  },
  ORIGIN_READS_LIMIT_REACHED: {
    status: 429,
    when: "when the month's reads are used up",
    says: /the 0 reads of this month are used up/,
    cause: () => pictureOn('none', 'reads@example.org', ''),
  },
  SERVER_BUSY: {
    status: 503,
    when: 'when more sign in than can be worked on, with the seconds to wait',
    says: /too many are signing in; try again in 3 seconds/,
    cause: async () => {
      const many = Array.from({ length: 150 + 4 * availableParallelism() }, () => logIn(app, 'ada@example.org'))
      const answers = await Promise.all(many)
      const busy = answers.find(({ status }) => status === 503) as AtiruAnswer
      assert.equal(busy.headers.get('retry-after'), '3')
      assert.ok(answers.every(({ status }) => status === 503 || status === 200))
      return busy
    },
  },
  INSUFFICIENT_STORAGE: {
    status: 507,
    when: 'when the disk is full',
    says: /nothing was kept/,
    cause: async (t) => {
      const full = await openTestApp(t, { 'data.reserve': '100 TiB' })
      return leavesNothing(full, () => send('x', text, full.key, full))
    },
  },
  INTERNAL_ERROR: {
    status: 500,
    when: 'when something breaks inside, which the log alone tells of',
    says: /something went wrong here; the log tells more of \w+-\w+/,
    cause: async () => {
      const file = await store(app, 'what the disk lost')
      await rm(blobPath(app, createHash('sha256').update('what the disk lost').digest('hex')))
      const answer = await atiru(app, 'GET', `/m/${file.file_id}`, { key: null })
      const incident = answer.headers.get('x-request-id') ?? ''
      assert.match(await app.wholeLog(), new RegExp(`"${incident}".*not on the disk`))
      assert.doesNotMatch(answer.bytes.toString(), /disk|\.ts|\/tmp/)
      return answer
    },
  },
}

for (const [code, { status, when, says, cause }] of Object.entries(causes)) {
  test(`${code}, ${status}: ${when}`, async (t) => refusal(await cause(t), status, code, says))
}

test('Every code has its cause here', () => {
  assert.deepEqual([...Object.keys(causes), 'CONFLICT'].sort(), Object.keys(errorCodes).sort())
})

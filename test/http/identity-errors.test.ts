import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { Failure } from '../../src/core/failure.ts'
import { failure, words } from '../../src/http/identity/failures.ts'
import { openTestApp, withKey } from '../support/app.ts'
import {
  codeFor,
  faulty,
  type IdentityAnswer,
  identity,
  newKeyIn,
  newPerson,
  otherThan,
  refused,
  sendCode,
  verifyCode,
} from '../support/identity.ts'
import { rawRequest } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'

const app = await openTestApp(thisFile)
const ada = await newPerson(app, 'ada@example.org')
const hers = { as: ada.access_token, project: ada.project }
const unknown = '63f188cc-77d4-493a-9ce2-164471d9ac29'
const base = '/auth/verification'
// This takes as long as it takes, and goes on beside the others.
const held = await holdCatalogue()

/** Another process's transaction stands in the way of a write for longer than the server waits for it. */
async function holdCatalogue() {
  const server = await openTestApp(thisFile)
  const lock = new Database(join(server.folder, 'catalogue.db'))
  lock.exec('BEGIN IMMEDIATE')
  const answer = sendCode(server, 'late@example.org').finally(() => lock.close())
  return { answer }
}

/** What every answer carries, whatever it says. */
function dressed({ headers }: IdentityAnswer<unknown>): void {
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.equal(headers.get('access-control-allow-origin'), '*')
  assert.match(headers.get('x-request-id') ?? '', /^\w+-\w+$/)
}

test('unauthorized: no credential, or one that opens nothing, each in its own words', async () => {
  const tries: [Record<string, string>, RegExp][] = [
    [{}, /^send an API key or an access token/],
    [{ Authorization: 'Basic YTpi' }, /not of the form "Bearer …"/],
    [{ Authorization: 'Bearer YOUR_SECRET_TOKEN' }, /neither an API key nor an access token/],
    [{ Authorization: 'Bearer a.b.c' }, /this key or token is not known/],
    [{ 'x-api-key': `${app.key.slice(0, -6)}000000` }, /neither an API key nor an access token/],
  ]
  for (const path of ['/auth/users/me', '/auth/api-keys/', '/projects']) {
    for (const [headers, message] of tries) {
      const answer = await identity(app, 'GET', path, { headers })
      refused(answer, 401, 'unauthorized', message)
      dressed(answer)
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
    }
  }
})

test('invalid_code: a code that is wrong', async () => {
  await app.newAccount('code@example.org')
  const answer = await verifyCode(app, 'code@example.org', otherThan(await codeFor(app, 'code@example.org')))
  refused(answer, 401, 'invalid_code', /^the code is not right/)
  dressed(answer)
})

test('forbidden: a key without the scope, and a disabled account', async () => {
  const { full_key: as } = await newKeyIn(app, hers, { scopes: ['files:read'] })
  const answer = await identity(app, 'GET', '/auth/users/me', { as })
  refused(answer, 403, 'forbidden', 'this key lacks the scope user:read')
  dressed(answer)
  const account = await app.newAccount('disabled@example.org')
  const { text } = await app.newKey({}, account)
  await app.accounts.setDisabled(account, true)
  refused(await identity(app, 'GET', '/auth/users/me', { as: text }), 403, 'forbidden', 'this account is disabled')
})

test('not_found: a key, and a route', async () => {
  const key = await identity(app, 'DELETE', `/auth/api-keys/${unknown}`, hers)
  refused(key, 404, 'not_found', 'there is no such key')
  for (const path of ['', '/', '/nothing', '/auth', '/auth/users', '/auth/users/ME', `/auth/api-keys/${unknown}/x`]) {
    const answer = await identity(app, 'GET', path, hers)
    refused(answer, 404, 'not_found', 'there is no such route')
    dressed(answer)
  }
})

test('project_not_found: a project', async () => {
  const answer = await identity(app, 'GET', `/projects/${unknown}`, hers)
  refused(answer, 404, 'project_not_found', 'there is no such project')
  dressed(answer)
})

test('method_not_allowed: the answer names the methods that there are', async () => {
  const calls: [string, string, string][] = [
    ['GET', `${base}/send-code`, 'POST, OPTIONS'],
    ['POST', '/auth/users/me', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/auth/api-keys/', 'GET, POST, HEAD, OPTIONS'],
    ['PATCH', `/auth/api-keys/${unknown}`, 'DELETE, OPTIONS'],
    ['PUT', `/projects/${unknown}`, 'GET, PATCH, DELETE, HEAD, OPTIONS'],
  ]
  for (const [method, path, allowed] of calls) {
    const answer = await identity(app, method, path, { ...hers, ...(method !== 'GET' && { json: {} }) })
    refused(answer, 405, 'method_not_allowed', `this address answers ${allowed} only`)
    assert.equal(answer.headers.get('allow'), allowed)
    dressed(answer)
  }
})

test('last_project: the last project stays', async () => {
  const answer = await identity(app, 'DELETE', `/projects/${ada.project}`, hers)
  refused(answer, 409, 'last_project', 'this is the last project of the account: it stays')
  dressed(answer)
})

test('too_large: a body longer than anybody needs who has not said who calls', async () => {
  const json = { email: 'x'.repeat(2 * 1024 * 1024) }
  const answer = await identity(app, 'POST', `${base}/send-code`, { json })
  refused(answer, 413, 'too_large', 'the body is too large: at most 16384 bytes')
  dressed(answer)
})

test('rate_limited: with the seconds to wait', async (t) => {
  const slow = await openTestApp(t, { 'limits.auth': '1/1m', 'limits.api': '2/1m' })
  assert.equal((await sendCode(slow, 'a@example.org')).status, 202)
  const answer = await sendCode(slow, 'a@example.org')
  refused(answer, 429, 'rate_limited', /^at most 1 requests in 60 seconds; try again in \d+ seconds$/)
  dressed(answer)
  assert.match(answer.headers.get('retry-after') ?? '', /^([1-9]|[1-5]\d|60)$/)
  for (const status of [200, 200, 429]) {
    const json = { refresh_token: 'unknown' }
    assert.equal((await identity(slow, 'POST', `${base}/revoke-token`, { json })).status, status)
  }
})

test('internal: what breaks inside is told as an incident, and nothing more of it', async (t) => {
  const broken = await openTestApp(t)
  const database = new Database(join(broken.folder, 'catalogue.db'))
  database.exec('DROP TABLE codes')
  database.close()
  const answer = await sendCode(broken, 'a@example.org')
  const incident = answer.headers.get('x-request-id')
  refused(answer, 500, 'internal', `something went wrong here; the log tells more of ${incident}`)
  dressed(answer)
  assert.match(await broken.wholeLog(), /no such table: codes/)
})

test('What is wrong with a request is a list of faults with their places, and no envelope', async () => {
  const faults: [string, string, (string | number)[], string][] = [
    ['{"email": ', `${base}/send-code`, ['body'], 'json_error'],
    ['{email: 1}', `${base}/send-code`, ['body'], 'json_error'],
    ['{}{}', `${base}/send-code`, ['body'], 'json_error'],
    ['', `${base}/send-code`, ['body', 'email'], 'missing'],
    ['[]', `${base}/send-code`, ['body'], 'invalid_type_error'],
    ['"a@example.org"', `${base}/send-code`, ['body'], 'invalid_type_error'],
    ['null', `${base}/send-code`, ['body'], 'invalid_type_error'],
    ['{}', `${base}/send-code`, ['body', 'email'], 'missing'],
    ['{"email": null}', `${base}/send-code`, ['body', 'email'], 'invalid_type_error'],
    ['{"email": ["a@example.org"]}', `${base}/send-code`, ['body', 'email'], 'invalid_type_error'],
    ['{"email": "nobody"}', `${base}/send-code`, ['body', 'email'], 'value_error'],
    ['{"email": "a@b@c"}', `${base}/send-code`, ['body', 'email'], 'value_error'],
    ['{"email": "a@b.c, d@e.f"}', `${base}/send-code`, ['body', 'email'], 'value_error'],
    ['{"email": "nobody", "code": "123456"}', `${base}/verify-code`, ['body', 'email'], 'value_error'],
    ['{"email": "a@b.c", "code": 123456}', `${base}/verify-code`, ['body', 'code'], 'invalid_type_error'],
    ['{"email": "a@b.c"}', `${base}/verify-code`, ['body', 'code'], 'missing'],
    ['{"refresh_token": "x"}', `${base}/refresh-token`, ['body', 'user_uuid'], 'missing'],
    ['{"user_uuid": "x"}', `${base}/refresh-token`, ['body', 'refresh_token'], 'missing'],
    ['{"refresh_token": 5}', `${base}/revoke-token`, ['body', 'refresh_token'], 'invalid_type_error'],
    ['{}', `${base}/revoke-token`, ['body', 'refresh_token'], 'missing'],
  ]
  for (const [body, path, loc, type] of faults) {
    const answer = await identity(app, 'POST', path, { body })
    faulty(answer, loc, type)
    dressed(answer)
  }
})

test('All faults are told at once, but no more than twenty', async () => {
  const both = await identity(app, 'POST', `${base}/verify-code`, { json: {} })
  assert.deepEqual(both.body, {
    detail: [
      { loc: ['body', 'email'], msg: 'is required', type: 'missing' },
      { loc: ['body', 'code'], msg: 'is required', type: 'missing' },
    ],
  })
  const scopes = Array.from({ length: 1_000 }, () => 5)
  const many = await identity(app, 'POST', '/auth/api-keys/', { ...hers, json: { name: 'x', scopes } })
  assert.equal(many.status, 422)
  assert.ok(many.body.detail.length <= 20)
})

test('A body that is not said to be JSON is not read', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=klingon']) {
    const headers = { 'Content-Type': type }
    const answer = await identity(app, 'POST', `${base}/send-code`, { headers, body: '{"email": "a@example.org"}' })
    assert.equal(answer.status, 422, type)
    assert.deepEqual(answer.body.detail[0]?.loc, ['body'])
  }
})

test('What an answer says of a fault is half a sentence for people', async () => {
  const answer = await identity(app, 'POST', `${base}/send-code`, { json: { email: '<script>' } })
  assert.deepEqual(answer.body, {
    detail: [{ loc: ['body', 'email'], msg: 'an e-mail address looks like name@example.org', type: 'value_error' }],
  })
})

test('A field that nobody knows is passed over', async () => {
  const body = '{"email": "ada@example.org", "password": "x", "__proto__": null, "constructor": 5}'
  assert.equal((await identity(app, 'POST', `${base}/send-code`, { body })).status, 202)
})

test('Under a host name of its own the door is served at the root', async (t) => {
  const bound = await openTestApp(t, { hosts: 'id.home.lan=identity' })
  const at = (method: string, path: string, body = '') => {
    const headers = { Host: 'id.home.lan:8000', ...withKey(bound.key), 'Content-Type': 'application/json' }
    return rawRequest(bound.url, method, path, headers, body)
  }
  assert.equal((await at('GET', '/auth/users/me')).status, 200)
  assert.equal((await at('GET', '/identity/auth/users/me')).status, 200)
  assert.equal((await at('POST', '/auth/verification/send-code', '{"email": "a@example.org"}')).status, 202)
  const missing = await at('GET', '/auth/api-keys/')
  assert.deepEqual(JSON.parse(missing.body.toString()).detail[0].loc, ['header', 'x-project-id'])
  const nothing = JSON.parse((await at('GET', '/auth/login')).body.toString())
  assert.deepEqual([nothing.success, nothing.error.code], [false, 'not_found'], "it is not Atiru's")
})

test('Every word of the door is one that its answers carry, also those that no route of it can cause', () => {
  const said = (wanted: Failure) => {
    const { status, body } = failure(wanted as Parameters<typeof failure>[0])
    const { success, data, error } = body as {
      success: boolean
      data: object
      error: { code: string; message: string }
    }
    assert.deepEqual([success, data], [false, {}])
    assert.notEqual(error.message, '')
    return [status, error.code]
  }
  const why = 'for some reason'
  assert.deepEqual(said(new Failure('conflict', { what: 'account', id: '', why })), [409, 'conflict'])
  assert.deepEqual(said(new Failure('disk_full', { why })), [507, 'insufficient_storage'])
  assert.deepEqual(said(new Failure('quota_exceeded', { of: 'bytes', limit: 1, used: 1 })), [403, 'quota_exceeded'])
  const refusal = new Failure('type_refused', { type: 'text/plain', because: 'not_allowed' })
  assert.deepEqual(said(refusal), [415, 'unsupported_media_type'])
  assert.deepEqual(words.invalid({ issues: [] }), [422, 'invalid'])
})

test('busy: while another process holds the catalogue for longer than the server waits', async () => {
  const answer = await held.answer
  refused(answer, 503, 'busy', 'another process holds the catalogue; try again in 5 seconds')
  dressed(answer)
  assert.equal(answer.headers.get('retry-after'), '5')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disk } from '../../src/blobs/disk.ts'
import { type Code, Failure } from '../../src/core/failure.ts'
import { words } from '../../src/http/dashboard/failures.ts'
import { formOf, pageText, signedIn, until } from '../support/dashboard.ts'
import { openInnerApp } from '../support/inner-app.ts'

test('A fault of ours is a page with a number for the log, and nothing of its cause', async (t) => {
  const broken: typeof disk.create = () => Promise.reject(new Error('a secret of the disk'))
  let isBroken = false
  const create: typeof disk.create = (path) => (isBroken ? broken(path) : disk.create(path))
  const app = await openInnerApp(t, {}, { disk: { ...disk, create } })
  const visitor = await signedIn(app)
  isBroken = true
  const response = await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }]))
  const incident = response.headers.get('x-request-id') ?? ''
  const text = await pageText(response, 500)
  assert.ok(text.includes(`tells more under ${incident}.`) && !text.includes('secret'))
  await until('the fault is logged', () => app.log().includes(incident))
  assert.match(app.log(), /a secret of the disk/)
})

test('Every failure has its status and a whole sentence for people', () => {
  const failures: { [C in Code]: readonly [number, Failure<C>] } = {
    unauthenticated: [401, new Failure('unauthenticated', { reason: 'password' })],
    forbidden: [403, new Failure('forbidden', { needs: 'active_account' })],
    not_found: [404, new Failure('not_found', { what: 'route', id: '' })],
    method_not_allowed: [405, new Failure('method_not_allowed', { allowed: [] })],
    conflict: [409, new Failure('conflict', { what: 'file', id: '', why: 'it is taken' })],
    invalid: [400, new Failure('invalid', { issues: [{ path: [], problem: 'it is wrong', kind: '' }] })],
    too_large: [413, new Failure('too_large', { of: 'file', limit: 1_024, unit: 'bytes' })],
    type_refused: [415, new Failure('type_refused', { type: 'a/b', because: 'not_allowed' })],
    quota_exceeded: [403, new Failure('quota_exceeded', { of: 'bytes', limit: 1, used: 1 })],
    rate_limited: [429, new Failure('rate_limited', { limit: 1, windowSeconds: 1, retryAfterSeconds: 1 })],
    disk_full: [507, new Failure('disk_full', { why: 'full' })],
    busy: [503, new Failure('busy', { why: 'busy', retryAfterSeconds: 1 })],
    internal: [500, new Failure('internal', { incident: 'x-1' })],
  }
  for (const [code, [status, { detail }]] of Object.entries(failures)) {
    const told = words[code as Code](detail as never)
    assert.equal(told.status, status)
    assert.match(told.text, /^[A-Z].*\.$/, code)
  }
})

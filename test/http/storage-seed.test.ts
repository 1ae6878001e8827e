import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { lastLetterTo } from '../support/outbox.ts'
import { thisFile } from '../support/shared.ts'
import { newSigner, put, storage } from '../support/storage.ts'

/** The examples that Storage's own pages give, with what they answer there: here the same fields, of the same types. */
const app = await openTestApp(thisFile, { 'auth.registration': 'open' })

/** Every field of the example is there, and is of its type. */
function fits(answer: unknown, example: unknown, at = ''): void {
  if (Array.isArray(example)) {
    assert.ok(Array.isArray(answer), `${at} is a list`)
    if (example.length > 0) assert.ok(answer.length > 0, `${at} has something in it`)
    for (const [n, one] of answer.entries()) fits(one, example[0], `${at}[${n}]`)
  } else if (typeof example === 'object' && example !== null) {
    assert.equal(typeof answer, 'object', at)
    for (const [name, one] of Object.entries(example))
      fits((answer as Record<string, unknown>)[name], one, `${at}.${name}`)
  } else {
    assert.equal(typeof answer, typeof example, `${at} is ${JSON.stringify(answer)}`)
    if (typeof example === 'number') assert.ok(Number.isInteger(answer), at)
  }
}

/** Sends one of the examples, and holds the answer against theirs. */
async function like(
  method: string,
  path: string,
  options: { json?: unknown; key?: null; headers?: Record<string, string> },
  status: number,
  example: unknown,
) {
  const answer = await storage(app, method, path, options)
  assert.equal(answer.status, status, answer.bytes.toString())
  fits(answer.body, example)
  return answer.body
}

const completed = { path: 'string', name: 'string', size: 0, tx: 0, time: 0 }
const entry = { name: 'string', type: 'string', size: 0, updated_at: 0, tx: 0, tx_time: 0 }

test('Files: retrieve, head, list, search, mkdir, move, delete, stats, log', async () => {
  await put(app, 'docs/report.pdf', '%PDF-1.7\n', { headers: { 'Content-Type': 'application/pdf' } })
  const led = await storage(app, 'GET', '/files/docs/report.pdf')
  assert.equal(led.status, 302)
  assert.equal(await (await fetch(led.headers.get('location') ?? '')).text(), '%PDF-1.7\n')
  const head = await storage(app, 'HEAD', '/files/docs/report.pdf')
  for (const name of ['content-type', 'content-length', 'etag']) assert.ok(head.headers.get(name), name)
  await like('GET', '/files', {}, 200, { prefix: 'string', entries: [entry], truncated: true })
  await like('GET', '/files/search?q=report', {}, 200, {
    query: 'string',
    results: [{ path: 'string', name: 'string' }],
  })
  await like('POST', '/files/mkdir', { json: { path: 'docs/drafts/' } }, 200, { path: 'string', created: true })
  const json = { from: 'docs/report.pdf', to: 'docs/moved.pdf', message: 'string' }
  await like('POST', '/files/move', { json }, 200, { from: 'string', to: 'string', tx: 0, time: 0 })
  await like('GET', '/files/stats', {}, 200, { files: 0, bytes: 0 })
  const event = { tx: 0, action: 'string', path: 'string', size: 0, msg: 'string', ts: 0 }
  await like('GET', '/files/log', {}, 200, { events: [event] })
  await like('DELETE', '/files/docs/moved.pdf', {}, 200, { deleted: 0, tx: 0, time: 0 })
  await like('GET', '/files/docs/moved.pdf', {}, 404, { error: 'not_found', message: 'File not found' })
})

test('Uploads: by a signed address, and in parts', async () => {
  const one = { path: 'docs/report.pdf', content_type: 'text/plain' }
  const { url, content_type: type } = await like('POST', '/files/uploads', { json: one }, 200, {
    url: 'string',
    content_type: 'string',
    expires_in: 0,
  })
  assert.equal((await fetch(url, { method: 'PUT', headers: { 'Content-Type': type }, body: 'x' })).status, 200)
  await like('POST', '/files/uploads/complete', { json: { path: one.path, message: 'string' } }, 200, completed)
  const many = { path: 'docs/large.bin', content_type: 'text/plain', part_count: 2 }
  const begun = await like('POST', '/files/uploads/multipart', { json: many }, 200, {
    upload_id: 'string',
    key: 'string',
    content_type: 'string',
    part_urls: ['string'],
    expires_in: 0,
  })
  assert.equal(begun.part_urls.length, 2)
  const parts = await Promise.all(
    begun.part_urls.map(async (address, n) => {
      const sent = await fetch(address, { method: 'PUT', headers: { 'Content-Type': 'text/plain' }, body: `part ${n}` })
      return { part_number: n + 1, etag: sent.headers.get('etag') ?? '' }
    }),
  )
  const { path } = many
  const whole = { path, upload_id: begun.upload_id, parts, message: 'string' }
  await like('POST', '/files/uploads/multipart/complete', { json: whole }, 200, completed)
  const { upload_id } = await like('POST', '/files/uploads/multipart', { json: { path } }, 200, { upload_id: 'string' })
  await like('POST', '/files/uploads/multipart/abort', { json: { path, upload_id } }, 200, { aborted: true })
})

test('Sharing: a link, and what it leads to', async () => {
  await put(app, 'shared.txt', 'shared')
  const share = await like('POST', '/files/share', { json: { path: 'shared.txt', ttl: 600 } }, 201, {
    url: 'string',
    token: 'string',
    expires_at: 0,
    ttl: 0,
  })
  for (const url of [share.url, `${app.url}/s/${share.token}`, `${app.url}/storage/s/${share.token}`]) {
    const led = await fetch(url, { redirect: 'manual' })
    assert.equal(led.status, 302)
    assert.equal(await (await fetch(led.headers.get('location') ?? '')).text(), 'shared')
  }
  await like('GET', '/s/unknown-token', { key: null }, 401, { error: 'string', message: 'string' })
})

test('Authentication: magic link, register, challenge, verify, log out', async () => {
  const asked = { email: 'you@example.org', 'cf-turnstile-response': 'string' }
  await like('POST', '/auth/magic-link', { json: asked, key: null }, 200, { message: 'string' })
  await lastLetterTo(app, asked.email, 'magic')
  const signer = newSigner()
  const registration = { actor: 'alice', type: 'human', public_key: signer.publicKey.toString('base64') }
  await like('POST', '/auth/register', { json: registration, key: null }, 201, { actor: 'string', type: 'string' })
  await like('POST', '/auth/register', { json: registration, key: null }, 409, { error: 'string', message: 'string' })
  const { challenge_id, nonce } = await like('POST', '/auth/challenge', { json: { actor: 'alice' }, key: null }, 200, {
    challenge_id: 'string',
    nonce: 'string',
    expires_at: 0,
  })
  const signature = signer.sign(nonce).toString('base64')
  const { token } = await like(
    'POST',
    '/auth/verify',
    { json: { challenge_id, actor: 'alice', signature }, key: null },
    200,
    {
      token: 'string',
      actor: 'string',
      expires_at: 0,
    },
  )
  const headers = { Authorization: `Bearer ${token}` }
  await like('GET', '/files', { key: null, headers }, 200, { prefix: 'string', entries: [], truncated: true })
  await like('POST', '/auth/logout', { key: null, headers }, 200, { ok: true })
  await like('GET', '/files', { key: null, headers }, 401, { error: 'string', message: 'string' })
  await like('POST', '/auth/logout', { key: null }, 200, { ok: true })
})

test('API keys: make, list, delete', async () => {
  const wish = { name: 'deploy-bot', prefix: 'docs/', expires_in: 3_600 }
  const { id, token } = await like('POST', '/auth/keys', { json: wish }, 201, {
    id: 'string',
    token: 'string',
    name: 'string',
    prefix: 'string',
    expires_at: 0,
  })
  await like('GET', '/auth/keys', {}, 200, {
    keys: [{ id: 'string', name: 'string', prefix: 'string', created_at: 0 }],
  })
  await like('DELETE', `/auth/keys/${id}`, {}, 200, { deleted: true })
  const headers = { Authorization: `Bearer ${token}` }
  await like('GET', '/files', { key: null, headers }, 401, { error: 'string', message: 'string' })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { formWith, openTestApp } from '../support/app.ts'
import { atiru, leavesNothing, newPerson, refusal, store } from '../support/atiru.ts'
import { thisFile } from '../support/shared.ts'

const MiB = 1024 * 1024
const app = await openTestApp(thisFile, { 'uploads.max_size': '2 MiB' })

const read = (key = app.key, of = app) => atiru(of, 'GET', '/settings', { key })
const change = (json: unknown, key = app.key) => atiru(app, 'PATCH', '/settings', { json, key })

/** The settings of somebody new, and the token to change them by. */
async function somebody(email: string) {
  const { account, session } = await newPerson(app, email)
  return { account, key: session.access_token }
}

test('Settings begin with the server’s own: its address, and the largest file that it takes', async (t) => {
  const { key } = await somebody('begin@example.org')
  const { status, body } = await read(key)
  assert.equal(status, 200)
  assert.deepEqual(body as object, { public_url_base: app.url, max_upload_size_bytes: 2 * MiB })
  const named = await openTestApp(t, { 'server.public_url': 'https://files.example.org' })
  const standard = { public_url_base: 'https://files.example.org', max_upload_size_bytes: 5 * 1024 * MiB }
  assert.deepEqual((await read(named.key, named)).body as object, standard)
})

test('Either setting is changed, or both, and null puts one back', async () => {
  const { key } = await somebody('change@example.org')
  const steps: [object, object][] = [
    [
      { public_url_base: 'https://cdn.example.com' },
      { public_url_base: 'https://cdn.example.com', max_upload_size_bytes: 2 * MiB },
    ],
    [{ max_upload_size_bytes: 1000 }, { public_url_base: 'https://cdn.example.com', max_upload_size_bytes: 1000 }],
    [{}, { public_url_base: 'https://cdn.example.com', max_upload_size_bytes: 1000 }],
    [{ public_url_base: null }, { public_url_base: app.url, max_upload_size_bytes: 1000 }],
    [
      { public_url_base: 'http://a.example', max_upload_size_bytes: 1 },
      { public_url_base: 'http://a.example', max_upload_size_bytes: 1 },
    ],
    [{ max_upload_size_bytes: 2 * MiB }, { public_url_base: 'http://a.example', max_upload_size_bytes: 2 * MiB }],
    [
      { max_upload_size_bytes: null, public_url_base: null },
      { public_url_base: app.url, max_upload_size_bytes: 2 * MiB },
    ],
  ]
  for (const [json, settings] of steps) {
    const { status, body } = await change(json, key)
    assert.deepEqual([status, body as object], [200, settings], JSON.stringify(json))
    assert.deepEqual((await read(key)).body as object, settings)
  }
})

test('An address keeps its path and loses its final slashes', async () => {
  const { key } = await somebody('slash@example.org')
  const addresses: [string, string][] = [
    ['https://cdn.example.com/', 'https://cdn.example.com'],
    ['https://cdn.example.com/a/b///', 'https://cdn.example.com/a/b'],
    ['HTTPS://CDN.Example.com:443', 'https://cdn.example.com'],
    [' http://192.168.1.10:8080/larder ', 'http://192.168.1.10:8080/larder'],
    ['http://[::1]:8080/', 'http://[::1]:8080'],
  ]
  for (const [sent, kept] of addresses)
    assert.equal(
      ((await change({ public_url_base: sent }, key)).body as { public_url_base?: string }).public_url_base,
      kept,
    )
})

test('What is no plain address, or no size that is taken, changes nothing at all', async () => {
  const { key } = await somebody('bad@example.org')
  const before = (await read(key)).body
  const addresses = [
    '',
    'cdn.example.com',
    '//cdn.example.com',
    'ftp://cdn.example.com',
    'javascript:alert(1)',
    'https://cdn.example.com?a=1',
    'https://cdn.example.com/#top',
    'https://ada:secret@cdn.example.com',
    `https://cdn.example.com/${'x'.repeat(1_024)}`,
    5,
    {},
  ]
  for (const wrong of addresses) {
    const answer = await change({ public_url_base: wrong, max_upload_size_bytes: 10 }, key)
    refusal(answer, 400, 'INVALID_REQUEST', /public_url_base/)
  }
  for (const wrong of [0, -1, 1.5, 2 * MiB + 1, 1e300, '10', true]) {
    const answer = await change({ max_upload_size_bytes: wrong, public_url_base: 'https://a.example' }, key)
    refusal(answer, 400, 'INVALID_REQUEST', /max_upload_size_bytes/)
  }
  refusal(await change([], key), 400, 'INVALID_REQUEST')
  assert.deepEqual((await read(key)).body, before)
})

test('A lower limit holds at every door at once, for this account and no other', async () => {
  const { key } = await somebody('limit@example.org')
  await change({ max_upload_size_bytes: 1000 }, key)
  const form = (size: number) => formWith(Buffer.alloc(size), 'a.bin', 'application/octet-stream')
  const headers = { 'Content-Type': 'application/octet-stream' }
  await leavesNothing(app, async () => {
    const here = await atiru(app, 'POST', '/files', { bytes: Buffer.alloc(1001), headers, key })
    refusal(here, 413, 'FILE_TOO_LARGE', 'the file is too large: at most 1000 bytes')
    const there = await aether({ ...app, key }, 'POST', '/files/upload', { form: form(1001) })
    assert.deepEqual([there.status, there.body.error.code], [413, 'payload_too_large'])
  })
  assert.equal((await atiru(app, 'POST', '/files', { bytes: Buffer.alloc(1000), headers, key })).status, 201)
  assert.equal((await aether({ ...app, key }, 'POST', '/files/upload', { form: form(1000) })).status, 201)
  await store(app, Buffer.alloc(1001), { type: 'application/octet-stream' })
  await change({ max_upload_size_bytes: null }, key)
  assert.equal((await atiru(app, 'POST', '/files', { bytes: Buffer.alloc(1001), headers, key })).status, 201)
})

test('Settings are changed by a log-in or a key that may do everything, and read with user:read', async () => {
  const { account, key } = await somebody('scopes@example.org')
  const wish = { public_url_base: 'https://cdn.example.com' }
  const full = await app.newKey({}, account)
  const scoped = await app.newKey({ scopes: ['files:read', 'files:write', 'user:read'] }, account)
  const held = await app.newKey({ pathPrefix: 'docs/' }, account)
  const blind = await app.newKey({ scopes: ['files:read', 'files:write'] }, account)
  refusal(await change(wish, scoped.text), 403, 'FORBIDDEN', /a log-in or a key without scopes/)
  refusal(await change(wish, held.text), 403, 'FORBIDDEN', /docs\//)
  refusal(await change(wish, blind.text), 403, 'FORBIDDEN')
  refusal(await atiru(app, 'PATCH', '/settings', { json: wish, key: null }), 401, 'MISSING_AUTH')
  for (const one of [full, scoped, held])
    assert.deepEqual((await read(one.text)).body as object, {
      public_url_base: app.url,
      max_upload_size_bytes: 2 * MiB,
    })
  refusal(await read(blind.text), 403, 'FORBIDDEN', /user:read/)
  assert.equal((await change(wish, full.text)).status, 200)
  assert.deepEqual((await read(key)).body as object, { ...wish, max_upload_size_bytes: 2 * MiB })
})

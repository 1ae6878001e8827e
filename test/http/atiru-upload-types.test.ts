import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { type AtiruAnswer, atiru, leavesNothing, refusal, sendRaw, store } from '../support/atiru.ts'
import { thisFile } from '../support/shared.ts'

const KiB = 1024
const app = await openTestApp(thisFile)

/** A picture of one pixel, whole. */
const png = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63606060600000000500' +
    '01a5f645400000000049454e44ae426082',
  'hex',
)
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex')

function send(bytes: Uint8Array | string, type: string): Promise<AtiruAnswer> {
  return atiru(app, 'POST', '/files', { bytes, headers: { 'Content-Type': type } })
}

/** Nothing of it is a type, or it is longer than any. */
const noTypes = [undefined, '', 'image', '/png', 'image/', 'a b/c', 'image/png, image/jpeg', `a/${'b'.repeat(300)}`]

test('A file without a type that can be read is refused, and nothing is told from its bytes', async () => {
  await leavesNothing(app, async () => {
    for (const type of noTypes) {
      const named = type === undefined ? {} : { 'Content-Type': type }
      const { connection, status, body } = await sendRaw(app, { 'Content-Length': png.length, ...named }, png)
      connection.destroy()
      assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], type)
      assert.match(body.error, /Content-Type/)
    }
  })
})

test('Parameters of a type are kept, and neither compared with the list nor with the bytes', async () => {
  for (const type of ['text/plain; charset=utf-8', 'image/png;x="a;b"', 'IMAGE/PNG; a=b']) {
    const { status, body } = await send(type.startsWith('text') ? 'grüße' : png, type)
    assert.deepEqual([status, body.file.content_type], [201, type])
  }
})

test('A type that is not taken here is refused before the body is read, whatever the bytes are', async () => {
  await leavesNothing(app, async () => {
    for (const essence of ['application/x-msdownload', 'application/x-sh', 'application/x-msdos-program']) {
      const message = `files of type ${essence} are not taken here (uploads.allowed_content_types)`
      refusal(await send(png, `${essence}; a=b`), 400, 'CONTENT_TYPE_NOT_ALLOWED', message)
      const waiting = { 'Content-Type': essence, 'Content-Length': 10, Expect: '100-continue' }
      const { connection, status, body } = await sendRaw(app, waiting)
      connection.destroy()
      assert.deepEqual([status, body.code], [400, 'CONTENT_TYPE_NOT_ALLOWED'])
    }
  })
})

test('Which types are taken is configured: families, single ones, or all', async (t) => {
  const strict = await openTestApp(t, { 'uploads.allowed_content_types': 'image/*,text/plain' })
  const status = async (of: typeof app, type: string) =>
    (await atiru(of, 'POST', '/files', { bytes: 'x', headers: { 'Content-Type': type } })).status
  assert.deepEqual([await status(strict, 'image/svg+xml'), await status(strict, 'text/plain')], [201, 201])
  assert.deepEqual([await status(strict, 'text/csv'), await status(strict, 'application/octet-stream')], [400, 400])
  const open = await openTestApp(t, { 'uploads.allowed_content_types': '*' })
  assert.equal(await status(open, 'application/x-sh'), 201)
})

test('Bytes that are not of the type that is said are refused, and nothing of them is kept', async () => {
  await leavesNothing(app, async () => {
    const lies: [string, Uint8Array | string][] = [
      ['image/png', jpeg],
      ['image/png', 'only text'],
      ['image/png; charset=utf-8', jpeg],
      ['image/jpeg', png],
      ['application/pdf', Buffer.concat([png, Buffer.alloc(700 * KiB)])],
      ['application/zip', ''],
    ]
    for (const [type, bytes] of lies)
      refusal(await send(bytes, type), 400, 'CONTENT_VERIFICATION_FAILED', /^the bytes are /)
  })
})

test('A file of the unknown type is told from its bytes, and then from its name', async () => {
  const tries: [Uint8Array, string, string][] = [
    [png, 'picture.txt', 'image/png'],
    [jpeg, 'no-extension', 'image/jpeg'],
    [Buffer.from('a,b\n'), 'table.csv', 'text/csv'],
    [Buffer.from([0, 1, 2, 3]), 'what.is-this', 'application/octet-stream'],
    [Buffer.from('no picture'), 'lie.png', 'application/octet-stream'],
  ]
  for (const [bytes, name, type] of tries) {
    const file = await store(app, bytes, { name, type: 'application/octet-stream' })
    assert.deepEqual([file.name, file.content_type], [name, type])
  }
})

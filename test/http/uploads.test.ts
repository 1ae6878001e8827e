import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { aether } from '../support/aether.ts'
import { formWith, openTestApp, type TestApp, upload, withKey } from '../support/app.ts'
import { boundary, chunked, formBytes, formType, type Part, partHead } from '../support/multipart.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf, until } from '../support/state.ts'

const app = await openTestApp(thisFile, { 'uploads.max_size': '2 MiB' })

const target = '/api/v1/files/upload'
const KiB = 1024
const MiB = 1024 * 1024

/** The head of an upload as a client sends it that says beforehand how much there will be. */
function head(length: number, headers: Record<string, string> = {}, key = app.key): string {
  return requestHead('POST', target, {
    ...withKey(key),
    'Content-Type': formType,
    'Content-Length': length,
    ...headers,
  })
}

/** Everything that uploads under way hold is given back soon after they ended. */
async function nothingUnderWay(of: TestApp = app): Promise<void> {
  await until('uploads to be over', async () => !(await of.isUploading()))
}

/** Sends a form over a connection of its own and resolves to the answer. */
async function sendForm(body: Buffer, headers: Record<string, string> = {}) {
  const connection = await RawConnection.open(app.url)
  connection.send(head(body.length, headers))
  connection.send(body)
  const answer = await connection.answer()
  connection.socket.destroy()
  return { ...answer, json: JSON.parse(answer.body.toString()) as { file?: { id: string }; error?: Refusal } }
}

interface Refusal {
  readonly code: string
  readonly message: string
}

/** Requests of uploads that are in the log by now, each when it is over. */
const logged = (status = ''): number =>
  app
    .log()
    .split('\n')
    .filter((line) => line.includes('"POST"') && line.includes(`"status":${status}`)).length

/** A connection whose server has read the head, and waits for the form. */
async function begun(form: Buffer): Promise<RawConnection> {
  const connection = await RawConnection.open(app.url)
  connection.send(head(form.length, { Expect: '100-continue' }))
  assert.equal((await connection.answer()).status, 100)
  return connection
}

test('A client gone at the headers, or in the body, leaves nothing', async () => {
  const before = await stateOf(app)
  const form = formBytes([{ filename: 'half.bin', value: randomBytes(600 * KiB) }])
  for (const sent of [0, 1, 60, 200, 300 * KiB, form.length - 60, form.length - 1]) {
    const over = logged('499')
    const connection = await begun(form)
    await connection.sent(form.subarray(0, sent))
    connection.destroy()
    await until('the request to be over, as left by its client', () => logged('499') > over)
    await nothingUnderWay()
    assert.deepEqual(await stateOf(app), before, `gone after ${sent} bytes`)
  }
})

test('A client gone after the last byte leaves the whole file or nothing', async () => {
  const before = (await aether(app, 'GET', '/files')).body.pagination.total
  for (let n = 0; n < 8; n++) {
    const over = logged()
    const form = formBytes([{ filename: 'whole.bin', value: randomBytes(40 * KiB) }])
    const connection = await begun(form)
    await connection.sent(form)
    if (n % 2 === 1) await new Promise((resolve) => setTimeout(resolve, n))
    connection.destroy()
    await until('the request to be over', () => logged() > over)
    await nothingUnderWay()
  }
  const { body } = await aether(app, 'GET', '/files')
  const { stats } = (await aether(app, 'GET', '/user/stats')).body
  const left = body.pagination.total
  assert.ok(left >= before && left <= before + 8)
  const sum = body.files.reduce((total, { size }) => total + size, 0)
  assert.deepEqual([stats.totalFiles, stats.totalSize], [left, sum])
  for (const { id, size } of body.files) {
    assert.equal((await aether(app, 'GET', `/files/${id}/download`)).bytes.length, size)
  }
})

test('A file over the limit is refused while its client still sends, and the client can read why', async () => {
  const before = await stateOf(app)
  const connection = await RawConnection.open(app.url)
  connection.send(head(500 * MiB))
  connection.send(partHead({ filename: 'endless.bin', value: '' }))
  let isOver = false
  const sending = (async () => {
    const chunk = Buffer.alloc(256 * KiB)
    while (!isOver && connection.socket.writable) await connection.sent(chunk)
  })()
  const answer = await connection.answer()
  assert.equal(answer.status, 413)
  assert.equal(answer.headers.connection, 'close')
  assert.equal(JSON.parse(answer.body.toString()).error.code, 'payload_too_large')
  await connection.closed
  isOver = true
  await sending
  await nothingUnderWay()
  assert.deepEqual(await stateOf(app), before)
})

test('What is wrong with a form is said at once, and not after the rest of its body', async () => {
  const before = await stateOf(app)
  const field = (name: string, value = 'x'): Part => ({ name, value })
  const starts: [string, Part[], RegExp][] = [
    ['a file in the wrong field', [{ name: 'files', filename: 'a.txt', value: 'x' }], /files go into the field "file"/],
    ['a type that is not taken', [{ filename: 'a.exe', type: 'application/x-msdownload', value: 'x' }], /x-msdownload/],
    ['a huge field', [field('description', 'x'.repeat(65 * KiB))], /a field has at most 65536 bytes/],
    ['too many fields', Array.from({ length: 65 }, (_, n) => field(`f${n}`)), /at most 64 fields/],
    [
      'too many files',
      Array.from({ length: 1_001 }, (_, n) => ({ filename: `${n}.txt`, value: '' })),
      /at most 1000 files/,
    ],
    ['a malformed part', [{ disposition: 'form-data; name="x"\r\nbroken header', value: 'x' }], /form/],
  ]
  for (const [what, parts, message] of starts) {
    const connection = await RawConnection.open(app.url)
    connection.send(head(100 * MiB))
    connection.send(formBytes(parts, ''))
    connection.send(partHead({ filename: 'rest.bin', value: '' }))
    const answer = await connection.answer()
    const { error } = JSON.parse(answer.body.toString()) as { error: Refusal }
    assert.ok([400, 415].includes(answer.status), `${what}: ${answer.status}`)
    assert.match(error.message, message, what)
    assert.equal(answer.headers.connection, 'close')
    connection.destroy()
  }
  await nothingUnderWay()
  assert.deepEqual(await stateOf(app), before)
})

test('A client that waits for a 100 is told no without it', async (t) => {
  const small = await openTestApp(t, { 'quota.storage': '1 MiB', 'uploads.max_size': '2 MiB', 'limits.upload': '2/1m' })
  const readOnly = await small.newKey({ scopes: ['files:read'] })
  const tries: [string, number, number, string, string?][] = [
    ['ak_wrong', 100, 401, 'unauthorized'],
    [readOnly.text, 100, 403, 'forbidden'],
    [small.key, 2 * MiB, 403, 'quota_exceeded'],
    [small.key, 100, 400, 'bad_request', 'text/plain'],
    [small.key, 100, 429, 'rate_limited'],
  ]
  for (const [key, length, status, code, type = formType] of tries) {
    const connection = await RawConnection.open(small.url)
    connection.send(head(length, { Expect: '100-continue', 'Content-Type': type }, key))
    const answer = await connection.answer()
    assert.deepEqual([answer.status, JSON.parse(answer.body.toString()).error.code], [status, code])
    assert.equal(answer.headers.connection, 'close', 'its client may send or not: the connection cannot be used again')
    await connection.closed
    connection.destroy()
  }
  await nothingUnderWay(small)
})

test('A client that waits for a 100 gets it when all is well, and then its 201', async () => {
  const form = formBytes([{ filename: 'polite.txt', value: 'polite' }])
  const connection = await RawConnection.open(app.url)
  connection.send(head(form.length, { Expect: '100-continue' }))
  assert.equal((await connection.answer()).status, 100)
  connection.send(form)
  assert.equal((await connection.answer()).status, 201)
  const json = JSON.stringify({ name: 'asked' })
  connection.send(
    requestHead('POST', '/api/v1/folders', {
      ...withKey(app.key),
      'Content-Type': 'application/json',
      'Content-Length': json.length,
      Expect: '100-continue',
    }),
  )
  assert.equal((await connection.answer()).status, 100)
  connection.send(json)
  assert.equal((await connection.answer()).status, 201)
  connection.destroy()
})

test('A body without a length, in chunks, is taken', async () => {
  const value = randomBytes(300 * KiB)
  const form = formBytes([{ filename: 'chunked.bin', value }])
  const connection = await RawConnection.open(app.url)
  const headers = { ...withKey(app.key), 'Content-Type': formType, 'Transfer-Encoding': 'chunked' }
  connection.send(requestHead('POST', target, headers))
  connection.send(chunked(form, 7_919))
  const answer = await connection.answer()
  assert.equal(answer.status, 201)
  const { file } = JSON.parse(answer.body.toString())
  assert.equal(file.size, value.length)
  const got = await fetch(`${app.url}/m/${file.id}`)
  assert.deepEqual(Buffer.from(await got.arrayBuffer()), value)
  connection.destroy()
  await nothingUnderWay()
})

test('Chunks that are no chunks end the connection and leave nothing', async () => {
  const before = await stateOf(app)
  const form = formBytes([{ filename: 'chunked.bin', value: 'x'.repeat(2_000) }])
  const connection = await RawConnection.open(app.url)
  const headers = { ...withKey(app.key), 'Content-Type': formType, 'Transfer-Encoding': 'chunked' }
  connection.send(requestHead('POST', target, headers))
  connection.send(chunked(form, 500).subarray(0, 2 * '1f4\r\n\r\n'.length + 1_000))
  connection.send('zz\r\nthis is no size\r\n')
  await connection.closed
  await nothingUnderWay()
  assert.deepEqual(await stateOf(app), before)
})

test('A form that has no file, no boundary, no end or no sense is 400 in words, and leaves nothing', async () => {
  const before = await stateOf(app)
  const good = formBytes([{ filename: 'good.txt', value: 'good' }])
  const cut = good.subarray(0, -8)
  const tries: [string, Buffer, Record<string, string>, RegExp][] = [
    ['no file', formBytes([{ name: 'description', value: 'x' }]), {}, /no file in the upload/],
    ['no part', Buffer.from(`--${boundary}--\r\n`), {}, /no file in the upload/],
    ['nothing chosen', formBytes([{ filename: '', type: 'application/octet-stream', value: '' }]), {}, /no file/],
    ['text in the field', formBytes([{ name: 'file', value: 'text' }]), {}, /a file comes with a file name/],
    ['no boundary', good, { 'Content-Type': 'multipart/form-data' }, /cannot be read.*[Bb]oundary/],
    ['another boundary', good, { 'Content-Type': 'multipart/form-data; boundary=other' }, /cannot be read/],
    ['no form', good, { 'Content-Type': 'application/json' }, /send a form/],
    ['another multipart', good, { 'Content-Type': `multipart/mixed; boundary=${boundary}` }, /send a form/],
    ['an end too early, after the file', cut, {}, /cannot be read/],
    ['an end too early, in the file', good.subarray(0, -40), {}, /cannot be read/],
    ['no end', formBytes([{ filename: 'a.txt', value: 'x' }], ''), {}, /cannot be read/],
    ['an empty body', Buffer.alloc(0), {}, /cannot be read/],
    ['rubbish', randomBytes(5_000), {}, /cannot be read/],
    ['headers that never end', Buffer.from(`--${boundary}\r\n${'x'.repeat(100_000)}`), {}, /cannot be read/],
    [
      'a field in a field',
      formBytes([
        { name: 'a[b]', value: 'x' },
        { filename: 'a.txt', value: 'x' },
      ]),
      {},
      /plain text/,
    ],
    [
      'a field of its own name',
      formBytes([
        { name: 'a', value: '1' },
        { name: 'a[b]', value: '2' },
      ]),
      {},
      /plain text/,
    ],
    ['a long field name', formBytes([{ name: 'n'.repeat(129), value: 'x' }]), {}, /Field name too long/],
    ['a field without a name', formBytes([{ disposition: 'form-data', value: 'x' }]), {}, /Field name missing/],
    [
      'a file without a name',
      formBytes([{ disposition: 'form-data; filename="a.txt"', value: 'x' }]),
      {},
      /name missing/,
    ],
  ]
  for (const [what, body, headers, message] of tries) {
    const { status, json } = await sendForm(body, headers)
    assert.equal(status, 400, `${what}: ${status} ${JSON.stringify(json)}`)
    assert.equal(json.error?.code, 'bad_request', what)
    assert.match(json.error?.message ?? '', message, what)
  }
  await nothingUnderWay()
  assert.deepEqual(await stateOf(app), before)
})

test('Field names that mean something to JavaScript mean nothing to the server', async () => {
  for (const name of [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '__proto__[x]',
    'tags[]',
    'a[]',
    '[x]',
  ]) {
    const { status } = await sendForm(
      formBytes([
        { filename: 'a.txt', value: 'x' },
        { name, value: 'x' },
      ]),
    )
    assert.ok(status === 201 || status === 400, `${name}: ${status}`)
  }
  assert.equal(({} as { x?: string }).x, undefined)
})

test('A form of a thousand files is taken whole', async () => {
  const parts = Array.from({ length: 1_000 }, (_, n) => ({ filename: `${n}.txt`, value: `${n}` }))
  const { status, json } = await sendForm(formBytes(parts))
  assert.equal(status, 201)
  const { files } = json as unknown as { files: { name: string; size: number }[] }
  assert.deepEqual(
    files.map(({ name }) => name),
    parts.map(({ filename }) => filename),
  )
  await nothingUnderWay()
})

test('Two hundred clients at once are promised no more than the quota holds', async (t) => {
  const small = await openTestApp(t, { 'quota.storage': '1 MiB', 'server.max_connections_per_address': 1_000 })
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const form = formWith(randomBytes(30_000), `${n}.bin`, 'application/octet-stream')
      return (await aether(small, 'POST', '/files/upload', { form })).status
    }),
  )
  const taken = statuses.filter((status) => status === 201).length
  assert.equal(taken, Math.floor(MiB / 30_000))
  assert.equal(statuses.filter((status) => status === 403).length, 200 - taken)
  const { stats } = (await aether(small, 'GET', '/user/stats')).body
  assert.deepEqual([stats.totalFiles, stats.totalSize], [taken, taken * 30_000])
  await nothingUnderWay(small)
})

test('Where ten files fit to the byte, of thirty clients at once exactly ten are served', async (t) => {
  for (const isChunked of [false, true]) {
    const exact = await openTestApp(t, { 'quota.storage': `${10 * 16} KiB` })
    const form = formBytes([{ filename: 'a.bin', value: randomBytes(16 * KiB) }])
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const connection = await RawConnection.open(exact.url)
        const how = isChunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': form.length }
        connection.send(requestHead('POST', target, { ...withKey(exact.key), 'Content-Type': formType, ...how }))
        connection.send(isChunked ? chunked(form) : form)
        const { status } = await connection.answer()
        connection.destroy()
        return status
      }),
    )
    assert.deepEqual(statuses.toSorted(), [...Array(10).fill(201), ...Array(20).fill(403)])
    assert.equal((await aether(exact, 'GET', '/user/stats')).body.stats.totalSize, 160 * KiB)
    await nothingUnderWay(exact)
  }
})

test('A quota of files holds as exactly for clients at once', async (t) => {
  const small = await openTestApp(t, { 'quota.files': 7 })
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => aether(small, 'POST', '/files/upload', { form: formWith('x') })),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 7)
  assert.equal((await aether(small, 'GET', '/user/stats')).body.stats.totalFiles, 7)
  await nothingUnderWay(small)
})

test('An upload whose client leaves while it waits for others to end their own holds nothing back', async (t) => {
  const small = await openTestApp(t, { 'quota.storage': '1 MiB' })
  const first = await RawConnection.open(small.url)
  first.send(head(1_000 * KiB, { Expect: '100-continue' }, small.key))
  assert.equal((await first.answer()).status, 100, 'it holds the quota')
  first.send(partHead({ filename: 'slow.bin', value: '' }))
  const second = await RawConnection.open(small.url)
  const form = formBytes([{ filename: 'waits.bin', value: randomBytes(100 * KiB) }])
  second.send(head(form.length, {}, small.key))
  // Not to its end: one that is whole may be kept, though its client is gone.
  second.send(form.subarray(0, -20))
  await new Promise((resolve) => setTimeout(resolve, 100))
  second.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  first.destroy()
  await nothingUnderWay(small)
  assert.equal((await aether(small, 'GET', '/files')).body.pagination.total, 0)
  assert.ok(await upload(small, randomBytes(1_000 * KiB)))
})

test('After all that the server takes the next upload as ever', async () => {
  const file = await upload(app, 'still here', 'still.txt')
  assert.equal(await (await fetch(file.url)).text(), 'still here')
  await nothingUnderWay()
})

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import sharp from 'sharp'
import { openTestApp, type TestApp } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { formOf, pageText, signedIn, textOf, until, type Visitor } from '../support/dashboard.ts'

/** The files of the list, as the page has them: one piece of markup each. */
async function rowsOf(visitor: Visitor, path = '/app/'): Promise<string[]> {
  const markup = await (await visitor.get(path)).text()
  return markup.split(/<li class="file" id="file-[\w-]{16}">/).slice(1)
}

/** The id of the one file there is. */
const onlyId = async (visitor: Visitor): Promise<string> => idIn((await rowsOf(visitor))[0])

const idIn = (row = ''): string => /files\/([\w-]{16})\/download/.exec(row)?.[1] ?? ''

/** Nothing of a refused upload is left: not in the list, not in the quota, not on the disk. */
async function assertNothingKept(app: TestApp, visitor: Visitor): Promise<void> {
  assert.deepEqual(await rowsOf(visitor), [])
  const { id } = await app.accounts.named('ada@example.org')
  assert.equal(await app.isUploading(id), false)
}

test('A form stores several files, with what is said of them, and leads back to the list', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  const files = [
    { name: 'one.txt', bytes: 'first' },
    { name: 'två.pdf', bytes: '%PDF-1.7\n'.padEnd(2_500_000, 'x'), type: 'application/pdf' },
  ]
  const sent = await visitor.post(
    '/app/upload',
    formOf(files, { public: 'on', description: 'From <the> hall', tags: 'house, 2026,,' }),
  )
  assert.deepEqual([sent.status, sent.headers.get('location')], [303, '/app/?stored=2'])
  const text = await pageText(await visitor.get('/app/?stored=2'))
  assert.match(text, /2 files stored\..*2 files, 2\.4 MB PDF två\.pdf 2\.4 MB · .* · Public From <the> hall house 2026/)
  assert.match(text, /TXT one\.txt 5 bytes/)
})

test('A ticked box makes files public and gives them a link; an unticked one keeps them private', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'open.txt', bytes: 'open' }], { public: 'on' }))
  await visitor.post('/app/upload', formOf([{ name: 'closed.txt', bytes: 'closed' }]))
  const [closed = '', open = ''] = await rowsOf(visitor)
  const link = `${app.url}/m/${idIn(open)}`
  assert.ok(open.includes(`value="${link}"`) && open.includes(`<a class="name" href="/m/${idIn(open)}">`))
  assert.equal(await (await fetch(link)).text(), 'open')
  assert.ok(!closed.includes('/m/') && textOf(closed).includes('Private'))
  assert.equal((await fetch(`${app.url}/m/${idIn(closed)}`)).status, 404)
})

test('A link carries the address that the outside knows', async (t) => {
  const visitor = await signedIn(await openTestApp(t, { 'server.public_url': 'https://files.example.org' }))
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }], { public: 'on' }))
  const [row = ''] = await rowsOf(visitor)
  assert.ok(row.includes(`value="https://files.example.org/m/${idIn(row)}"`))
  assert.ok(row.includes(`href="/m/${idIn(row)}"`), 'links to follow stay at the name that the page was asked under')
})

test('Its owner downloads a private file, whole or in part, and nobody else finds it', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'Grüße "1".txt', bytes: 'for me alone' }]))
  const path = `/app/files/${idIn((await rowsOf(visitor))[0])}/download`
  const response = await visitor.get(path)
  assert.equal(await response.text(), 'for me alone')
  assert.match(response.headers.get('content-disposition') ?? '', /^attachment; /)
  assert.equal(response.headers.get('cache-control'), 'private')
  assert.equal(await (await visitor.get(path, { Range: 'bytes=4-5' })).text(), 'me')
  const other = await signedIn(app, 'eve@example.org')
  assert.match(await pageText(await other.get(path), 404), /no such file/)
  await pageText(await other.post(path.replace('download', 'delete')), 404)
  assert.equal((await visitor.get(path)).status, 200)
})

test('A deleted file leaves the list and its link, and a second try is told so', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }], { public: 'on' }))
  const [row = ''] = await rowsOf(visitor)
  const action = /action="([^"]*delete)"/.exec(row)?.[1] ?? ''
  const done = await visitor.post(action, { page: '1' })
  assert.deepEqual([done.status, done.headers.get('location')], [303, '/app/?notice=deleted'])
  assert.match(await pageText(await visitor.get('/app/?notice=deleted')), /The file is deleted.*Nothing here yet/)
  assert.equal((await fetch(`${app.url}/m/${idIn(row)}`)).status, 404)
  assert.match(await pageText(await visitor.post(action), 404), /no such file/)
})

test('A file is made public and private again by its row, and its link opens and closes', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'for whom' }]))
  const id = await onlyId(visitor)
  const link = () => fetch(`${app.url}/m/${id}`)
  const change = async (to: string): Promise<string | null> =>
    (await visitor.post(`/app/files/${id}/public`, { public: to, page: '1' })).headers.get('location')

  assert.ok((await rowsOf(visitor))[0]?.includes('<button name="public" value="on">Make public<'))
  assert.equal(await change('on'), `/app/?notice=public#file-${id}`)
  assert.equal(await (await link()).text(), 'for whom')
  assert.match(await pageText(await visitor.get('/app/?notice=public')), /whoever has its link can open it.*Public/)
  assert.ok((await rowsOf(visitor))[0]?.includes('<button name="public" value="off">Make private<'))
  assert.equal(await change('off'), `/app/?notice=private#file-${id}`)
  assert.equal((await link()).status, 404)
  assert.match(await pageText(await visitor.get('/app/?notice=private')), /its link opens nothing any more.*Private/)
  const further = await visitor.post(`/app/files/${id}/public`, { public: 'on', page: '3' })
  assert.equal(further.headers.get('location'), `/app/?notice=public&page=3#file-${id}`)
})

test('What says neither public nor private changes nothing, and nobody changes what is not theirs', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }]))
  const path = `/app/files/${await onlyId(visitor)}/public`
  for (const fields of [{}, { public: 'yes' }, { public: '' }, { public: 'on', page: '0' }]) {
    await pageText(await visitor.post(path, fields), 400)
  }
  const other = await signedIn(app, 'eve@example.org')
  assert.match(await pageText(await other.post(path, { public: 'on' }), 404), /no such file/)
  assert.match((await rowsOf(visitor))[0] ?? '', />Private</)
})

test('After a trial files are seen, and neither stored nor changed', async (t) => {
  const clock = new MovingClock()
  const app = await openTestApp(t, { plans: '{trial = {trial_days = 14}}' }, { clock })
  const visitor = await signedIn(app)
  await app.accounts.setPlan(await app.accounts.named('ada@example.org'), 'trial', null)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }]))
  clock.aheadMs = 15 * 86_400_000
  const id = await onlyId(visitor)
  for (const refused of [
    await visitor.post('/app/upload', formOf([{ name: 'b.txt', bytes: 'b' }])),
    await visitor.post(`/app/files/${id}/public`, { public: 'on' }),
    await visitor.post(`/app/files/${id}/delete`),
  ]) {
    assert.match(await pageText(refused, 403), /trial is over/)
  }
  assert.equal(await (await visitor.get(`/app/files/${id}/download`)).text(), 'a')
})

test('A plan whose reads of the month are used up says so', async (t) => {
  const app = await openTestApp(t, { plans: '{small = {origin_reads = 1}}' })
  const visitor = await signedIn(app)
  await app.accounts.setPlan(await app.accounts.named('ada@example.org'), 'small', null)
  await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }]))
  const path = `/app/files/${await onlyId(visitor)}/download`
  assert.equal(await (await visitor.get(path)).text(), 'a')
  assert.match(await pageText(await visitor.get(path), 429), /Your plan has 1 download a month/)
})

test('A name is text, whatever it looks like', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  const names = ['<img src=x onerror=alert(1)>.png', '"><script>', "' onfocus='alert(1)", '&lt;b&gt;']
  const labels = { public: 'on', description: '</p><script>alert(2)</script>', tags: '<b>bold</b>' }
  const files = names.map((name) => ({ name, bytes: name }))
  assert.equal((await visitor.post('/app/upload', formOf(files, labels))).status, 303)
  const markup = await (await visitor.get('/app/')).text()
  const listed = await rowsOf(visitor)
  for (const [at, name] of names.toReversed().entries()) assert.ok(textOf(listed[at] ?? '').includes(name), name)
  const own = markup.replace(/<script>\n'use strict'.*?<\/script>/s, '')
  assert.doesNotMatch(own, /<script|<b>|<img src=x|onfocus='|onerror=alert\(1\)>/)
})

test('The notices of an address are ours: nothing else it says is shown', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  for (const query of [
    'stored=0',
    'stored=-1',
    'stored=99999',
    'notice=Pay+me',
    'notice=constructor',
    'notice=__proto__',
  ]) {
    assert.doesNotMatch(await (await visitor.get(`/app/?${query}`)).text(), /class="notice"|Pay/, query)
  }
})

test('Fifty files make a page; older ones are on the next, and a page past the last leads to it', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  const files = Array.from({ length: 51 }, (_, n) => ({ name: `${n}.txt`, bytes: String(n) }))
  await visitor.post('/app/upload', formOf(files))
  const first = await rowsOf(visitor)
  assert.equal(first.length, 50)
  assert.match(textOf(first[0] ?? ''), /TXT 50\.txt/)
  assert.match(first.at(-1) ?? '', /rel="next" href="\/app\/\?page=2"/)
  const [last = '', ...none] = await rowsOf(visitor, '/app/?page=2')
  assert.deepEqual(none, [])
  assert.match(textOf(last), /TXT 0\.txt .*Newer Page 2 of 2/)
  assert.match(last, /rel="prev" href="\/app\/"/)

  const done = await visitor.post(`/app/files/${idIn(last)}/delete`, { page: '2' })
  assert.equal(done.headers.get('location'), '/app/?notice=deleted&page=2')
  const onwards = await visitor.get('/app/?notice=deleted&page=2')
  assert.equal(onwards.headers.get('location'), '/app/?notice=deleted')
  for (const page of ['0', '-1', 'two', '1e3', '']) await pageText(await visitor.get(`/app/?page=${page}`), 400)
})

test('A page and its first line are had by HEAD too', async (t) => {
  const visitor = await signedIn(await openTestApp(t))
  const headers = { Cookie: `larder_session=${visitor.session}` }
  const response = await fetch(`${visitor.url}/app/`, { method: 'HEAD', headers })
  assert.deepEqual([response.status, await response.text()], [200, ''])
})

test('Only a public picture has a preview, a small one that /m makes', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const bytes = await sharp({ create: { width: 800, height: 600, channels: 3, background: '#368' } })
    .png()
    .toBuffer()
  const picture = { name: 'blue.png', bytes, type: 'image/png' }
  await visitor.post('/app/upload', formOf([picture, { name: 'not.png', bytes: 'no picture' }], { public: 'on' }))
  await visitor.post('/app/upload', formOf([{ ...picture, name: 'private.png' }]))
  const [secret = '', text = '', open = ''] = await rowsOf(visitor)
  assert.ok(!secret.includes('<img') && !text.includes('<img'))
  const source = /<img src="([^"]*)"/.exec(open)?.[1]?.replaceAll('&amp;', '&') ?? ''
  assert.match(source, /^\/m\/[\w-]{16}\?/)
  const preview = await fetch(app.url + source)
  const { width = 0, height = 0 } = await sharp(await preview.arrayBuffer()).metadata()
  assert.ok(width > 0 && width <= 160 && height > 0 && height <= 160, `${width} x ${height}`)
})

test('A quota is told in words, and the upload that would break it leaves nothing', async (t) => {
  const app = await openTestApp(t, { 'quota.storage': '1 MiB' })
  const visitor = await signedIn(app)
  const tooMuch = formOf([
    { name: 'a.bin', bytes: 'a'.repeat(600_000) },
    { name: 'b.bin', bytes: 'b'.repeat(600_000) },
  ])
  const page = await pageText(await visitor.post('/app/upload', tooMuch), 403)
  assert.match(
    page,
    /No room left Your account may hold 1 MB, and 0 bytes are in use\. Nothing of this upload was kept/,
  )
  await assertNothingKept(app, visitor)
  assert.match(await pageText(await visitor.get('/app/')), /0 files, 0 bytes of 1 MB/)
})

test('A quota of files is told in words too', async (t) => {
  const app = await openTestApp(t, { 'quota.files': 1 })
  const visitor = await signedIn(app)
  const two = [
    { name: 'a', bytes: 'a' },
    { name: 'b', bytes: 'b' },
  ]
  assert.match(await pageText(await visitor.post('/app/upload', formOf(two)), 403), /may hold 1 file, and there are/)
  await assertNothingKept(app, visitor)
})

test('What is too large, of a type not taken, or no file at all is refused in words', async (t) => {
  const app = await openTestApp(t, { 'uploads.max_size': '1 KiB', 'uploads.allowed_content_types': 'text/plain' })
  const visitor = await signedIn(app)
  const cases = [
    { form: formOf([{ name: 'a.txt', bytes: 'a'.repeat(2_000) }]), status: 413, says: /A file may have 1 KB at most/ },
    {
      form: formOf([{ name: 'a.exe', bytes: 'a', type: 'application/x-msdownload' }]),
      status: 415,
      says: /x-msdownload/,
    },
    { form: formOf([]), status: 400, says: /no file/ },
    { form: formOf([{ name: 'a.txt', bytes: 'a' }], { tags: 'x'.repeat(65) }), status: 400, says: /64 characters/ },
    { form: { file: 'a' }, status: 400, says: /multipart/ },
  ]
  for (const { form, status, says } of cases) {
    assert.match(await pageText(await visitor.post('/app/upload', form), status), says)
  }
  await assertNothingKept(app, visitor)
})

test('Uploads by the form count towards the limit that the doors count', async (t) => {
  const visitor = await signedIn(await openTestApp(t, { 'limits.upload': '1/1m' }))
  const form = () => formOf([{ name: 'a.txt', bytes: 'a' }])
  assert.equal((await visitor.post('/app/upload', form())).status, 303)
  const refused = await visitor.post('/app/upload', form())
  await pageText(refused, 429)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
})

test('An upload that cannot be taken is refused while it is still being sent', async (t) => {
  const app = await openTestApp(t, { 'quota.storage': '1 MiB' })
  const visitor = await signedIn(app)
  const head = (cookie: string, origin: string): string =>
    `POST /app/upload HTTP/1.1\r\nHost: x\r\n${origin}${cookie}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000000\r\n\r\n--b`
  const cookie = `Cookie: larder_session=${visitor.session}\r\n`
  const origin = 'Origin: http://x\r\n'
  for (const [request, status] of [
    [head(cookie, origin), 403],
    [head(cookie, ''), 403],
    [head('', origin), 303],
  ] as const) {
    assert.match(await answerTo(app.port, request), new RegExp(`^HTTP/1.1 ${status} .*^Connection: close$`, 'ms'))
  }
  await assertNothingKept(app, visitor)
})

/** The head of what is answered to a request that is never sent whole. */
function answerTo(port: number, sent: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(sent))
    socket.on('error', reject)
    socket.once('data', (data: Buffer) => {
      resolve(data.toString().replaceAll('\r', '').split('\n\n')[0] ?? '')
      socket.destroy()
    })
  })
}

test('A browser that leaves in the middle of an upload leaves nothing behind', async (t) => {
  const app = await openTestApp(t)
  const visitor = await signedIn(app)
  const body = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\nthe beginning'
  const socket = connect(app.port, '127.0.0.1')
  socket.write(
    `POST /app/upload HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nCookie: larder_session=${visitor.session}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n${body}`,
  )
  const { id } = await app.accounts.named('ada@example.org')
  await until('the upload has begun', () => app.isUploading(id))
  socket.destroy()
  await until('what it held is free', async () => !(await app.isUploading(id)))
  await assertNothingKept(app, visitor)
})

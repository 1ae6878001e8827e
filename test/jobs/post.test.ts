import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Letter, Mail } from '../../src/core/model.ts'
import { type Mailer, MailRefused } from '../../src/core/ports.ts'
import { gapsMs, type PostParts, startPost } from '../../src/jobs/post.ts'
import { openMailer } from '../../src/mail/index.ts'
import { startSmtpServer } from '../mail/smtp-server.ts'
import { atEnd } from '../support/at-end.ts'
import { openTestCatalogue } from '../support/catalogue.ts'
import { until } from '../support/state.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** A mailer that does what the test says, and counts. Closing it cuts off what is on its way, as with every mailer. */
function scriptedMailer(send: (letter: Letter, id: string) => Promise<void> = async () => {}) {
  const sent: string[] = []
  const closing = Promise.withResolvers<never>()
  closing.promise.catch(() => {})
  const mailer: Mailer & { atOnce: number; most: number; isClosed: boolean } = {
    atOnce: 0,
    most: 0,
    isClosed: false,
    send: async (letter, id) => {
      sent.push(id)
      mailer.atOnce++
      mailer.most = Math.max(mailer.most, mailer.atOnce)
      await Promise.race([send(letter, id), closing.promise]).finally(() => mailer.atOnce--)
    },
    close: async () => {
      mailer.isClosed = true
      closing.reject(new Error('closed'))
    },
  }
  return { mailer, sent }
}

/** A queue in a real catalogue, a clock that stands still until it is set, and everything the post said. */
async function openQueue(t: TestContext) {
  const { catalogue } = await openTestCatalogue(t)
  const clock = { time: Date.UTC(2026, 4, 3, 12), now: () => clock.time }
  const problems: unknown[] = []
  const story: string[] = []
  const add = async (id: string, letter: Partial<Letter> = {}): Promise<void> => {
    const email = `${id}@example.org`
    const full: Letter = { to: email, purpose: 'code', code: '123456', expiresAt: clock.time + dayMs, ...letter }
    const mail = { id, letter: full, hourly: null, now: clock.time }
    await catalogue.write.sendCode({
      email,
      digest: 'd'.repeat(64),
      tries: 5,
      notSince: 0,
      mayRegister: true,
      mail,
      now: clock.time,
    })
  }
  const mails = async (): Promise<Record<string, Mail>> =>
    Object.fromEntries((await catalogue.read.mails(100)).map((mail) => [mail.id, mail]))
  const start = (mailer: Mailer, parts: Partial<PostParts> = {}) => {
    const report = (error: unknown): void => void problems.push(error)
    const post = startPost({ catalogue, mailer, clock, report, log: (line) => void story.push(line), ...parts })
    atEnd(t, () => post.stop())
    return post
  }
  const reaches = (id: string, state: Mail['state'], tries?: number): Promise<void> =>
    until(`mail ${id} is ${state}`, async () => {
      const mail = (await mails())[id]
      return mail?.state === state && (tries === undefined || mail.tries === tries)
    })
  return { catalogue, clock, problems, story, add, mails, start, reaches }
}

test('A letter that is queued goes out at once, and once', async (t) => {
  const { add, start, reaches, mails, story, clock } = await openQueue(t)
  const { mailer, sent } = scriptedMailer()
  const post = start(mailer)
  await add('one')
  post.deliver()
  await reaches('one', 'sent', 1)
  for (let n = 0; n < 20; n++) post.deliver()
  await post.stop()
  assert.deepEqual(sent, ['one'])
  assert.equal((await mails()).one?.sentAt, clock.time)
  assert.deepEqual(story, ['mail one (code) is on its way'])
})

test('A letter that nobody told of is found all the same', async (t) => {
  const { add, start, reaches } = await openQueue(t)
  start(scriptedMailer().mailer)
  await add('one')
  await reaches('one', 'sent')
})

test('Many letters go out a few at a time, each once', async (t) => {
  const { add, start, reaches } = await openQueue(t)
  const ids = Array.from({ length: 12 }, (_, n) => `mail-${n}`)
  for (const id of ids) await add(id)
  const { mailer, sent } = scriptedMailer(() => new Promise((resolve) => setTimeout(resolve, 20)))
  const post = start(mailer)
  for (let n = 0; n < 5; n++) post.deliver()
  for (const id of ids) await reaches(id, 'sent', 1)
  assert.deepEqual([...sent].sort(), [...ids].sort())
  assert.equal(mailer.most, 3)
})

test('One reader whose letter takes long keeps nobody else waiting', async (t) => {
  const { add, start, reaches } = await openQueue(t)
  let finish = (): void => {}
  const { mailer, sent } = scriptedMailer((_letter, id) =>
    id === 'slow' ? new Promise<void>((resolve) => (finish = resolve)) : Promise.resolve(),
  )
  await add('slow')
  const post = start(mailer)
  await until('the slow one is on its way', () => sent.includes('slow'))
  for (const id of ['a', 'b', 'c', 'd']) await add(id)
  post.deliver()
  for (const id of ['a', 'b', 'c', 'd']) await reaches(id, 'sent')
  finish()
  await reaches('slow', 'sent', 1)
  assert.equal(sent.filter((id) => id === 'slow').length, 1)
})

test('A letter that does not get through is tried again after gaps that grow', async (t) => {
  const { add, start, reaches, mails, clock, story } = await openQueue(t)
  const { mailer, sent } = scriptedMailer(() => Promise.reject(new Error('connect ECONNREFUSED\n  192.0.2.1:25')))
  await add('one')
  const post = start(mailer)
  const gaps = [...gapsMs, gapsMs.at(-1) as number]
  for (const [n, gap] of gaps.entries()) {
    await reaches('one', 'waiting', n + 1)
    assert.equal((await mails()).one?.nextAt, clock.time + gap)
    clock.time += gap - 1
    post.deliver()
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(sent.length, n + 1, 'tried too soon')
    clock.time += 1
    post.deliver()
  }
  await reaches('one', 'waiting', gaps.length + 1)
  assert.equal((await mails()).one?.lastError, 'connect ECONNREFUSED 192.0.2.1:25')
  assert.equal(
    story[0],
    'mail one (code) is tried again at 2026-05-03T12:00:05.000Z: connect ECONNREFUSED 192.0.2.1:25',
  )
})

test('A mail server that was down gets its letters when it is up', async (t) => {
  const { add, start, reaches, clock } = await openQueue(t)
  const down = await startSmtpServer(t)
  await down.stop()
  const smtpUrl = `smtp://127.0.0.1:${down.port}`
  const from = 'larder@files.example.org'
  const mailer = openMailer({ smtpUrl, from, outboxDir: join('no', 'where'), publicUrl: () => 'http://localhost' })
  await add('one')
  const post = start(mailer)
  await reaches('one', 'waiting', 1)
  const up = await startSmtpServer(t, {}, down.port)
  clock.time += gapsMs[0] as number
  post.deliver()
  await reaches('one', 'sent', 2)
  assert.deepEqual(up.readers, [['one@example.org']])
  assert.match(String(up.messages[0]), /^Message-ID: <one@localhost>\r$/m)
})

test('A letter that is refused for good is given up, until somebody says otherwise', async (t) => {
  const { add, start, reaches, mails, clock, catalogue } = await openQueue(t)
  let isRefused = true
  const { mailer, sent } = scriptedMailer(async () => {
    if (isRefused) throw new MailRefused('550 no such user')
  })
  await add('one')
  const post = start(mailer)
  await reaches('one', 'given_up', 1)
  assert.equal((await mails()).one?.lastError, '550 no such user')
  clock.time += 60 * minuteMs
  post.deliver()
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(sent.length, 1)
  isRefused = false
  assert.equal(await catalogue.write.retryMails({ id: 'one', now: clock.time }), 1)
  await reaches('one', 'sent', 2)
})

test('A letter whose next try would come too late is given up', async (t) => {
  const { add, start, reaches, clock } = await openQueue(t)
  await add('one', { expiresAt: clock.time + 5_000 })
  await add('two', { expiresAt: clock.time + 5_001 })
  start(scriptedMailer(() => Promise.reject(new Error('down'))).mailer)
  await reaches('one', 'given_up', 1)
  await reaches('two', 'waiting', 1)
})

test('A letter that is of no use any more is given up without a try', async (t) => {
  const { add, start, reaches, mails, clock } = await openQueue(t)
  await add('one', { expiresAt: clock.time })
  const { mailer, sent } = scriptedMailer()
  start(mailer)
  await reaches('one', 'given_up')
  assert.deepEqual(sent, [])
  assert.equal((await mails()).one?.lastError, 'it was of no use any more')
})

test('The error that is kept is one short line, without what the letter keeps secret', async (t) => {
  const { add, start, reaches, mails, story } = await openQueue(t)
  await add('link', { purpose: 'reset', path: '/app/reset?token=t0ps3cret' })
  await add('code', { code: '049213' })
  const said = (letter: Letter): string =>
    `552 refused\r\n\tfor "https://a.example${letter.path}" t0ps3cret 049213 ${'x'.repeat(1000)}`
  start(scriptedMailer((letter) => Promise.reject(new Error(said(letter)))).mailer)
  await reaches('link', 'waiting', 1)
  await reaches('code', 'waiting', 1)
  for (const [id, secret] of Object.entries({ link: 't0ps3cret', code: '049213' })) {
    const error = (await mails())[id]?.lastError ?? ''
    assert.match(error, /^552 refused for "https:[^\n]*…$/)
    assert.equal(error.length, 300)
    assert.ok(!error.includes(secret) && !story.some((line) => line.includes(`${id} `) && line.includes(secret)))
  }
})

test('A mailer that breaks its promises does not end the post', async (t) => {
  const { add, start, reaches, problems } = await openQueue(t)
  const { mailer } = scriptedMailer()
  const good = mailer.send
  mailer.send = (letter, id) => {
    if (id === 'odd') throw 'not even an error'
    return good(letter, id)
  }
  await add('odd')
  const post = start(mailer)
  await reaches('odd', 'waiting', 1)
  await add('fine')
  post.deliver()
  await reaches('fine', 'sent')
  assert.deepEqual(problems, [])
})

test('While the catalogue takes nothing, a letter that is out does not go out again', async (t) => {
  const { add, start, reaches, problems, catalogue } = await openQueue(t)
  await add('one')
  let failures = 1
  const write: PostParts['catalogue']['write'] = {
    mailFailed: catalogue.write.mailFailed,
    mailSent: async (input) => {
      if (failures-- > 0) throw new Error('the disk is full')
      return catalogue.write.mailSent(input)
    },
  }
  const { mailer, sent } = scriptedMailer()
  const post = start(mailer, { catalogue: { read: catalogue.read, write } })
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    post.deliver()
  }
  await reaches('one', 'sent', 1)
  assert.deepEqual(sent, ['one'])
  assert.equal(problems.length, 1)
})

test('A look that took long does not send again what went out meanwhile', async (t) => {
  const { add, start, reaches, catalogue } = await openQueue(t)
  await add('one')
  let finish = (): void => {}
  let looks = 0
  const { mailer, sent } = scriptedMailer(() => new Promise<void>((resolve) => (finish = resolve)))
  const dueMails: PostParts['catalogue']['read']['dueMails'] = async (now, limit) => {
    const due = await catalogue.read.dueMails(now, limit)
    if (++looks === 2) {
      finish()
      await reaches('one', 'sent')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return due
  }
  const post = start(mailer, { catalogue: { read: { dueMails }, write: catalogue.write } })
  await until('it is on its way', () => sent.length === 1)
  post.deliver()
  await until('somebody looked again', () => looks >= 3)
  assert.deepEqual(sent, ['one'])
})

test('Where letters cannot be looked for, that is reported, and they are looked for again', async (t) => {
  const { add, start, reaches, problems, catalogue } = await openQueue(t)
  await add('one')
  let failures = 1
  const dueMails: PostParts['catalogue']['read']['dueMails'] = async (now, limit) => {
    if (failures-- > 0) throw new Error('the database is away')
    return catalogue.read.dueMails(now, limit)
  }
  start(scriptedMailer().mailer, { catalogue: { read: { dueMails }, write: catalogue.write } })
  await reaches('one', 'sent')
  assert.deepEqual(problems.map(String), ['Error: the database is away'])
})

test('Stopping waits a moment for what is on its way, and begins nothing more', async (t) => {
  const { add, start, mails } = await openQueue(t)
  const { mailer, sent } = scriptedMailer(() => new Promise((resolve) => setTimeout(resolve, 100)))
  for (const id of ['a', 'b', 'c', 'd']) await add(id)
  const post = start(mailer)
  await until('three are on their way', () => sent.length === 3)
  await post.stop()
  post.deliver()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(sent.length, 3)
  const states = Object.values(await mails()).map(({ state }) => state)
  assert.deepEqual(states.sort(), ['sent', 'sent', 'sent', 'waiting'])
  assert.equal(mailer.isClosed, true)
})

test('A letter that stopping cuts off waits for the next start, and was no try', async (t) => {
  const { add, start, mails, reaches } = await openQueue(t)
  const { mailer, sent } = scriptedMailer(() => new Promise(() => {}))
  await add('one')
  const post = start(mailer)
  await until('it is on its way', () => sent.length === 1)
  const begun = Date.now()
  await post.stop()
  assert.ok(Date.now() - begun < 4_000)
  assert.deepEqual([(await mails()).one?.state, (await mails()).one?.tries], ['waiting', 0])
  start(scriptedMailer().mailer)
  await reaches('one', 'sent', 1)
})

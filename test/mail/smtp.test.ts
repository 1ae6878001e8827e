import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { SMTPServerOptions } from 'smtp-server'
import { MailRefused } from '../../src/core/ports.ts'
import { openSmtpMailer, smtpTimeouts } from '../../src/mail/smtp.ts'
import { letters, mailerContract, sender } from '../contract/mailer.ts'
import { atEnd } from '../support/at-end.ts'
import { answer, startSmtpServer } from './smtp-server.ts'

const password = 'hunter2-ä%/'
const logIn = `larder:${encodeURIComponent(password)}@`

function openMailer(t: TestContext, url: string, timeouts: Partial<typeof smtpTimeouts> = {}) {
  const mailer = openSmtpMailer(url, sender, { ...smtpTimeouts, ...timeouts })
  atEnd(t, () => mailer.close())
  return mailer
}

async function open(t: TestContext, { server: options = {}, url = (port: number) => `smtp://127.0.0.1:${port}` } = {}) {
  const server = await startSmtpServer(t, options as SMTPServerOptions)
  const mailer = openMailer(t, url(server.port))
  return { mailer, server, arrived: async () => server.messages }
}

/** What a letter is refused with, which must be a plain error or one that is for good, and must give nothing away. */
async function refusal(sending: Promise<void>): Promise<{ message: string; isFinal: boolean }> {
  const error = await sending.then(
    () => assert.fail('the letter was taken'),
    (error: Error) => error,
  )
  const everything = JSON.stringify([error.message, error.stack, { ...error }, String(error.cause)])
  for (const form of [password, encodeURIComponent(password), Buffer.from(password).toString('base64')])
    assert.ok(!everything.includes(form), everything)
  return { message: error.message, isFinal: error instanceof MailRefused }
}

mailerContract('a mail server', open)
mailerContract('a mail server with STARTTLS and a log-in', (t) =>
  open(t, {
    server: { disabledCommands: [], authOptional: false },
    url: (port) => `smtp://${logIn}localhost:${port}?requireTLS=true`,
  }),
)
mailerContract('a mail server with TLS from the first byte on', (t) =>
  open(t, { server: { secure: true }, url: (port) => `smtps://127.0.0.1:${port}?tls.rejectUnauthorized=false` }),
)

test('Where the server offers STARTTLS, log-in and letter go over the encrypted line', async (t) => {
  const url = (port: number) => `smtp://${logIn}127.0.0.1:${port}`
  const { mailer, server } = await open(t, { server: { disabledCommands: [], authOptional: false }, url })
  await mailer.send(letters.reset, 'one')
  assert.deepEqual(server.logIns, [{ user: 'larder', password, secure: true }])
  assert.deepEqual(server.secured, [true])
  assert.deepEqual(server.readers, [['ada@example.org']])
})

test('Each way to log in that the server knows is good', async (t) => {
  for (const method of ['PLAIN', 'LOGIN'] as const) {
    const server = { disabledCommands: [], authOptional: false, authMethods: [method] }
    const opened = await open(t, { server, url: (port) => `smtp://${logIn}127.0.0.1:${port}` })
    await opened.mailer.send(letters.reset, 'one')
    assert.equal(opened.server.logIns[0]?.password, password)
  }
})

test('A password never goes over a plain line that leaves the machine, and the letter stays with it', async (t) => {
  // Whether an address is the machine's own is told by its looks alone; this one leads back and does not look it.
  const server = await startSmtpServer(t, { allowInsecureAuth: true })
  const outside = openMailer(t, `smtp://${logIn}0.0.0.0:${server.port}`)
  const { message, isFinal } = await refusal(outside.send(letters.reset, 'one'))
  assert.match(message, /STARTTLS/)
  assert.equal(isFinal, false)
  assert.deepEqual([server.logIns, server.messages], [[], []])
})

test('On the loopback, or where the URL says so, a password may go over a plain line', async (t) => {
  const server = await startSmtpServer(t, { allowInsecureAuth: true, authOptional: false })
  await openMailer(t, `smtp://${logIn}127.0.0.1:${server.port}`).send(letters.reset, 'one')
  for (const option of ['requireTLS=false', 'ignoreTLS=true'])
    await openMailer(t, `smtp://${logIn}0.0.0.0:${server.port}?${option}`).send(letters.reset, 'one')
  assert.deepEqual(
    server.logIns.map(({ secure }) => secure),
    [false, false, false],
  )
})

test('A certificate that nobody has signed is taken on the loopback, or where the URL says so', async (t) => {
  const server = await startSmtpServer(t, { disabledCommands: [] })
  const attempts = {
    '127.0.0.1': true,
    '0.0.0.0': false,
    '127.0.0.1?tls.rejectUnauthorized=true': false,
    '0.0.0.0?tls.rejectUnauthorized=false': true,
  }
  for (const [where, isTaken] of Object.entries(attempts)) {
    const [host, query = ''] = where.split('?')
    const sending = openMailer(t, `smtp://${host}:${server.port}?${query}`).send(letters.reset, 'one')
    if (isTaken) await sending
    else assert.match((await refusal(sending)).message, /certificate/i)
  }
  assert.deepEqual(server.secured, [true, true])
})

test('A wrong password may be put right, and no error says what it was', async (t) => {
  const base64 = Buffer.from(`\0larder\0${password}`).toString('base64')
  const quoting = `${password} of ${logIn} is wrong: AUTH PLAIN ${base64} ${Buffer.from(password).toString('base64')}`
  const onAuth: SMTPServerOptions['onAuth'] = (_auth, _session, callback) => callback(answer(535, quoting))
  const server = { disabledCommands: [], authOptional: false, onAuth }
  const { mailer } = await open(t, { server, url: (port) => `smtp://${logIn}127.0.0.1:${port}` })
  const { message, isFinal } = await refusal(mailer.send(letters.reset, 'one'))
  assert.equal(isFinal, false)
  assert.equal(message, 'Invalid login: 535 … of larder:…@ is wrong: AUTH PLAIN … …')
})

type Refuse = (step: string) => Error | null

/** A server that answers one of the letter's steps with an error. */
const refusing = (refuse: Refuse): SMTPServerOptions => ({
  onMailFrom: (_address, _session, callback) => callback(refuse('MAIL')),
  onRcptTo: (_address, _session, callback) => callback(refuse('RCPT')),
  onData: (stream, _session, callback) => {
    stream.resume().on('end', () => callback(refuse('DATA')))
  },
})

const refusals: readonly { step: string; code: number; text: string; isFinal: boolean }[] = [
  { step: 'RCPT', code: 550, text: '5.1.1 no such user', isFinal: true },
  { step: 'RCPT', code: 550, text: 'no such user', isFinal: true },
  { step: 'RCPT', code: 451, text: '4.7.1 greylisted, come back later', isFinal: false },
  { step: 'RCPT', code: 452, text: '4.2.2 mailbox full', isFinal: false },
  { step: 'RCPT', code: 554, text: '5.7.1 relay access denied', isFinal: false },
  { step: 'RCPT', code: 530, text: '5.7.0 authentication required', isFinal: false },
  { step: 'DATA', code: 554, text: '5.6.0 this is spam', isFinal: true },
  { step: 'DATA', code: 451, text: '4.3.0 try again later', isFinal: false },
  { step: 'MAIL', code: 550, text: '5.7.1 this sender is not yours', isFinal: false },
  { step: 'MAIL', code: 421, text: '4.3.2 shutting down', isFinal: false },
]
for (const { step, code, text, isFinal } of refusals) {
  test(`"${code} ${text}" at ${step} is ${isFinal ? 'for good' : 'no reason to give a letter up'}`, async (t) => {
    const refuse: Refuse = (at) => (at === step ? answer(code, text) : null)
    for (const hidePIPELINING of [false, true]) {
      const { mailer } = await open(t, { server: { ...refusing(refuse), hidePIPELINING } })
      const refused = await refusal(mailer.send(letters.reset, 'one'))
      assert.ok(refused.message.includes(`${code} ${text}`), refused.message)
      assert.equal(refused.isFinal, isFinal)
    }
  })
}

test('A letter that was refused does not hinder the next', async (t) => {
  const onRcptTo: SMTPServerOptions['onRcptTo'] = ({ address }, _session, callback) =>
    callback(address.startsWith('ada@') ? answer(550, 'no such user') : null)
  const { mailer, server } = await open(t, { server: { onRcptTo } })
  await assert.rejects(mailer.send(letters.reset, 'one'), MailRefused)
  await mailer.send(letters.code, 'two')
  assert.deepEqual(server.readers, [['grace@example.org']])
})

test('A server that is not there may be there later', async (t) => {
  const server = await startSmtpServer(t)
  await server.stop()
  const mailer = openMailer(t, `smtp://${logIn}127.0.0.1:${server.port}`)
  const { message, isFinal } = await refusal(mailer.send(letters.reset, 'one'))
  assert.match(message, /ECONNREFUSED/)
  assert.equal(isFinal, false)
  const again = await startSmtpServer(t, { allowInsecureAuth: true }, server.port)
  await mailer.send(letters.reset, 'one')
  assert.equal(again.messages.length, 1)
})

/** A server that says what it is told to, a line for each that it hears, and after that nothing more. */
async function openTalker(t: TestContext, lines: readonly string[], onLine: (socket: Socket) => void = () => {}) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const rest = [...lines]
    const say = (): void => {
      const line = rest.shift()
      if (line === undefined) onLine(socket)
      else socket.write(`${line}\r\n`)
    }
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', say)
    say()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as { port: number }
  return { url: `smtp://127.0.0.1:${port}`, sockets }
}

test('A server that takes the call and says nothing is given up after a while', async (t) => {
  const { url } = await openTalker(t, [])
  const { message, isFinal } = await refusal(openMailer(t, url, { greetingMs: 100 }).send(letters.reset, 'one'))
  assert.equal(message, 'Greeting never received')
  assert.equal(isFinal, false)
})

test('A server that falls silent in the middle is given up after a while', async (t) => {
  const { url } = await openTalker(t, ['220 hello', '250 hello', '250 sender taken'])
  const { message, isFinal } = await refusal(openMailer(t, url, { socketMs: 100 }).send(letters.reset, 'one'))
  assert.equal(message, 'Timeout')
  assert.equal(isFinal, false)
})

test('A server that keeps talking and never comes to an end is given up all the same', async (t) => {
  const { url } = await openTalker(t, ['220 hello', '250 hello', '250 sender taken'], (socket) => {
    const timer = setInterval(() => socket.write('250-well\r\n'), 20)
    socket.on('close', () => clearInterval(timer))
  })
  const { message } = await refusal(openMailer(t, url, { socketMs: 500, wholeMs: 300 }).send(letters.reset, 'one'))
  assert.equal(message, 'the mail server took longer than 0.3 seconds')
})

test('Closing cuts off what is on its way, at once', async (t) => {
  const { url, sockets } = await openTalker(t, ['220 hello'])
  const mailer = openMailer(t, url)
  const refused = Promise.all([1, 2, 3].map((n) => refusal(mailer.send(letters.reset, `${n}`))))
  while (sockets.size < 3) await new Promise((resolve) => setTimeout(resolve, 5))
  const begun = Date.now()
  await mailer.close()
  for (const { message, isFinal } of await refused) {
    assert.equal(message, 'the server was stopped while the letter was on its way')
    assert.equal(isFinal, false)
  }
  assert.ok(Date.now() - begun < 1_000)
  assert.equal((await refusal(mailer.send(letters.reset, 'late'))).isFinal, false)
})

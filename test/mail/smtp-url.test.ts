import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMailer, UnusableMailServer } from '../../src/mail/index.ts'
import { readSmtpUrl } from '../../src/mail/smtp-url.ts'
import { sender } from '../contract/mailer.ts'

const read = (url: string) => readSmtpUrl(url).options

test("A URL names host, port and log-in; the ports are the library's where none is said", () => {
  assert.deepEqual(read('smtp://la%40rder:p%3Aw@Mail.example.org:2525'), {
    host: 'mail.example.org',
    port: 2525,
    secure: false,
    requireTLS: true,
    auth: { user: 'la@rder', pass: 'p:w' },
  })
  assert.deepEqual(read('smtps://[2001:db8::25]'), { host: '2001:db8::25', secure: true, requireTLS: false })
})

test('STARTTLS is a must where there is a password and the line leaves the machine', () => {
  const musts = {
    'smtp://u:p@mail.example.org': true,
    'smtp://mail.example.org': false,
    'smtp://mail.example.org?requireTLS=true': true,
    'smtp://u:p@mail.example.org?requireTLS=false': false,
    'smtp://u:p@mail.example.org?ignoreTLS=true': false,
    'smtps://u:p@mail.example.org': false,
    'smtp://u:p@127.0.0.1': false,
    'smtp://u:p@[::1]': false,
    'smtp://u:p@LocalHost': false,
    'smtp://u:p@mail.localhost': false,
    'smtp://u:p@127.0.0.1.example.org': true,
    'smtp://u:p@localhost.example.org': true,
    'smtp://u:p@notlocalhost': true,
    'smtp://u:p@127.1': true,
  }
  assert.deepEqual(Object.fromEntries(Object.keys(musts).map((url) => [url, read(url).requireTLS])), musts)
})

test('The own machine is asked by its address, so that no name server can say who that is', () => {
  assert.equal(read('smtp://localhost').host, '127.0.0.1')
  assert.equal(read('smtp://[::1]').host, '::1')
})

test('Options have the names of the library', () => {
  const query = 'name=files.example.org&authMethod=LOGIN&tls.servername=mx.example.org&tls.rejectUnauthorized=false'
  const { name, authMethod, tls } = read(`smtp://mail.example.org?${query}`)
  assert.deepEqual([name, authMethod], ['files.example.org', 'LOGIN'])
  assert.deepEqual(tls, { servername: 'mx.example.org', rejectUnauthorized: false })
})

const unusable = {
  'mail.example.org:25': /smtp:\/\/HOST:PORT/,
  'http://u:secret@mail.example.org': /smtp:\/\/HOST:PORT/,
  'smtp://u:secret@': /smtp:\/\/HOST:PORT/,
  'smtp://u:secret@mail.example.org:99999': /smtp:\/\/HOST:PORT/,
  'smtp://u:secret%@mail.example.org': /%25/,
  'smtp://u:secret@mail.example.org?logger=true': /there is no option "logger"; there are requireTLS, /,
  'smtp://u:secret@mail.example.org?tls.rejectUnauthorised=false': /there is no option "tls.rejectUnauthorised"/,
  'smtp://u:secret@mail.example.org?__proto__=x': /there is no option/,
  'smtp://u:secret@mail.example.org?requireTLS=no': /requireTLS takes true or false/,
}
for (const [url, message] of Object.entries(unusable)) {
  test(`${url.replace('secret', '…')} is no mail server, and the error keeps the password to itself`, () => {
    assert.throws(
      () => openMailer({ smtpUrl: url, outboxDir: '/nowhere', ...sender }),
      (error) => {
        assert.ok(error instanceof UnusableMailServer)
        assert.match(error.message, message)
        assert.ok(!JSON.stringify([error.message, error.stack, { ...error }]).includes('secret'))
        return true
      },
    )
  })
}

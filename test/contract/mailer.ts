import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import PostalMime, { type Email } from 'postal-mime'
import type { Letter } from '../../src/core/model.ts'
import type { Mailer } from '../../src/core/ports.ts'

export interface OpenedMailer {
  readonly mailer: Mailer
  /** The messages that came out at the other end so far, byte for byte. */
  readonly arrived: () => Promise<readonly Buffer[]>
}

/** What the mailers under test are opened with. */
export const sender = { from: 'Larder <larder@files.example.org>', publicUrl: () => 'https://files.example.org/box' }

export const letters = {
  reset: {
    to: 'ada@example.org',
    purpose: 'reset',
    path: '/app/reset?token=Zk3vJq8sT1xW-0aB9cD_eF7gH2iJ4kL6mN5oP8qR1sT',
    expiresAt: Date.UTC(2026, 4, 3, 14, 5, 59),
  },
  code: { to: 'grace@example.org', purpose: 'code', code: '049213', expiresAt: Date.UTC(2026, 4, 3, 14, 5) },
} satisfies Record<string, Letter>

export const parsed = (message: Uint8Array): Promise<Email> => PostalMime.parse(message)

/** What every mailer promises, wherever it takes letters. */
export function mailerContract(name: string, open: (t: TestContext) => Promise<OpenedMailer>): void {
  const promise = (sentence: string, check: (opened: OpenedMailer) => Promise<void>): void => {
    test(`${name}: ${sentence}`, async (t) => check(await open(t)))
  }

  promise('a letter arrives at its reader, in both forms, from the configured sender', async ({ mailer, arrived }) => {
    await mailer.send(letters.reset, 'one')
    const mails = await Promise.all((await arrived()).map(parsed))
    assert.equal(mails.length, 1)
    const [mail] = mails as [Email]
    assert.deepEqual(mail.from, { name: 'Larder', address: 'larder@files.example.org' })
    assert.deepEqual(mail.to, [{ name: '', address: 'ada@example.org' }])
    assert.equal(mail.subject, 'Choose a new password')
    const url = `https://files.example.org/box${letters.reset.path}`
    assert.ok(mail.text?.split(/\r?\n/).includes(url), mail.text)
    assert.ok(mail.html?.includes(`href="${url}"`), mail.html)
    assert.deepEqual(mail.attachments, [])
  })

  promise('a letter says by itself that a machine wrote it', async ({ mailer, arrived }) => {
    await mailer.send(letters.code, 'one')
    const [mail] = (await Promise.all((await arrived()).map(parsed))) as [Email]
    const header = (key: string) => mail.headers.find((one) => one.key === key)?.value
    assert.equal(header('auto-submitted'), 'auto-generated')
    assert.ok(Math.abs(Date.now() - Date.parse(mail.date ?? '')) < 60_000)
  })

  promise('a second try has the Message-ID of the first, and another letter has its own', async (opened) => {
    const { mailer, arrived } = opened
    const idsNow = async () => (await Promise.all((await arrived()).map(parsed))).map((mail) => mail.messageId)
    await mailer.send(letters.reset, 'one')
    const [first] = await idsNow()
    assert.equal(first, '<one@files.example.org>')
    await mailer.send(letters.reset, 'one')
    await mailer.send(letters.code, 'two')
    assert.deepEqual([...new Set(await idsNow())].sort(), [first, '<two@files.example.org>'])
  })

  promise('several letters at once all arrive', async ({ mailer, arrived }) => {
    const readers = ['ada', 'grace', 'hedy', 'mary'].map((who) => `${who}@example.org`)
    await Promise.all(readers.map((to) => mailer.send({ ...letters.code, to }, to.replace('@', '_'))))
    const mails = await Promise.all((await arrived()).map(parsed))
    assert.deepEqual(mails.map((mail) => mail.to?.[0]?.address).sort(), readers)
  })

  promise('an address is one reader, whatever it looks like', async ({ mailer, arrived }) => {
    const to = '"ada,mallory"@example.org'
    await mailer.send({ ...letters.code, to }, 'one')
    const [message] = await arrived()
    assert.match(String(message), /^To: <?"ada,mallory"@example\.org>?\r$/m)
  })

  promise('a link can be copied out of the message as it is', async ({ mailer, arrived }) => {
    await mailer.send(letters.reset, 'one')
    const lines = String((await arrived())[0]).split('\r\n')
    assert.ok(lines.includes(`https://files.example.org/box${letters.reset.path}`))
    assert.ok(lines.every((line) => line.length <= 998 && !/[^\x20-\x7e\t]/.test(line)))
  })

  promise('closing twice does nothing more', async ({ mailer }) => {
    await mailer.close()
    await mailer.close()
  })
}

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openMailer } from '../../src/mail/index.ts'
import { letters, mailerContract, parsed, sender } from '../contract/mailer.ts'
import { temporaryFolder } from '../support/app.ts'

async function openOutbox(t: TestContext) {
  const outboxDir = join(await temporaryFolder(t), 'data', 'outbox')
  const reports: string[] = []
  const report = (message: string): void => void reports.push(message)
  const mailer = openMailer({ smtpUrl: undefined, outboxDir, report, ...sender })
  const names = async (): Promise<string[]> => (await readdir(outboxDir)).sort()
  const arrived = async () => Promise.all((await names()).map((name) => readFile(join(outboxDir, name))))
  return { mailer, arrived, names, outboxDir, reports }
}

mailerContract('the outbox', openOutbox)

test('A letter is a file that nobody else may read, named by its time, its purpose and its id', async (t) => {
  const { mailer, names, outboxDir } = await openOutbox(t)
  const before = new Date().toISOString()
  await mailer.send(letters.reset, 'V1StGXR8_Z5jdHi6B-myT')
  const [name = '', ...others] = await names()
  assert.deepEqual(others, [])
  const [, time = ''] = /^(\d{8}T\d{9}Z)-reset-V1StGXR8_Z5jdHi6B-myT\.eml$/.exec(name) ?? []
  assert.ok(time >= before.replace(/[-:.]/g, ''), name)
  assert.equal((await stat(join(outboxDir, name))).mode & 0o777, 0o600)
  assert.equal((await stat(outboxDir)).mode & 0o777, 0o700)
})

test('The log is told where a letter is, and nothing of what it says or to whom', async (t) => {
  const { mailer, names, outboxDir, reports } = await openOutbox(t)
  await mailer.send(letters.reset, 'one')
  assert.deepEqual(reports, [`mail one (reset) is in ${join(outboxDir, (await names())[0] ?? '')}`])
})

test('The same letter again is the same file again', async (t) => {
  const { mailer, names, reports } = await openOutbox(t)
  await mailer.send(letters.reset, 'one')
  const first = await names()
  await mailer.send(letters.reset, 'one')
  assert.deepEqual(await names(), first)
  assert.equal(reports[1], reports[0])
  await mailer.send(letters.reset, 'two')
  assert.equal((await names()).length, 2)
})

test('An id cannot lead out of the folder', async (t) => {
  const { mailer, names } = await openOutbox(t)
  await mailer.send(letters.code, '../../etc/passwd')
  assert.match((await names())[0] ?? '', /Z-code-______etc_passwd\.eml$/)
})

test('What a crash left half written is replaced, and no try leaves anything but the letter', async (t) => {
  const { mailer, names, arrived, outboxDir } = await openOutbox(t)
  await mailer.send(letters.code, 'one')
  const [name = ''] = await names()
  await writeFile(join(outboxDir, `${name}.tmp`), 'x'.repeat(100_000))
  await mailer.send(letters.code, 'one')
  assert.deepEqual(await names(), [name])
  assert.equal((await parsed((await arrived())[0] as Buffer)).subject, '049213 is your Larder code')
})

test('Where the folder cannot be written to, the letter is not sent, and nothing is left', async (t) => {
  const { mailer, outboxDir, reports } = await openOutbox(t)
  await mkdir(join(outboxDir, '..'), { recursive: true })
  await writeFile(outboxDir, 'a file, where the folder should be')
  await assert.rejects(mailer.send(letters.code, 'one'), { code: 'EEXIST' })
  assert.deepEqual(reports, [])
})

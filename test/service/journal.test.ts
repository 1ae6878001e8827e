import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder, upload } from '../support/app.ts'
import { keyIn, runLarder, startServer } from '../support/process.ts'
import { until } from '../support/state.ts'

/** How systemd says that what is printed goes to the journal: by naming the stream. */
const asJournal = ['sh', '-c', 'JOURNAL_STREAM=$(stat -Lc %d:%i /proc/$$/fd/1) exec "$@"', 'sh']

test('A first start whose output the journal keeps makes no key that nobody sees, and says how to get one', async (t) => {
  const folder = await temporaryFolder(t)
  const server = await startServer(t, folder, { wrap: asJournal })
  await until('it to serve', () => server.output().includes('"serving"'))
  assert.equal(keyIn(server.output()), '')
  assert.doesNotMatch(server.output(), /token=/)
  const larder = `runuser -u \\S+ -- larder --data-dir ${folder}`
  assert.match(
    server.output(),
    new RegExp(`To begin, as root:\n.*\n    ${larder} user setup-link\n.*\n    ${larder} key create\n`),
  )
  const keys = async (): Promise<string> => (await runLarder(['key', 'list', '--data-dir', folder])).stdout
  assert.doesNotMatch(await keys(), /first start/)
  const link = await runLarder(['user', 'setup-link', '--data-dir', folder])
  assert.match(link.stdout, /\/app\/set-up\?token=/)
  const { code, stdout } = await runLarder(['key', 'create', '--quiet', '--data-dir', folder])
  assert.equal(code, 0)
  assert.equal((await upload({ url: server.url, key: stdout.trim() }, 'by the first key')).size, 16)
})

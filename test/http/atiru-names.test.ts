import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { type FileBody, sendRaw } from '../support/atiru.ts'
import { fileNameIn } from '../support/disposition.ts'
import { thisFile } from '../support/shared.ts'

const app = await openTestApp(thisFile)
const body = Buffer.from('x')

/** The name as it goes over the wire: text is sent in UTF-8, byte for byte. */
async function stored(name: string | Uint8Array | undefined, type = 'text/plain'): Promise<FileBody> {
  const bytes = name === undefined ? undefined : Buffer.from(name).toString('latin1')
  const headers = { 'Content-Type': type, 'Content-Length': 1, ...(bytes !== undefined && { 'x-file-name': bytes }) }
  const answer = await sendRaw(app, headers, body)
  answer.connection.destroy()
  assert.equal(answer.status, 201, answer.body.error)
  return answer.body.file
}

const names: [sent: string, name: string][] = [
  ['example.png', 'example.png'],
  ['two words.txt', 'two words.txt'],
  ['Grüße.txt', 'Grüße.txt'],
  ['Gr%C3%BC%C3%9Fe.txt', 'Grüße.txt'],
  ['日本語.txt', '日本語.txt'],
  ['%E6%97%A5%E6%9C%AC.txt', '日本.txt'],
  ['🦫.txt', '🦫.txt'],
  ['100%.txt', '100%.txt'],
  ['100%25.txt', '100%.txt'],
  ['a+b.txt', 'a+b.txt'],
  ['%zz.txt', '%zz.txt'],
  ['%ff.txt', '%ff.txt'],
  ['/etc/passwd', 'passwd'],
  ['..%2F..%2Fetc%2Fpasswd', 'passwd'],
  ['C:\\Users\\ada\\a.txt', 'a.txt'],
  ['a/b\\c.txt', 'c.txt'],
  ['%00a%0Ab%0D%1F%7F.txt', 'ab.txt'],
  ['%C2%85next-line', 'next-line'],
  ['  spaces around  ', 'spaces around'],
  ['"quoted"', '"quoted"'],
  ['<script>.html', '<script>.html'],
  ['.hidden', '.hidden'],
]

for (const [sent, name] of names) {
  test(`The name ${JSON.stringify(sent)} is kept as ${JSON.stringify(name)}, and a download has it`, async () => {
    const file = await stored(sent)
    assert.equal(file.name, name)
    const answer = await fetch(`${app.url}/d/${file.file_id}`, { method: 'HEAD' })
    assert.equal(fileNameIn(answer.headers.get('content-disposition') ?? ''), name)
  })
}

test('Bytes that are no UTF-8 are read as Latin-1, as header fields are', async () => {
  assert.equal((await stored(Buffer.from([0x47, 0xfc, 0x2e, 0x74]))).name, 'Gü.t')
})

test('A file without a name is called by its handle and the extension of its type', async () => {
  const types: [string, string][] = [
    ['text/plain', '.txt'],
    ['text/csv; charset=utf-8', '.csv'],
    ['application/json', '.json'],
    ['application/octet-stream', '.bin'],
    ['image/x-nobody-knows', ''],
  ]
  for (const [type, extension] of types) {
    for (const name of [undefined, '', '   ']) {
      const file = await stored(name, type)
      assert.equal(file.name, file.file_id + extension, `${type} ${name}`)
    }
  }
})

test('Where nothing of a name is left, the handle is the name', async () => {
  for (const name of ['.', '..', 'folder/', '/', '\\', '%00', '%2E%2E', 'a/..']) {
    const file = await stored(name)
    assert.equal(file.name, file.file_id, name)
  }
})

test('A very long name is cut to 1,024 bytes, between two characters', async () => {
  assert.equal((await stored('x'.repeat(1_024))).name.length, 1_024)
  assert.equal((await stored('x'.repeat(5_000))).name, 'x'.repeat(1_024))
  assert.equal((await stored('ü'.repeat(600))).name, 'ü'.repeat(512))
  assert.equal((await stored(`x${'🦫'.repeat(300)}`)).name, `x${'🦫'.repeat(255)}`)
})

test('Two files of one name are two files, and both keep it', async () => {
  const [one, two] = [await stored('twice.txt'), await stored('twice.txt')]
  assert.deepEqual([one.name, two.name], ['twice.txt', 'twice.txt'])
  const { read } = app.catalogue
  const paths = await Promise.all(
    [one, two].map(async ({ file_id: id }) => read.pathOf((await read.file(id))?.entryId ?? '')),
  )
  assert.deepEqual(paths, ['twice.txt', `twice-${two.file_id}.txt`])
})

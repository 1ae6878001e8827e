import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestApp, upload } from './support/app.ts'

test('A file that was uploaded comes back byte for byte', async (t) => {
  const app = await openTestApp(t)
  const bytes = Buffer.from('every byte counts')
  const file = await upload(app, bytes, 'count.txt')
  const response = await fetch(file.url)
  assert.equal(response.status, 200)
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes)
})

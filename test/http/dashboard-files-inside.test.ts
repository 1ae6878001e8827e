import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disk } from '../../src/blobs/disk.ts'
import { formOf, pageText, signedIn, type Visitor } from '../support/dashboard.ts'
import { openInnerApp } from '../support/inner-app.ts'

/** The files of the list, as the page has them: one piece of markup each. */
async function rowsOf(visitor: Visitor, path = '/app/'): Promise<string[]> {
  const markup = await (await visitor.get(path)).text()
  return markup.split(/<li class="file" id="file-[\w-]{16}">/).slice(1)
}

test('A full disk is told in words, and what is stored stays', async (t) => {
  let isFull = false
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  const write: typeof disk.write = (...args) => (isFull ? Promise.reject(full) : disk.write(...args))
  const app = await openInnerApp(t, {}, { disk: { ...disk, write } })
  const visitor = await signedIn(app)
  await visitor.post('/app/upload', formOf([{ name: 'kept.txt', bytes: 'kept' }]))
  isFull = true
  const page = await pageText(await visitor.post('/app/upload', formOf([{ name: 'a.txt', bytes: 'a' }])), 507)
  assert.match(page, /disk is full Nothing of this was kept/)
  assert.equal((await rowsOf(visitor)).length, 1)
})

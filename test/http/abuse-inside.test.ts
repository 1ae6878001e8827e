import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { formWith, withKey } from '../support/app.ts'
import { openInnerApp } from '../support/inner-app.ts'

test('where the catalogue cannot be read nobody is let in, and the server lives on', async (t) => {
  const app = await openInnerApp(t)
  const refresh = app.catalogue.refresh
  app.core.catalogue.refresh = () => {
    throw new Error('disk I/O error')
  }
  assert.equal((await fetch(`${app.url}/api/v1/files`, { headers: withKey(app.key) })).status, 503)
  app.core.catalogue.refresh = refresh
  assert.equal((await fetch(`${app.url}/api/v1/files`, { headers: withKey(app.key) })).status, 200)
})

test('an upload whose row could not be committed keeps its bytes, since the row may come back', async (t) => {
  const app = await openInnerApp(t)
  app.catalogue.write.publishFiles = async () => {
    throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
  }
  const response = await fetch(`${app.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: withKey(app.key),
    body: formWith('kept'),
  })
  assert.equal(response.status, 500)
  const names = await readdir(join(app.folder, 'blobs', 'sha256'), { recursive: true })
  assert.equal(names.filter((name) => /[0-9a-f]{64}$/.test(name)).length, 1)
})

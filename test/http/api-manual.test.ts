import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { aether } from '../../src/http/aether/index.ts'
import { doors } from '../../src/http/application.ts'
import { atiru } from '../../src/http/atiru/index.ts'
import { identity } from '../../src/http/identity/index.ts'
import { apiMarkdown } from '../../src/http/reference/manual.ts'
import { requestedLinks, sharedLinks, storage } from '../../src/http/storage/index.ts'

const page = new URL('../../docs/api.md', import.meta.url)
const titled = [
  { title: 'Atiru, at the root', ...atiru },
  { title: 'AetherCDN, at /api/v1', ...aether },
  { title: 'Storage, at /storage', ...storage },
  { title: 'Links of shares, at /s', ...sharedLinks },
  { title: 'Links that ask for files, at /r', ...requestedLinks },
  { title: 'Identity (Unturned), at /identity', ...identity },
]

test('docs/api.md is what the tables of routes say', () => {
  const text = apiMarkdown(titled)
  if (process.env.UPDATE_DOCS) writeFileSync(page, text)
  assert.equal(readFileSync(page, 'utf8'), text)
})

test('the page has every route of every door', () => {
  const text = readFileSync(page, 'utf8')
  assert.deepEqual(titled.map(({ name }) => name).sort(), doors.map(({ name }) => name).sort())
  for (const { base, routes } of doors) {
    for (const { method, path } of routes)
      assert.ok(text.includes(`\`${method.toUpperCase()} ${base}${path.replace(/[:*](\w+)/g, '{$1}')}\``), path)
  }
})

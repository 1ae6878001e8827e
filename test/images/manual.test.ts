import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { imagesMarkdown } from '../../src/images/index.ts'
import { optionNames, options } from '../../src/images/options.ts'

const page = new URL('../../docs/images.md', import.meta.url)

test('docs/images.md is what the tables say', () => {
  if (process.env.UPDATE_DOCS) writeFileSync(page, imagesMarkdown())
  assert.equal(readFileSync(page, 'utf8'), imagesMarkdown())
})

test('the page has every option, with its short names and its sentence', () => {
  const text = imagesMarkdown()
  for (const name of optionNames) {
    const { aliases, sentence } = options[name]
    for (const part of [name, ...aliases]) assert.ok(text.includes(`\`${part}\``), part)
    assert.ok(text.includes(sentence), name)
  }
})

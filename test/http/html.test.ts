import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html } from '../../src/http/html.ts'
import { sizeInWords } from '../../src/http/words.ts'

test('What is put into a template is text, whatever it looks like', () => {
  const name = `"><script>alert('1')</script>&amp;`
  assert.equal(
    html`<a title="${name}">${name}</a>`.text,
    '<a title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;">&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;</a>',
  )
})

test('Templates nest and lists are joined, without being escaped twice', () => {
  const items = ['<1>', '2'].map((item) => html`<li>${item}</li>`)
  assert.equal(html`<ul>${items}</ul>`.text, '<ul><li>&lt;1&gt;</li><li>2</li></ul>')
})

test('Nothing and false leave nothing behind; nought is a number', () => {
  assert.equal(html`[${undefined}${null}${false}${''}${0}]`.text, '[0]')
})

test('An object that only looks like markup is not taken for it', () => {
  const forged = { text: '<script>' } as unknown as string
  assert.equal(html`${forged}`.text, '[object Object]')
})

test('Sizes are told in the largest unit that leaves something before the point', () => {
  const sizes: readonly (readonly [number, string])[] = [
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_000, '1 KB'],
    [1_536, '1.5 KB'],
    [1_048_000, '1 MB'],
    [120_000_000, '114 MB'],
    [5 * 1024 ** 3, '5 GB'],
    [3_000 * 1024 ** 5, '3000 PB'],
  ]
  for (const [bytes, words] of sizes) assert.equal(sizeInWords(bytes), words)
})

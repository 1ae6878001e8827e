import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireProcessor } from '../../src/images/processor.ts'

const core2 = 'processor\t: 0\nflags\t\t: fpu cx8 sse sse2 pni ssse3 cx16 lahf_lm\nbugs\t\t:\n'

test('A processor that the libraries would end the server on is named before they are loaded', () => {
  assert.throws(() => requireProcessor(core2), /x86-64-v2 .* lacks popcnt, sse4_1, sse4_2, or a virtual machine hides/)
  requireProcessor(core2.replace('ssse3', 'ssse3 sse4_1 sse4_2 popcnt avx'))
})

test('Where nothing tells of a processor it is tried', () => {
  requireProcessor('')
  requireProcessor()
})

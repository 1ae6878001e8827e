import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { requireProcessor } from '../../src/images/processor.ts'
import { temporaryFolder } from '../support/app.ts'

const core2 = 'processor\t: 0\nflags\t\t: fpu cx8 sse sse2 pni ssse3 cx16 lahf_lm\nbugs\t\t:\n'
const skip = process.arch !== 'x64' && 'this is told of x86-64 alone'

test('A processor that the libraries would end the server on is named before they are loaded', { skip }, async (t) => {
  const path = join(await temporaryFolder(t), 'cpuinfo')
  await writeFile(path, core2)
  assert.throws(() => requireProcessor(path), /x86-64-v2 .* lacks popcnt, sse4_1, sse4_2, or a virtual machine hides/)
  await writeFile(path, core2.replace('ssse3', 'ssse3 sse4_1 sse4_2 popcnt avx'))
  requireProcessor(path)
})

test('Where nothing tells of a processor it is tried', () => {
  requireProcessor('/nowhere/cpuinfo')
  requireProcessor('/dev/null')
  requireProcessor()
})

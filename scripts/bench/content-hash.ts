/**
 * Asks whether a start of an upload with `content_hash` tells one account what another has: by its time. Hashes of files that
 * another account has and hashes that nobody has are asked in turn; the statistic is the share of pairs in which the former took
 * longer (Mann and Whitney's U over the number of pairs). 0.5 means that nothing can be told.
 *
 *   node scripts/bench/content-hash.ts [--samples 3000]
 */
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startLarder } from './tools.ts'

const larder = fileURLToPath(new URL('../larder.mjs', import.meta.url))
const files = 200

/** The share of pairs in which one of the first is larger; equal ones count half. */
function shareLarger(first: readonly number[], second: readonly number[]): number {
  const ordered = [...second].sort((one, other) => one - other)
  let larger = 0
  for (const value of first) {
    let [low, high] = [0, ordered.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ordered[middle] ?? 0) < value) low = middle + 1
      else high = middle
    }
    larger += low
  }
  return larger / (first.length * second.length)
}

const { values } = parseArgs({ options: { samples: { type: 'string' } } })
const samples = Number(values.samples ?? 3_000)
const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'larder-hash-'))
try {
  const served = await startLarder(folder)
  const run = (args: string[], input = ''): string =>
    execFileSync(process.execPath, [larder, ...args, '--data-dir', folder], { input, encoding: 'utf8' }).trim()
  run(['user', 'add', '--email', 'other@example.org', '--password-stdin'], 'correct horse\n')
  const stranger = run(['key', 'create', '--account', 'other@example.org', '--quiet'])
  const hashes: string[] = []
  for (let n = 0; n < files; n++) {
    const bytes = randomBytes(1_000)
    hashes.push(createHash('sha256').update(bytes).digest('hex'))
    const headers = { Authorization: `Bearer ${served.key}`, 'Content-Type': 'application/octet-stream' }
    await fetch(`${served.url}/storage/files/file-${n}`, { method: 'PUT', headers, body: bytes })
  }
  const ask = async (hash: string): Promise<{ ms: number; answer: string }> => {
    const began = performance.now()
    const response = await fetch(`${served.url}/storage/files/uploads`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${stranger}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ path: 'probe', content_hash: hash }),
    })
    const { url, ...rest } = (await response.json()) as { url?: string }
    return { ms: performance.now() - began, answer: `${response.status} ${url !== undefined} ${JSON.stringify(rest)}` }
  }
  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
  const answers = new Set<string>()
  for (let n = 0; n < 2 * samples + 200; n++) {
    const kind = Math.random() < 0.5 ? 'known' : 'unknown'
    const hash = kind === 'known' ? (hashes[n % files] ?? '') : randomBytes(32).toString('hex')
    const { ms, answer } = await ask(hash)
    answers.add(answer)
    // The first ones are for warming up.
    if (n >= 200) times[kind].push(ms)
  }
  const { known, unknown } = times
  const error = Math.sqrt((known.length + unknown.length + 1) / (12 * known.length * unknown.length))
  console.log(`answers: ${[...answers].join(' | ')}`)
  console.log(`${known.length} hashes that another has, ${unknown.length} that nobody has`)
  console.log(
    `share of pairs in which the former took longer: ${shareLarger(known, unknown).toFixed(4)}, standard error ${error.toFixed(4)}`,
  )
  await served.stop()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

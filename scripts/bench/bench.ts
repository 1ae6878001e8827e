/**
 * Measures what docs/performance.md speaks of: each figure beside something bare that does the same work on the same
 * machine in the same run, because the machine decides the absolute ones. Prints a table and fails on nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hotFile, largeFile } from './delivery.ts'
import { median, type Row, residentMiB, type Served, startLarder } from './tools.ts'
import { largeUpload, readsBesideUploads } from './uploads.ts'

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'larder-bench-'))

async function starts(): Promise<Row[]> {
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const served = await startLarder(join(folder, 'data'))
    times.push(served.firstAnswerMs)
    if (round === 0) first = served
    await served.stop()
  }
  return [{ what: 'start to first answer', measured: `${median(times).toFixed(0)} ms`, aim: '500 ms' }]
}

let first: Served | undefined

function print(rows: readonly Row[]): void {
  for (const { what, measured, aim } of rows)
    console.log(`${what.padEnd(46)} ${measured}${aim === '' ? '' : `   (aim: ${aim})`}`)
}

const memory = async (what: string, { pid }: Served): Promise<Row[]> => [
  { what, measured: `${(await residentMiB(pid)).toFixed(0)} MiB`, aim: '' },
]

try {
  print(await starts())
  const served = { ...(await startLarder(join(folder, 'data'))), key: first?.key ?? '' }
  print(await memory('memory, idle', served))
  print(await hotFile(served))
  print(await largeFile(served, folder))
  print(await largeUpload(served, folder))
  print(await readsBesideUploads(served))
  print(await memory('memory, afterwards', served))
  await served.stop()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * Measures a store of a million files beside one of a thousand, over HTTP: what a request takes must not depend on how much is
 * there. Moves and deletes a folder of a hundred thousand files, and tells how long a small GET and a small PUT waited meanwhile.
 *
 *   node scripts/bench/million.ts [--files 1000000] [--folders 100000] [--movable 100000]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeStore, type StoreSizes } from '../make-store.ts'
import { median, residentMiB, type Served, startLarder } from './tools.ts'

interface Store {
  readonly sizes: StoreSizes
  readonly served: Served
  readonly key: string
}

const rounds = 15

const headers = ({ key }: Store) => ({ Authorization: `Bearer ${key}` })

async function ask(store: Store, path: string): Promise<unknown> {
  const response = await fetch(`${store.served.url}/storage${path}`, { headers: headers(store) })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** The median of some rounds, in milliseconds; the first is for warming up. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now()
    await work()
    if (round > 0) times.push(performance.now() - began)
  }
  return median(times)
}

/** A cursor in the middle of a folder: after a name, as a page would have given it. */
const middle = (kind: string, name: string): string => Buffer.from(JSON.stringify([kind, name])).toString('base64url')
const padded = (n: number): string => String(Math.floor(n)).padStart(7, '0')

const questions: Record<string, (sizes: StoreSizes) => string> = {
  'list: first page of the large folder': () => '/files?prefix=flat/&limit=200',
  'list: a page in its middle, by cursor': ({ files }) =>
    `/files?prefix=flat/&limit=200&cursor=${middle('file', `photo flat${padded(files / 2)}.txt`)}`,
  'list: a page in its middle, by offset': ({ files }) =>
    `/files?prefix=flat/&limit=200&offset=${Math.floor(files / 2)}`,
  'list: root, a page of its folders, by cursor': ({ folders }) =>
    `/files?limit=200&cursor=${middle('folder', `folder-${padded(folders / 2)}`)}`,
  'search: a word that is in every name': () => '/files/search?q=photo',
  'search: a start that all words share': () => '/files/search?q=flat0',
  'search: two words that are in every name': () => '/files/search?q=photo+txt',
  'search: one file': ({ files }) => `/files/search?q=flat${padded(files / 3)}`,
  'search: a folder and a word in it': () => '/files/search?q=movable+photo',
  'search: nothing': () => '/files/search?q=zebra',
  stats: () => '/files/stats',
  'log: newest': () => '/files/log?limit=50',
  'log: of the large folder': () => '/files/log?path=flat/&limit=50',
  'log: of one file': ({ files }) => `/files/log?path=flat/photo+flat${padded(files / 2)}.txt`,
  'log: after a transaction in the middle': ({ files }) => `/files/log?since_tx=${Math.floor(files / 2)}&limit=50`,
}

async function download(store: Store): Promise<void> {
  const name = encodeURIComponent(`photo flat${padded(store.sizes.files / 2)}.txt`)
  await (await fetch(`${store.served.url}/storage/files/flat/${name}`, { headers: headers(store) })).arrayBuffer()
}

/** Does something, and tells how long it took and how long others waited at most, in milliseconds. */
async function beside(
  store: Store,
  work: () => Promise<unknown>,
): Promise<{ tookMs: number; getMs: number; putMs: number }> {
  let isOver = false
  const longest = async (one: (n: number) => Promise<Response>): Promise<number> => {
    let most = 0
    for (let n = 0; !isOver || n === 0; n++) {
      const began = performance.now()
      await (await one(n)).arrayBuffer()
      most = Math.max(most, performance.now() - began)
    }
    return most
  }
  const { url } = store.served
  const name = encodeURIComponent(`photo flat${padded(1)}.txt`)
  const get = longest(() => fetch(`${url}/storage/files/flat/${name}`, { headers: headers(store), redirect: 'manual' }))
  const put = longest((n) =>
    fetch(`${url}/storage/files/beside/${n % 10}.txt`, { method: 'PUT', headers: headers(store), body: 'x' }),
  )
  const began = performance.now()
  await work()
  const tookMs = performance.now() - began
  // What was set off goes on for a moment: rows of a deleted folder are swept after the answer.
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  isOver = true
  return { tookMs, getMs: await get, putMs: await put }
}

async function change(store: Store, method: string, path: string, json?: object): Promise<void> {
  const response = await fetch(`${store.served.url}/storage${path}`, {
    method,
    headers: { ...headers(store), 'Content-Type': 'application/json' },
    ...(json && { body: JSON.stringify(json) }),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
}

async function open(folder: string, sizes: StoreSizes): Promise<Store> {
  const began = performance.now()
  const key = await makeStore(folder, sizes)
  console.log(`made ${sizes.files} files in ${((performance.now() - began) / 1_000).toFixed(0)} s`)
  return { sizes, key, served: await startLarder(folder) }
}

const ms = (value: number): string => `${value.toFixed(1)} ms`

const number = { type: 'string' } as const
const { values } = parseArgs({ options: { files: number, folders: number, movable: number } })
const { files = '1000000', folders = '100000', movable = '100000' } = values
const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'larder-million-'))
try {
  const small = await open(join(folder, 'small'), { files: 1_000, folders: 100, movable: 100 })
  const large = await open(join(folder, 'large'), {
    files: Number(files),
    folders: Number(folders),
    movable: Number(movable),
  })
  const line = (what: string, one: number, other: number): void =>
    console.log(`${what.padEnd(46)} ${ms(one).padStart(10)} ${ms(other).padStart(10)}   ${(other / one).toFixed(2)} x`)
  line('start to first answer', small.served.firstAnswerMs, large.served.firstAnswerMs)
  for (const [what, pathOf] of Object.entries(questions)) {
    line(what, await timeOf(() => ask(small, pathOf(small.sizes))), await timeOf(() => ask(large, pathOf(large.sizes))))
  }
  line('download', await timeOf(() => download(small)), await timeOf(() => download(large)))
  console.log(`memory: ${(await residentMiB(large.served.pid)).toFixed(0)} MiB`)
  const tell = (what: string, { tookMs, getMs, putMs }: Awaited<ReturnType<typeof beside>>): void =>
    console.log(`${what.padEnd(46)} ${ms(tookMs)}; longest GET beside it ${ms(getMs)}, longest PUT ${ms(putMs)}`)
  await beside(large, async () => {})
  tell('nothing, for comparison', await beside(large, async () => {}))
  const move = () => change(large, 'POST', '/files/move', { from: 'movable/', to: 'moved/far/' })
  tell(`moving a folder of ${movable} files`, await beside(large, move))
  tell(`deleting it`, await beside(large, () => change(large, 'DELETE', '/files/moved/far/')))
  await small.served.stop()
  await large.served.stop()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

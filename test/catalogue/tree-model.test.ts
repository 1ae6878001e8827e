import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { wordsOf } from '../../src/catalogue/words.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { HistoryEvent, PathEntry } from '../../src/core/model.ts'
import { isFolderPath, lastSegment, parentPath, segmentsOf } from '../../src/core/paths.ts'
import { newAccount, openTestCatalogue, publication, putting } from '../support/catalogue.ts'
import { thisFile } from '../support/shared.ts'
import { TreeModel } from './tree-model.ts'

const { catalogue } = await openTestCatalogue(thisFile)
const { read, write } = catalogue

/** Numbers that look random, and are the same each time (mulberry32). */
function randomNumbers(seed: number) {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return { below: (limit: number) => Math.floor(next() * limit) }
}

type Wish = Pick<HistoryEvent, 'action' | 'path' | 'target'> & { readonly size: number }

/** A change of a tree with few names, so that much of it meets. */
function someChange({ below }: ReturnType<typeof randomNumbers>): Wish {
  const segments = () => Array.from({ length: 1 + below(3) }, () => ['a', 'b', 'é', 'log'][below(4)] as string)
  const isFolder = below(2) === 0
  // What is a route's is no path, and never comes here.
  const path = (folder: boolean) => segments().join('/').replace(/^log$/, 'a') + (folder ? '/' : '')
  const action = (['put', 'put', 'put', 'put', 'mkdir', 'move', 'move', 'delete'] as const)[below(8)] ?? 'put'
  const ofFolder = action === 'mkdir' || (action !== 'put' && isFolder)
  return { action, path: path(ofFolder), target: action === 'move' ? path(ofFolder) : null, size: below(100) }
}

/** Does it by paths. */
async function byPath(accountId: string, { action, path, target, size }: Wish) {
  const change = { accountId, prefix: null, message: 'm', now: 5, path }
  if (action === 'put') return write.putFile(putting(accountId, path, size))
  if (action === 'mkdir') return write.makeFolderAt(change)
  if (action === 'move') return write.moveEntry({ ...change, from: path, to: target ?? '' })
  return write.deleteEntry(change)
}

/** Does it as doors do that know no paths: by the ids of what is there. Overwriting and making folders on the way they cannot. */
async function byId(accountId: string, { action, path, target, size }: Wish): Promise<unknown> {
  const common = { accountId, prefix: null, now: 6 }
  const folderAt = async (folder: string) => (await read.folderAt(accountId, segmentsOf(folder)))?.id ?? 'none'
  const segments = segmentsOf(parentPath(path))
  if (action === 'put') return write.publishFiles(publication(accountId, lastSegment(path), size, { segments }))
  const name = lastSegment(target ?? path)
  if (action === 'mkdir') return write.createFolder({ ...common, id: randomUUID(), parent: { segments }, name })
  const to = action === 'move' ? await folderAt(parentPath(target ?? '')) : ''
  if (isFolderPath(path)) {
    const folder = { ...common, folderId: await folderAt(path) }
    return action === 'move'
      ? write.changeFolder({ ...folder, parentId: to, name })
      : write.deleteFolder({ ...folder, recursive: true })
  }
  const file = { ...common, fileId: (await read.entryAt(accountId, path))?.file?.fileId ?? 'none' }
  return action === 'move'
    ? write.changeFile({ ...file, folderId: to, name, segments: [name] })
    : write.deleteFile(file)
}

async function outcome(change: Promise<unknown>): Promise<string> {
  try {
    await change
    return 'done'
  } catch (error) {
    if (!isFailure(error)) throw error
    return error.code
  }
}

/** Everything there is, found by listing one level after the other, two entries at a time. */
async function walk(accountId: string, folder = ''): Promise<PathEntry[]> {
  const found: PathEntry[] = []
  for (let offset = 0; ; offset += 2) {
    const { entries, more } = await read.list({ accountId, folder, limit: 2, offset })
    found.push(...entries)
    if (!more) break
  }
  const below = found.filter((entry) => entry.file === null).map((entry) => walk(accountId, entry.path))
  return [...found, ...(await Promise.all(below)).flat()]
}

/** The log from its first transaction on, a page at a time; its numbers have no gaps. */
async function wholeLog(accountId: string): Promise<HistoryEvent[]> {
  const log: HistoryEvent[] = []
  for (;;) {
    const page = await read.history({ accountId, since: log.length, limit: 100 })
    for (const event of page) assert.equal(event.tx, log.push(event))
    if (page.length === 0) return log
  }
}

async function requireSame(accountId: string, model: TreeModel): Promise<void> {
  const found = await walk(accountId)
  const there = found.map(({ path, tx, file }) => [path, { size: file?.size ?? null, tx }] as const)
  const byText = (a: readonly [string, unknown], b: readonly [string, unknown]) => (a[0] < b[0] ? -1 : 1)
  assert.deepEqual(there.sort(byText), [...model.places].sort(byText))
  for (const entry of found) assert.deepEqual(await read.entryAt(accountId, entry.path), entry)
  const files = [...model.places.keys()].filter((path) => !isFolderPath(path))
  for (const word of ['a', 'b', 'e', 'log']) {
    const hits = await read.search({ accountId, folder: '', text: word, limit: 1_000 })
    const expected = files.filter((path) => wordsOf(path).some((one) => one.startsWith(word)))
    assert.deepEqual(hits.map((hit) => hit.path).sort(), expected.sort(), word)
  }
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

test(`Each change by paths comes out as in a plain model of the tree (SEED=${seed})`, async () => {
  const accountId = await newAccount(catalogue, `${randomUUID()}@example.org`)
  const random = randomNumbers(seed)
  const model = new TreeModel()
  for (let step = 0; step < 300; step++) {
    const wish = someChange(random)
    const isThere = wish.action === 'mkdir' && model.places.has(wish.path)
    const expected = isThere ? 'done' : (model.refusal(wish) ?? 'done')
    const counted = wish.action === 'delete' ? model.countOf(wish.path) : 0
    let said: unknown
    const change = byPath(accountId, wish).then((result) => {
      said = result
    })
    assert.equal(await outcome(change), expected, `${wish.action} ${wish.path} ${wish.target ?? ''}`)
    if (expected !== 'done' || isThere) continue
    const [event] = await read.history({ accountId, limit: 1 })
    assert.ok(event)
    assert.deepEqual([event.action, event.path, event.target], [wish.action, wish.path, wish.target])
    if (wish.action === 'delete') assert.deepEqual(said, { tx: event.tx, at: event.at, deleted: counted })
    model.apply(event)
  }
  await requireSame(accountId, model)
})

test(`Changes from sixteen sides at once, by paths and by ids, are what the log says (SEED=${seed})`, async () => {
  const accountId = await newAccount(catalogue, `${randomUUID()}@example.org`)
  const codes = new Set<string>()
  const side = async (n: number): Promise<number> => {
    const random = randomNumbers(seed + n)
    let done = 0
    for (let step = 0; step < 20; step++) {
      const change = n % 2 === 0 ? byPath(accountId, someChange(random)) : byId(accountId, someChange(random))
      const code = await outcome(change)
      if (code === 'done') done++
      else codes.add(code)
      if (step % 5 === 0) await write.sweepDetached({ limit: 3, now: 7 })
    }
    return done
  }
  const done = await Promise.all(Array.from({ length: 16 }, (_, n) => side(n)))
  const log = await wholeLog(accountId)
  const model = new TreeModel()
  for (const event of log) model.apply(event)
  await requireSame(accountId, model)
  while ((await write.sweepDetached({ limit: 50, now: 8 })).left);
  await requireSame(accountId, model)
  assert.ok(log.length <= done.reduce((sum, n) => sum + n, 0), 'nothing that was refused is in the log')
  assert.ok(
    [...codes].every((code) => ['conflict', 'invalid', 'not_found'].includes(code)),
    [...codes].join(),
  )
})

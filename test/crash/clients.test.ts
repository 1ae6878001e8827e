import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formWith, temporaryFolder, withKey } from '../support/app.ts'
import { keyIn, type RunningServer, startServer } from '../support/process.ts'
import { Replay } from '../support/replay.ts'
import { mustBeSound } from '../support/sound.ts'
import { type EventBody, put, type StorageAnswer, storage } from '../support/storage.ts'

/** How long the clients go on; longer for whoever looks for something. */
const seconds = Number(process.env.CLIENTS_SECONDS ?? 2)
const clients = 50
const unlimited = ['--set', 'limits.api=off', '--set', 'limits.upload=off']

const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T
/** Few names, so that everybody is in everybody's way. */
const segment = (): string => pick(['a', 'b', 'c'])
const filePath = (): string => Array.from({ length: pick([1, 2, 3]) }, segment).join('/')
const folderPath = (): string => `${filePath()}/`

/** What a client was told that happened. */
type Told = Pick<EventBody, 'tx' | 'action' | 'path' | 'to' | 'size'>

interface Run {
  server: RunningServer
  readonly key: string
  readonly told: Told[]
  readonly refused: Map<number, number>
  isOver: boolean
}

const me = ({ server: { url }, key }: Run) => ({ url, key })

/** One request at random; what is answered with success is noted. */
async function act(run: Run): Promise<void> {
  const note = ({ status, body }: StorageAnswer, action: string, told: Partial<Told>): void => {
    if (status >= 500) throw new Error(`${status} ${JSON.stringify(body)}`)
    if (status < 300) run.told.push({ tx: body.tx, action, path: '', size: null, ...told })
    else run.refused.set(status, (run.refused.get(status) ?? 0) + 1)
  }
  const [path, folder, size] = [filePath(), folderPath(), Math.floor(Math.random() * 2_000)]
  switch (pick(['put', 'put', 'put', 'move', 'move folder', 'mkdir', 'delete', 'delete folder'])) {
    case 'put':
      return note(await put(me(run), path, 'x'.repeat(size)), 'put', { path, size })
    case 'mkdir': {
      const answer = await storage(me(run), 'POST', '/files/mkdir', { json: { path: folder } })
      if (answer.status >= 500) throw new Error(String(answer.status))
      return
    }
    case 'move':
    case 'move folder': {
      const [from, to] = pick([
        [path, filePath()],
        [folder, folderPath()],
      ]) as [string, string]
      const answer = await storage(me(run), 'POST', '/files/move', { json: { from, to } })
      return note(answer, 'move', { path: from, to })
    }
    default: {
      const target = pick([path, folder])
      return note(await storage(me(run), 'DELETE', `/files/${target}`), 'delete', { path: target })
    }
  }
}

interface Listed {
  readonly files?: { id: string }[]
  readonly folders?: { id: string }[]
}

/** The same through AetherCDN's door, which knows no paths. */
async function actWithoutPaths(run: Run): Promise<void> {
  const headers = withKey(run.key)
  const call = async (method: string, path: string, body?: unknown): Promise<Listed> => {
    const sent = body instanceof FormData || body === undefined ? body : JSON.stringify(body)
    const type = sent === undefined || sent instanceof FormData ? {} : { 'Content-Type': 'application/json' }
    const response = await fetch(`${run.server.url}/api/v1${path}`, {
      method,
      headers: { ...headers, ...type },
      ...(sent !== undefined && { body: sent }),
    })
    if (response.status >= 500) throw new Error(`${response.status} ${await response.text()}`)
    return (await response.json()) as Listed
  }
  const { folders = [] } = await call('GET', '/folders?limit=100')
  const { files = [] } = await call('GET', '/files?limit=100')
  const [folder, file] = [
    folders.length > 0 ? pick(folders).id : undefined,
    files.length > 0 ? pick(files).id : undefined,
  ]
  const form = formWith('y'.repeat(Math.floor(Math.random() * 500)), segment())
  if (folder !== undefined) form.set('folderId', folder)
  const parent = folder === undefined ? {} : { parentId: folder }
  const choices = [
    () => call('POST', '/files/upload', form),
    () => call('POST', '/folders', { name: segment(), ...parent }),
    () => file && call('PATCH', `/files/${file}`, { name: segment(), folderId: folder ?? 'root' }),
    () => file && call('DELETE', `/files/${file}`),
    () => folder && call('PATCH', `/folders/${folder}`, { name: segment() }),
  ]
  await pick(choices)()
}

/** One client until it is told to stop. A server that is killed answers nothing, and is asked again once it is back. */
async function client(run: Run, actions: readonly ((run: Run) => Promise<void>)[]): Promise<void> {
  while (!run.isOver) {
    const { server } = run
    await pick(actions)(run).catch(async (error) => {
      if (server === run.server && !(error instanceof TypeError)) throw error
      await sleep(20)
    })
  }
}

async function logOf(run: Run): Promise<EventBody[]> {
  const events: EventBody[] = []
  for (;;) {
    const since = events.at(-1)?.tx ?? 0
    const { body } = await storage(me(run), 'GET', `/files/log?since_tx=${since}&limit=1000`)
    if (body.events.length === 0) return events
    events.push(...body.events)
  }
}

async function treeOf(run: Run, prefix = ''): Promise<{ files: Map<string, number>; folders: Set<string> }> {
  const [files, folders] = [new Map<string, number>(), new Set<string>()]
  const { body } = await storage(me(run), 'GET', `/files?prefix=${prefix}&limit=1000`)
  for (const { name, size } of body.entries) {
    if (!name.endsWith('/')) {
      files.set(prefix + name, size)
      continue
    }
    folders.add(prefix + name)
    const below = await treeOf(run, prefix + name)
    for (const [path, bytes] of below.files) files.set(path, bytes)
    for (const path of below.folders) folders.add(path)
  }
  return { files, folders }
}

const sorted = <T>(all: Iterable<T>): T[] => [...all].sort()

/** The log alone makes the tree that is there; whatever was answered stands in it; counters and disk agree. */
async function agrees(run: Run, folder: string): Promise<EventBody[]> {
  const events = await logOf(run)
  assert.deepEqual(
    events.map(({ tx }) => tx),
    events.map((_, n) => n + 1),
  )
  const model = new Replay()
  for (const event of events) model.apply(event)
  const tree = await treeOf(run)
  assert.deepEqual(sorted(tree.folders), sorted(model.folders))
  assert.deepEqual(sorted(tree.files), sorted(model.files))
  assert.deepEqual((await storage(me(run), 'GET', '/files/stats')).body, {
    files: model.files.size,
    bytes: model.bytes,
  })
  for (const { tx, action, path, to, size } of run.told) {
    const event = events[tx - 1]
    assert.deepEqual([event?.action, event?.path, event?.to], [action, path, to], `transaction ${tx}`)
    if (action === 'put') assert.equal(event?.size, size)
  }
  await mustBeSound(folder)
  return events
}

async function fiftyClients(t: TestContext, actions: readonly ((run: Run) => Promise<void>)[]): Promise<void> {
  const folder = await temporaryFolder(t)
  const server = await startServer(t, folder, { args: unlimited })
  const run: Run = { server, key: keyIn(server.output()), told: [], refused: new Map(), isOver: false }
  const all = Array.from({ length: clients }, () => client(run, actions))
  await sleep(seconds * 500)
  const killed = run.server.stop('SIGKILL')
  await killed
  run.server = await startServer(t, folder, { args: unlimited })
  await sleep(seconds * 500)
  run.isOver = true
  await Promise.all(all)
  const events = await agrees(run, folder)
  const refused = [...run.refused].map(([status, count]) => `${count} x ${status}`).join(', ')
  t.diagnostic(`${events.length} transactions, ${run.told.length} told of; refused: ${refused}`)
}

test('fifty clients at few names, the server killed in between: tree, counters and log agree, transactions without gaps', async (t) => {
  await fiftyClients(t, [act])
})

test('the same through two doors at once', async (t) => {
  await fiftyClients(t, [act, act, actWithoutPaths])
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formWith, temporaryFolder, withKey } from '../support/app.ts'
import { skipWithout } from '../support/needs.ts'
import { keyIn, startServer } from '../support/process.ts'

/** One system call of the trace: where in the trace it began, and where it had ended. */
interface Call {
  readonly name: string
  readonly text: string
  readonly began: number
  readonly ended: number
}

/** Reads what strace wrote: a call that another thread interrupts in the listing stands there in two pieces. */
function callsOf(trace: string): Call[] {
  const open = new Map<string, { name: string; text: string; began: number }>()
  const calls: Call[] = []
  for (const [at, line] of trace.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest)
    const name = /^(\w+)\(/.exec(rest)?.[1]
    if (resumed) {
      const first = open.get(thread)
      if (first) calls.push({ ...first, text: first.text + resumed[2], ended: at })
      open.delete(thread)
    } else if (name && rest.includes('<unfinished ...>')) {
      open.set(thread, { name, text: rest, began: at })
    } else if (name) {
      calls.push({ name, text: rest, began: at, ended: at })
    }
  }
  return calls
}

test('strace of one upload shows file, folders and catalogue synced before the answer is written', async (t) => {
  if (skipWithout(t, 'strace', canTrace)) return
  const folder = await temporaryFolder(t)
  const out = join(await temporaryFolder(t), 'trace')
  const wrap = [
    'strace',
    '-f',
    '-y',
    '-s',
    '64',
    '-e',
    'trace=fdatasync,fsync,rename,mkdir,write,writev,sendto',
    '-o',
    out,
  ]
  const server = await startServer(t, folder, { wrap })
  const before = readFileSync(out, 'utf8').length
  const response = await fetch(`${server.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: withKey(keyIn(server.output())),
    body: formWith(Buffer.alloc(100_000, 'x')),
  })
  assert.equal(response.status, 201)
  await response.arrayBuffer()
  const calls = callsOf(readFileSync(out, 'utf8').slice(before))
  const one = (what: string, matches: (call: Call) => boolean): Call => {
    const found = calls.find(matches)
    assert.ok(found, `the trace has no ${what}`)
    return found
  }
  const answer = one('answer', (call) => /write|send/.test(call.name) && call.text.includes('HTTP/1.1 201'))
  const rename = one('rename', (call) => call.name === 'rename' && call.text.includes('/blobs/sha256/'))
  const [, temporary = '', leaf = ''] = /rename\("([^"]+)", "([^"]+)\/[0-9a-f]{64}"/.exec(rename.text) ?? []
  const isSync = (call: Call, path: string): boolean =>
    /^f(data)?sync$/.test(call.name) && call.text.includes(`<${path}>`)
  const synced = (path: string, after: number, until: number): Call =>
    one(`sync of ${path} in time`, (call) => isSync(call, path) && call.began > after && call.ended < until)
  synced(temporary, -1, rename.began)
  const folders = [leaf, join(leaf, '..'), join(leaf, '..', '..')].map((path) =>
    synced(path, rename.ended, answer.began),
  )
  const row = synced(join(folder, 'catalogue.db-wal'), Math.max(...folders.map((call) => call.ended)), answer.began)
  for (const call of [rename, ...folders, row, answer]) t.diagnostic(call.text.slice(0, 160))
  await server.stop('SIGTERM')
})

/** strace may be there and not be allowed to trace (in some containers). */
function canTrace(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

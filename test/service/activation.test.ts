import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { formWith, temporaryFolder } from '../support/app.ts'
import { keyIn, larderCommand, runLarder, type Serving, spawnServer, startServer } from '../support/process.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { until } from '../support/state.ts'

const isThere = spawnSync('systemd-socket-activate', ['--version']).status === 0
const skip = isThere ? false : 'systemd-socket-activate is missing (Debian package systemd)'
const bySystemd = ['--set', 'server.socket=systemd', '--set', 'log.format=text']

interface Answer {
  readonly status: number
  readonly body: Buffer
}

/** One request on a connection of its own. */
function ask(url: string, body?: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const request = httpRequest(url, { method, agent: false, headers }, async (response) => {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of response) chunks.push(chunk as Buffer)
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) })
      } catch (error) {
        reject(error)
      }
    })
    request.once('error', reject)
    request.end(body)
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts the server anew each time it ended well, on the sockets that this shell was given: what systemd does with a unit. */
const keeper = `
folder=$1; shift
until [ -e "$folder/over" ]; do
  sh -c 'echo $$ > "$0"; LISTEN_PID=$$ exec "$@"' "$folder/pid" "$@" || exit 1
done
`

async function keptRunning(folder: string, ...ports: number[]): Promise<string[]> {
  await writeFile(join(folder, 'keeper'), keeper)
  const sockets = ports.flatMap((port) => ['-l', `127.0.0.1:${port}`])
  const variables = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE'].flatMap((name) =>
    process.env[name] === undefined ? [] : ['-E', name],
  )
  return ['systemd-socket-activate', ...sockets, ...variables, 'sh', join(folder, 'keeper'), folder]
}

/** A start takes a while on a machine that is busy with other tests. */
const patienceMs = 30_000
const startsOf = (server: Serving): number => server.output().match(/Larder serves at/g)?.length ?? 0

test("No request fails while a server with systemd's sockets is started anew, and no upload is lost", {
  skip,
}, async (t) => {
  const folder = await temporaryFolder(t)
  const ports = [await freePort(), await freePort()]
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const [url = '', otherUrl = ''] = urls
  const options = { wrap: await keptRunning(folder, ...ports), args: [...bySystemd, '--set', 'limits.upload=off'] }
  const server = spawnServer(t, join(folder, 'data'), options)
  await until('the sockets to be there', () => / as 4\./.test(server.output()))
  assert.equal((await ask(`${url}/healthz`)).status, 200)
  const key = keyIn((await server.found(/ak_\w+/))[0])
  assert.ok(server.output().includes(`  ${url}/\n  ${otherUrl}/\n`), 'the greeting tells where the sockets are')

  let over = false
  const failures: string[] = []
  const slowest = { ms: 0 }
  let answered = 0
  const uploads = new Map<string, Buffer>()
  const counted = async (what: string, work: () => Promise<Answer>): Promise<Answer | undefined> => {
    const begun = performance.now()
    const answer = await work().catch((error: Error) => void failures.push(`${what}: ${error.message}`))
    if (!answer) return undefined
    if (answer.status >= 300) failures.push(`${what}: ${answer.status} ${answer.body}`)
    slowest.ms = Math.max(slowest.ms, performance.now() - begun)
    answered++
    return answer
  }
  const reader = async (n: number): Promise<void> => {
    while (!over) await counted('a request', () => ask(`${urls[n % 2]}/healthz`))
  }
  const uploader = async (): Promise<void> => {
    while (!over) {
      const bytes = randomBytes(16_384)
      const form = new Response(formWith(bytes, 'upload.bin', 'application/octet-stream'))
      const headers = { Authorization: `Bearer ${key}`, 'Content-Type': form.headers.get('content-type') ?? '' }
      const body = Buffer.from(await form.arrayBuffer())
      const answer = await counted('an upload', () => ask(`${url}/api/v1/files/upload`, body, headers))
      if (answer) uploads.set((JSON.parse(String(answer.body)) as { file: { id: string } }).file.id, bytes)
    }
  }
  const clients = [...Array.from({ length: 6 }, (_, n) => reader(n)), uploader(), uploader()]
  for (let start = 1; start <= 3; start++) {
    await until('the server to answer again', () => startsOf(server) === start, patienceMs)
    const before = { answered, uploads: uploads.size }
    await until('requests to be answered', () => answered > before.answered + 100 && uploads.size > before.uploads + 3)
    process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), 'SIGTERM')
  }
  await until('the server to answer again', () => startsOf(server) === 4, patienceMs)
  over = true
  await Promise.all(clients)
  assert.deepEqual(failures, [])
  for (const [id, bytes] of uploads) assert.ok((await ask(`${url}/m/${id}`)).body.equals(bytes), `${id} is there`)
  await writeFile(join(folder, 'over'), '')
  process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), 'SIGTERM')
  const [code] = await once(server.child, 'close')
  assert.equal(code, 0, 'each start ended well')
  t.diagnostic(
    `${answered} requests on new connections over three restarts, ${uploads.size} of them uploads, none failed; the slowest took ${Math.round(slowest.ms)} ms`,
  )
})

test('A socket that is elsewhere than server.host is told of: one meant for this machine alone may be open to all', {
  skip,
}, async (t) => {
  const folder = await temporaryFolder(t)
  for (const [host, isTold] of [
    ['127.0.0.2', true],
    ['127.0.0.1', false],
    ['localhost', false],
    ['::', false],
  ] as const) {
    const port = await freePort()
    const wrap = await keptRunning(await temporaryFolder(t), port)
    const server = spawnServer(t, join(folder, 'data'), {
      wrap,
      args: [...bySystemd, '--host', host],
    })
    await until('the socket to be there', () => / as 3\./.test(server.output()))
    assert.equal((await ask(`http://127.0.0.1:${port}/healthz`)).status, 200)
    await until('the log', () => / serving\b/.test(server.output()))
    assert.equal(server.output().includes("systemd's sockets are not at server.host"), isTold, host)
    await server.stop('SIGTERM')
  }
})

test('Whoever was accepted before the server was told to stop is answered, however late the request comes', async (t) => {
  const server = await startServer(t, await temporaryFolder(t))
  const early = await RawConnection.open(server.url)
  const kept = await RawConnection.open(server.url)
  kept.send(requestHead('GET', '/healthz'))
  assert.equal((await kept.answer()).status, 200)
  const ended = server.stop('SIGTERM')
  await until('new connections to be refused', async () => {
    const one = await RawConnection.open(server.url).catch(() => undefined)
    one?.socket.destroy()
    return one === undefined
  })
  early.send(requestHead('GET', '/healthz'))
  const answer = await early.answer()
  assert.deepEqual([answer.status, answer.headers.connection], [200, 'close'])
  assert.deepEqual(await ended, { code: 0, signal: null })
})

test('Neither a connection that is kept open nor one that says nothing holds up the end', async (t) => {
  const server = await startServer(t, await temporaryFolder(t), { args: ['--set', 'server.shutdown_grace=30s'] })
  const kept = await RawConnection.open(server.url)
  kept.send(requestHead('GET', '/healthz'))
  await kept.answer()
  const silent = await RawConnection.open(server.url)
  const told = performance.now()
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
  await Promise.all([kept.closed, silent.closed])
  assert.ok(performance.now() - told < 5_000)
})

test('Asked for sockets of systemd that are not there, the server says what to do', async (t) => {
  const folder = await temporaryFolder(t)
  const larder = (env: Record<string, string>) => runLarder(['serve', '--data-dir', folder, ...bySystemd], { env })
  const cases: [Record<string, string>, RegExp][] = [
    [
      {},
      /systemd passed no socket\. Start the socket first \(systemctl start larder\.socket\), or set server\.socket = "none"/,
    ],
    [{ LISTEN_PID: '1', LISTEN_FDS: '1' }, /were passed to process 1, not to this one/],
  ]
  for (const [env, words] of cases) {
    const { code, stdout, stderr } = await larder(env)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, words)
  }
})

test('One socket that cannot be used closes the others too, and the process ends', { skip }, async (t) => {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  const sockets = ['-l', `127.0.0.1:${port}`, '-l', join(folder, 'of the file system')]
  const variables = ['PATH', 'HOME', 'TMPDIR'].flatMap((name) => (process.env[name] === undefined ? [] : ['-E', name]))
  const wrap = ['systemd-socket-activate', ...sockets, ...variables]
  const server = spawnServer(t, join(folder, 'data'), { wrap, args: bySystemd })
  const ended = once(server.child, 'exit')
  await until('the sockets to be there', () => server.output().includes('of the file system as 4.'))
  // The first connection has it started, and is refused when all is closed again.
  await assert.rejects(ask(`http://127.0.0.1:${port}/healthz`))
  assert.deepEqual(await ended, [2, null])
  assert.match(server.output(), /descriptor 4\) is no TCP socket/)
})

test('A descriptor that is no TCP socket of a socket unit is refused in words', async (t) => {
  const folder = await temporaryFolder(t)
  const [command, ...args] = larderCommand()
  const script = 'unset LARDER_EXECUTABLE; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3</dev/null'
  const given = ['-c', script, 'sh', command, ...args, 'serve', '--data-dir', folder, ...bySystemd]
  const { status, stderr } = spawnSync('sh', given, { encoding: 'utf8' })
  assert.equal(status, 2)
  assert.match(stderr, /descriptor 3\) takes no connections \(EINVAL\): it must be ListenStream= of a socket unit/)
})

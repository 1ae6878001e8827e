import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { environment, keyIn, larderCommand, runLarder, startServer } from '../support/process.ts'
import { freePort } from '../support/proxies.ts'
import { until } from '../support/state.ts'

test('A Ctrl-C that comes twice, from the terminal and handed on by npm, is one wish: an upload under way is kept', async (t) => {
  const server = await startServer(t, await temporaryFolder(t))
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text
  })
  const over = new Promise((resolve) => socket.once('close', resolve))
  const key = keyIn(server.output())
  socket.write(
    `PUT /storage/files/slow.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
  )
  while (!answer.includes('100 Continue')) await new Promise((resolve) => setTimeout(resolve, 5))
  const { pid = 0 } = server.child
  process.kill(pid, 'SIGINT')
  process.kill(pid, 'SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.write('slow')
  await over
  assert.match(answer, /HTTP\/1\.1 201 /)
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
})

test('A server whose data folder was moved away stops without making another in its place, and the store is whole', async (t) => {
  const folder = await temporaryFolder(t)
  const [dir, moved] = [join(folder, 'data'), join(folder, 'moved')]
  const server = await startServer(t, dir)
  await rename(dir, moved)
  await server.stop('SIGTERM')
  assert.ok(!existsSync(dir), server.output())
  assert.equal((await runLarder(['fsck', '--data-dir', moved])).code, 0)
})

test('In a working folder that was removed, a command works on a data folder with a whole path, and says where it has none', async (t) => {
  const folder = await temporaryFolder(t)
  const [dir, gone] = [join(folder, 'data'), join(folder, 'gone')]
  await (await startServer(t, dir)).stop('SIGTERM')
  const inGone = (...args: string[]) => {
    const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    return spawnSync('sh', ['-c', script, gone, ...larderCommand(), ...args], {
      env: environment({}),
      encoding: 'utf8',
    })
  }
  const whole = inGone('user', 'list', '--data-dir', dir)
  assert.equal(whole.status, 0, whole.stderr)
  const without = inGone('user', 'list')
  assert.equal(without.status, 2)
  assert.match(without.stderr, /^larder: There is no store in .*\n$/)
})

for (const [what, open] of [
  ['a full disk', () => openSync('/dev/full', 'w')],
  ['a reader that has left', brokenPipe],
] as const)
  test(`A log that cannot be written, to ${what}, does not keep the server from serving, nor from stopping`, async (t) => {
    const folder = await temporaryFolder(t)
    await writeFile(join(folder, 'config.toml'), '[log]\nlevel = "trace"\n')
    const port = await freePort()
    const output = open()
    const [command, ...args] = larderCommand()
    const where = ['--data-dir', join(folder, 'data'), '--host', '127.0.0.1', '--port', String(port)]
    const child = spawn(command, [...args, 'serve', '--config', join(folder, 'config.toml'), ...where], {
      env: environment({}),
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    atEnd(t, () => child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    const isReady = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    await until('it serves', isReady)
    for (let n = 0; n < 100; n++) assert.ok(await isReady())
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  })

/** The end of a pipe to write to, whose other end is closed. */
function brokenPipe(): number {
  const path = join(mkdtempSync(join(tmpdir(), 'larder-pipe-')), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, 'w')
  closeSync(reader)
  rmSync(dirname(path), { recursive: true })
  return writer
}

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from '../support/at-end.ts'
import { keyIn } from '../support/process.ts'

/** A program in a root of its own, as a container runs it: what it sees is that root, and what was mounted into it. */
export interface Inside {
  /** The folder that is its `/`; read-only to it. */
  readonly root: string
  /** The data folder, mounted at `at`: all that it may write to. */
  readonly data: string
  readonly at: string
  readonly uid: number
  readonly env: readonly string[]
}

/** As a container's engine does: name spaces for mounts and processes, a read-only root, /proc, a few devices. */
function commandOf({ root, data, at, uid, env }: Inside, command: readonly string[]): string[] {
  const script = `
    mount --bind '${root}' '${root}'
    mkdir -p '${root}/proc' '${root}/dev'
    mount -t proc proc '${root}/proc'
    mount -t tmpfs -o mode=755 tmpfs '${root}/dev'
    for device in null zero urandom random; do touch '${root}/dev/'$device; mount --bind /dev/$device '${root}/dev/'$device; done
    mount --bind '${data}' '${root}${at}'
    mount -o remount,bind,ro '${root}'
    exec chroot --userspec=${uid}:${uid} --groups=${uid} '${root}' "$@"`
  return [
    'unshare',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    'env',
    '-i',
    `PATH=${process.env.PATH}`,
    ...env,
    'sh',
    '-ec',
    script,
    'sh',
    ...command,
  ]
}

/** Runs one command to its end. @throws where it fails, with what it printed. */
export function runInside(inside: Inside, ...command: string[]): string {
  const [program = '', ...args] = commandOf(inside, command)
  return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' })
}

export interface Running {
  readonly url: string
  readonly key: string
  readonly output: () => string
  /** The server's process, seen from outside. */
  readonly pid: () => number
  /** Tells it to stop, as an engine does; resolves to its exit code and how long it took, in milliseconds. */
  stop(): Promise<{ code: number; ms: number }>
}

/** Starts a server on a port of the loopback, and waits until it answers. */
export async function serveInside(
  t: TestContext,
  inside: Inside,
  port: number,
  ...command: string[]
): Promise<Running> {
  const settings = ['LARDER_SERVER_HOST=127.0.0.1', `LARDER_SERVER_PORT=${port}`]
  const [program = '', ...args] = commandOf({ ...inside, env: [...inside.env, ...settings] }, command)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number]>
  atEnd(t, () => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const url = `http://127.0.0.1:${port}`
  await answers(url, () => {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${output}`)
    return output.includes(url)
  })
  // What made the root waits for the server, and hands its exit code on.
  const pid = (): number => onlyChildOf(child.pid ?? 0)
  const stop = async (): Promise<{ code: number; ms: number }> => {
    const startedAt = performance.now()
    process.kill(pid(), 'SIGTERM')
    const [code] = await ended
    return { code, ms: performance.now() - startedAt }
  }
  return { url, key: keyIn(output), output: () => output, pid, stop }
}

async function answers(url: string, hasGreeted: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (Date.now() < deadline) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined)
    // What is printed at the start comes after the first moment at which it answers.
    const greeted = hasGreeted()
    if (answer?.ok && greeted) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('no answer within twenty seconds')
}

function onlyChildOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

/** A port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const larder = fileURLToPath(new URL('../larder.mjs', import.meta.url))

export interface Served {
  readonly url: string
  readonly key: string
  readonly pid: number
  /** Milliseconds from the start of the process to its first answer. */
  readonly firstAnswerMs: number
  stop(): Promise<void>
}

/** Larder as a process of its own, limits off, quiet unless told otherwise. */
export async function startLarder(dataDir: string, set: Readonly<Record<string, string>> = {}): Promise<Served> {
  const port = await freePort()
  const values = { 'limits.api': 'off', 'limits.upload': 'off', 'limits.auth': 'off', ...set }
  const flags = Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  const began = performance.now()
  const child = spawn(
    process.execPath,
    [larder, ...flags, '--data-dir', dataDir, 'serve', '--host', '127.0.0.1', '--port', String(port)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  process.once('exit', () => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (output.length < 10_000) output += chunk.toString()
  })
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(`${url}/healthz`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`it did not start: ${output}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const firstAnswerMs = performance.now() - began
  while (!output.includes('Larder serves at')) await new Promise((resolve) => setTimeout(resolve, 2))
  const ended = once(child, 'close')
  return {
    url,
    key: /ak_[0-9A-Za-z]{36}/.exec(output)?.[0] ?? '',
    pid: child.pid ?? 0,
    firstAnswerMs,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = await listen(() => {})
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** A bare server, for comparison; on a free port of the loopback. */
export async function listen(handle: RequestListener): Promise<Server> {
  const server = createServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Requests a second by wrk, one thread of it, for a few seconds. */
export async function requestsPerSecond(
  url: string,
  options: { seconds?: number; connections?: number } = {},
): Promise<number> {
  const { seconds = 4, connections = 32 } = options
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, url])
  if (/Non-2xx/.test(stdout)) throw new Error(`answers that were no success:\n${stdout}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

export async function shell(command: string): Promise<string> {
  return (await run('bash', ['-c', command], { maxBuffer: 1024 * 1024 })).stdout
}

export async function has(program: string): Promise<boolean> {
  return run('which', [program]).then(
    () => true,
    () => false,
  )
}

/** The middle one: a machine that does other things too has outliers on both sides. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The value that `share` of all lie below. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Resident memory of a process, in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await shell(`grep VmRSS /proc/${pid}/status`)
  return Number(/\d+/.exec(status)?.[0]) / 1024
}

export interface Row {
  readonly what: string
  readonly measured: string
  readonly aim: string
}

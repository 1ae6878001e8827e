import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const larder = fileURLToPath(new URL('../../scripts/larder.mjs', import.meta.url))

/** The environment of a test's own Larder: nothing of the machine's configuration reaches it. */
function environment(more: Record<string, string>): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('LARDER_') && name !== 'NODE_OPTIONS')
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...more }
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command of the command line to its end. */
export function runLarder(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [larder, ...args],
      { env: environment(options.env ?? {}), maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
      },
    )
    child.stdin?.end(options.input ?? '')
  })
}

export interface RunningServer {
  readonly child: ChildProcess
  readonly url: string
  /** Everything printed so far. */
  readonly output: () => string
  /** Sends a signal and resolves to how it ended. */
  stop(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts a server as its user does, as a process of its own on a free port of the loopback. */
export async function startServer(
  t: Pick<TestContext, 'after'>,
  dataDir: string,
  options: { args?: readonly string[]; wrap?: readonly string[] } = {},
): Promise<RunningServer> {
  const [command = '', ...before] = [...(options.wrap ?? []), process.execPath]
  const args = [
    ...before,
    larder,
    'serve',
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--data-dir',
    dataDir,
    ...(options.args ?? []),
  ]
  const child = spawn(command, args, { env: environment({}), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  // The whole group: what wraps the server (strace) takes no signals for it.
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-(child.pid ?? 0), signal)
    } catch {
      // It ended already.
    }
  }
  atEnd(t, () => kill('SIGKILL'))
  let output = ''
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const url = await new Promise<string>((resolve, reject) => {
    const look = (): void => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)
      if (found) resolve(found[0])
    }
    child.stdout.on('data', look)
    void ended.then(() => reject(new Error(`the server ended: ${output}`)))
  })
  return {
    child,
    url,
    output: () => output,
    stop: async (signal) => {
      kill(signal)
      const [code, by] = await ended
      return { code, signal: by }
    },
  }
}

/** The API key that a first start prints. */
export function keyIn(output: string): string {
  return /ak_[0-9A-Za-z]{36}/.exec(output)?.[0] ?? ''
}

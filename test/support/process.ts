import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve as absolute, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Larder's command line as one starts it: by the project's own Node from sources, or, where `LARDER_EXECUTABLE` names a file,
 * that.
 */
export function larderCommand(): [command: string, ...args: string[]] {
  const executable = process.env.LARDER_EXECUTABLE
  return executable ? [absolute(root, executable)] : fromSources()
}

/** From sources, whatever else there is: for a test about Node, which may be given options. */
export function fromSources(...nodeOptions: string[]): [command: string, ...args: string[]] {
  return [process.execPath, ...nodeOptions, fileURLToPath(new URL('../../scripts/larder.mjs', import.meta.url))]
}

/**
 * The environment of a test's own Larder: nothing of the machine's configuration reaches it. What an executable unpacks is
 * shared by all of them, or it would be unpacked into each data folder.
 */
export function environment(more: Readonly<Record<string, string>>): Record<string, string> {
  // What `npm test` sets, so that packages are loaded in one piece.
  const isOurs = process.env.NODE_OPTIONS?.includes('/.cache/test-packages-')
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('LARDER_') && (name !== 'NODE_OPTIONS' || isOurs),
  )
  const unpacked = { LARDER_NATIVE_DIR: join(root, 'node_modules', '.cache', 'native') }
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    ...(process.env.LARDER_EXECUTABLE && unpacked),
    ...more,
  }
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
  const [command, ...before] = larderCommand()
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...before, ...args],
      { env: environment(options.env ?? {}), maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
      },
    )
    child.stdin?.end(options.input ?? '')
  })
}

/** A process that serves, or is about to. */
export interface Serving {
  readonly child: ChildProcess
  /** Everything printed so far. */
  readonly output: () => string
  /** What this finds in the output, as soon as it is there. @throws Error where the process ends without it. */
  found(pattern: RegExp): Promise<RegExpExecArray>
  /** Sends a signal and resolves to how it ended. */
  stop(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export interface ServerOptions {
  readonly args?: readonly string[]
  /** A command that runs the server, as strace does. */
  readonly wrap?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts `larder serve` as a process of its own. It is gone when the test is over, or the test's process. */
export function spawnServer(
  t: Pick<TestContext, 'after'>,
  dataDir: string,
  { args = [], wrap = [], env = {} }: ServerOptions = {},
): Serving {
  const where = ['--host', '127.0.0.1', '--port', '0', '--data-dir', dataDir]
  const [command = '', ...before] = [...wrap, ...larderCommand(), 'serve', ...where, ...args]
  const child = spawn(command, before, { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  // The whole group: what wraps the server (strace) takes no signals for it.
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-(child.pid ?? 0), signal)
    } catch {
      // It ended already.
    }
  }
  const kills = (): void => kill('SIGKILL')
  process.once('exit', kills)
  atEnd(t, kills)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  void ended.then(() => process.off('exit', kills))
  return {
    child,
    output: () => output,
    found: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output)
          if (match) resolve(match)
        }
        look()
        child.stdout.on('data', look)
        void ended.then(() => reject(new Error(`the server ended: ${output}`)))
      }),
    stop: async (signal) => {
      kill(signal)
      const [code, by] = await ended
      return { code, signal: by }
    },
  }
}

export interface RunningServer extends Omit<Serving, 'found'> {
  readonly url: string
}

/** Starts a server as its user does, on a free port of the loopback. */
export async function startServer(
  t: Pick<TestContext, 'after'>,
  dataDir: string,
  options: ServerOptions = {},
): Promise<RunningServer> {
  const { found, ...server } = spawnServer(t, dataDir, options)
  const [url] = await found(/http:\/\/127\.0\.0\.1:\d+/)
  return { ...server, url }
}

/** The API key that a first start prints. */
export function keyIn(output: string): string {
  return /ak_[0-9A-Za-z]{36}/.exec(output)?.[0] ?? ''
}

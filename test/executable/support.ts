import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { atEnd } from '../support/at-end.ts'
import { comesBack, store } from '../support/picture.ts'
import { keyIn, larderCommand } from '../support/process.ts'

/** The executable that is tested. */
export const executable = larderCommand()[0]

/** A folder that any user may go through to what lies in it; the test's own is closed to others. */
export function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'larder executable '))
  chmodSync(folder, 0o755)
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The executable copied alone into a new folder. */
export function aloneIn(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'larder')
  copyFileSync(executable, file)
  chmodSync(file, 0o755)
  return file
}

export interface Start {
  /** All of the environment: nothing of the test's own is added. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly uid?: number
  /** Run in a shell first, in a name space of mounts of the server's own. */
  readonly mounts?: string
}

export interface Started {
  readonly url: string
  readonly key: string
  readonly output: () => string
  readonly child: ChildProcess
  stop(): Promise<void>
}

const quoted = (words: readonly string[]): string => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')

function commandOf(file: string, args: readonly string[], { uid, mounts }: Start): [string, string[]] {
  const asUser = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
  const whole = [...asUser, file, ...args]
  if (mounts === undefined) return [whole[0] ?? '', whole.slice(1)]
  return ['unshare', ['--mount', 'sh', '-ec', `${mounts}\nexec ${quoted(whole)}`]]
}

/** Starts the executable and waits until it serves. @throws Error with its output where it ends before. */
export async function start(t: TestContext, file: string, dataDir: string, how: Start = {}): Promise<Started> {
  const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', dataDir]
  const [command, rest] = commandOf(file, args, how)
  const child = spawn(command, rest, { cwd: how.cwd ?? '/', env: { PATH: process.env.PATH ?? '', ...how.env } })
  atEnd(t, () => child.kill('SIGKILL'))
  let output = ''
  const ended = once(child, 'close')
  const url = await new Promise<string>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      output += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)
      if (found) resolve(found[0])
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    void ended.then(([code]) => reject(new Error(`ended with ${code}: ${output}`)))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  }
  return { url, key: keyIn(output), output: () => output, child, stop }
}

/** Runs one command of the executable to its end; gives what it printed. */
export function runAs(file: string, args: readonly string[], how: Start = {}): { code: number; text: string } {
  const [command, rest] = commandOf(file, args, how)
  try {
    const env = { PATH: process.env.PATH ?? '', ...how.env }
    return { code: 0, text: execFileSync(command, rest, { cwd: how.cwd ?? '/', env, encoding: 'utf8', stdio: 'pipe' }) }
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
    return { code: status, text: stdout + stderr }
  }
}

/** What it is for: a picture goes in, comes back byte for byte, and as AVIF. */
export async function showThatItServes({ url, key }: Started): Promise<void> {
  await comesBack(await store(url, key))
}

/** Some of these tests need to be root: to be other users, and to mount. */
export function skipUnlessRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return false
  if (process.env.CI) throw new Error('these tests need root, which they are on CI')
  t.skip('needs root')
  return true
}

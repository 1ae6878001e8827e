import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { environment, larderCommand, type Outcome } from '../support/process.ts'

/** A user that no machine has in its list. */
export const stranger = 12_345

/** What runs a command as a user. */
export const as = (uid: number): [string, ...string[]] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${uid}`,
  '--clear-groups',
]

/** Only root can be two users; and the other one must be able to read what is run. Returns whether to stop here. */
export function skipUnlessTwoUsers(t: TestContext): boolean {
  if (process.getuid?.() !== 0) {
    t.skip('needs root')
    return true
  }
  const [command, ...args] = [...as(stranger), 'test', '-r', larderCommand().at(-1) ?? '']
  if (spawnSync(command ?? '', args).status === 0) return false
  // From sources alone: the executable is run from a place that is open to all.
  t.skip('needs a folder of this project that other users may read')
  return true
}

/** Gives a data folder, which lies in a test's own folder, to a user. */
export function giveTo(uid: number, dir: string): void {
  chmodSync(dirname(dir), 0o711)
  for (const name of ['', ...(readdirSync(dir, { recursive: true }) as string[])]) chownSync(join(dir, name), uid, uid)
}

/** Runs a command of Larder's as a user, to its end. */
export function runLarderAs(uid: number, ...args: string[]): Promise<Outcome> {
  const [command, ...rest] = [...as(uid), ...larderCommand(), ...args]
  return new Promise((resolve) => {
    execFile(command ?? '', rest, { env: environment({}), cwd: '/' }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}

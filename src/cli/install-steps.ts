import { spawnSync } from 'node:child_process'
import type { Step } from '../service/plan.ts'
import { CommandFailed } from './failures.ts'

const retryMs = 250
const saysAfterMs = 10_000
/** Bringing the catalogue of millions of files up to date takes minutes. */
const patienceMs = 5 * 60_000
/** So many times a server that is only slow does not end. */
const restartsAtMost = 3

/** A step as one would type it. */
export function stepText({ args, onlyIf }: Step): string {
  return onlyIf ? `${args.join(' ')}    # ${onlyIf.words}` : args.join(' ')
}

/** Runs a step to its end. @throws CommandFailed with what it said, where it does not end well. */
export function runStep({ args, waitsFor, onlyIf }: Step): void {
  if (onlyIf && !onlyIf.prints.test(outputOf(onlyIf.args))) return
  const problem = waitsFor === undefined ? runOnce(args) : runUntilWell(args, waitsFor)
  if (problem !== undefined) throw new CommandFailed(`${args.join(' ')}: ${problem} (see journalctl -u larder)`)
}

/** @returns what was wrong, if something was. */
function runOnce([command, ...rest]: Step['args']): string | undefined {
  const { status, error, stderr } = spawnSync(command, rest, { stdio: ['ignore', 'inherit', 'pipe'], cwd: '/' })
  if (status !== 0) return error?.message ?? String(stderr).trim()
  process.stderr.write(stderr)
  return undefined
}

function runUntilWell(args: Step['args'], unit: string): string | undefined {
  const begun = performance.now()
  let isTold = false
  for (;;) {
    const problem = runOnce(args)
    if (problem === undefined) return undefined
    const passedMs = performance.now() - begun
    const end = hasGivenUp(unit)
    if (end !== undefined) return `${end}. ${lastWordsOf(unit) ?? problem}`
    if (passedMs > patienceMs)
      return `${unit} runs, and does not serve after ${patienceMs / 60_000} minutes. ${problem}`
    if (passedMs > saysAfterMs && !isTold) {
      isTold = true
      process.stderr.write(
        `Waiting for ${unit} to serve: a new version may have to bring a large catalogue up to date. What it does: journalctl -fu larder. Up to now: ${problem}\n`,
      )
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
  }
}

/** @returns how a unit ended for good, if it did. */
function hasGivenUp(unit: string): string | undefined {
  const told = outputOf(['systemctl', 'show', unit, '--property=ActiveState,NRestarts'])
  const state = /^ActiveState=(.*)$/m.exec(told)?.[1]
  if (state === 'failed' || state === 'inactive') return `${unit} is ${state}`
  const restarts = Number(/^NRestarts=(\d+)$/m.exec(told)?.[1] ?? 0)
  return restarts > restartsAtMost ? `${unit} ended and was started anew ${restarts} times` : undefined
}

/** What it said since this process began of why it does not start: a sentence beside its log, perhaps with a list. */
function lastWordsOf(unit: string): string | undefined {
  const since = `@${Math.floor(performance.timeOrigin / 1_000)}`
  const journal = outputOf(['journalctl', `--unit=${unit}`, `--since=${since}`, '--output=cat'])
  return [...journal.matchAll(/^larder: (.*(?:\n +.*)*)/gm)].at(-1)?.[1]
}

function outputOf([command, ...rest]: Step['args']): string {
  return String(spawnSync(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' }).stdout ?? '')
}

import type { Command } from 'commander'
import type { Config } from '../config/index.ts'
import { Accounts } from '../core/accounts.ts'
import { openStore, type Store } from '../store.ts'
import { configOf } from './options.ts'

export interface Open extends Store {
  readonly config: Config
  readonly accounts: Accounts
}

/** Runs a command's work on the data folder, beside a server or without one, and closes it whatever comes. */
export async function withStore<T>(command: Command, work: (store: Open) => Promise<T>): Promise<T> {
  const { config } = configOf(command)
  const store = await openStore(config)
  try {
    return await work({ ...store, config, accounts: new Accounts(store) })
  } finally {
    await store.close()
  }
}

/** All of standard input, without its last line break: how a password comes in without standing in a list of processes. */
export async function readInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** Rows under their heads, in columns as wide as they need. */
export function tableText(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows]
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export const day = (ms: number | null): string =>
  ms === null ? '-' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { BackupUnfinished, backUp } from '../jobs/backup.ts'
import { openBackup } from '../store.ts'
import { CommandFailed } from './failures.ts'
import { damageText } from './fsck.ts'
import { countText } from './gc.ts'
import { configOf } from './options.ts'
import { say } from './user.ts'

interface Options {
  readonly readData?: boolean
  readonly prune?: boolean
}

export function backup(program: Command): void {
  program
    .command('backup <folder>')
    .description('copy the whole store to a folder, beside a running server; again, what is new (exit code 1: damage)')
    .option('--read-data', 'read what the backup has already and compare its hash, too')
    .option('--prune', 'remove from the backup what the store has no more')
    .action((folder: string, options: Options, command: Command) => run(folder, options, command))
}

async function run(path: string, { readData = false, prune = false }: Options, command: Command): Promise<void> {
  const began = new Date()
  const backup = await openBackup(configOf(command).config, resolve(path))
  try {
    const wish = { readData, prune, onDamage: (damage: Parameters<typeof damageText>[0]) => say(damageText(damage)) }
    const { copied, held, pruned, damage } = await backUp(backup, wish)
    const note = { began_at: began.toISOString(), finished_at: new Date().toISOString() }
    await backup.finish({ ...note, blobs: held.count, bytes: held.bytes, damaged: damage })
    const seconds = ((Date.now() - began.getTime()) / 1_000).toFixed(1)
    say(`Copied ${countText(copied)} in ${seconds} s.`)
    if (prune && damage === 0) say(`Removed ${countText(pruned)} that the store has no more.`)
    say(
      `The backup holds ${countText(held)} in all, as the store was at ${began.toISOString().slice(0, 19)}Z or later.`,
    )
    if (damage > 0) throw new CommandFailed(`${damage} damaged in the store: see above. All else is in the backup`)
  } catch (error) {
    throw error instanceof BackupUnfinished ? new CommandFailed(error.message) : error
  } finally {
    await backup.close()
  }
}

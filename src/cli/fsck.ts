import type { Command } from 'commander'
import { checkStore, type Damage } from '../jobs/fsck.ts'
import { CommandFailed } from './failures.ts'
import { countText } from './gc.ts'
import { withStore } from './store.ts'
import { say } from './user.ts'

interface Options {
  readonly readData?: boolean
  readonly quarantine?: boolean
}

export function fsck(program: Command): void {
  program
    .command('fsck')
    .description('check that what the catalogue says is what lies on the disk (exit code 1: damage)')
    .option('--read-data', 'read every file and compare its hash, too')
    .option('--quarantine', 'set wrong bytes aside in data/quarantine, so that nobody is served them')
    .action((options: Options, command: Command) =>
      withStore(command, async (store) => {
        const report = await checkStore(store, {
          readData: options.readData ?? false,
          quarantine: options.quarantine ?? false,
          onDamage: (damage) => say(damageText(damage)),
        })
        say(`Checked ${countText(report.checked)}. Garbage: ${countText(report.garbage)}; "larder gc" removes it.`)
        if (report.damage > 0) throw new CommandFailed(`${report.damage} damaged: see above`)
        say('No damage.')
      }),
    )
}

function damageText({ what, remedy }: Damage): string {
  return `DAMAGE ${what}\n       ${remedy}`
}

import type { Command } from 'commander'
import { lockFolder } from '../catalogue/lock.ts'
import { checkStore, type Damage } from '../jobs/fsck.ts'
import { CommandFailed } from './failures.ts'
import { countText } from './gc.ts'
import { type Open, withStore } from './store.ts'
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
        if (options.quarantine) requireAlone(store)
        const report = await checkStore(store, {
          readData: options.readData ?? false,
          quarantine: options.quarantine ?? false,
          onDamage: (damage) => say(damageText(damage)),
        })
        say(`Checked ${countText(report.checked)}. Garbage: ${countText(report.garbage)}; "larder gc" removes it.`)
        if (report.leftovers.count > 0)
          say(`Left by uploads that ended: ${countText(report.leftovers)}; the next start of the server removes it.`)
        if (report.damage > 0) throw new CommandFailed(`${report.damage} damaged: see above`)
        say('No damage.')
      }),
    )
}

/** A server beside could mend a blob between its being found wrong and its being set aside. */
function requireAlone(store: Open): void {
  if (lockFolder(store.config.data.dir)) return
  throw new CommandFailed('--quarantine moves files: stop the server that runs on this data folder first', 2)
}

export function damageText({ what, remedy }: Damage): string {
  return `DAMAGE ${what}\n       ${remedy}`
}

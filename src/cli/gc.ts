import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { lockFolder } from '../catalogue/lock.ts'
import { type Count, collectGarbage, type GcOptions, type GcReport } from '../jobs/gc.ts'
import { CommandFailed } from './failures.ts'
import { type Open, withStore } from './store.ts'
import { say } from './user.ts'

const lookEveryMs = 50
/** How long the server gets before this gives up asking. */
const patienceMs = 10 * 60_000

export function gc(program: Command): void {
  program
    .command('gc')
    .description('remove content that no file uses any more, after its grace (gc.grace)')
    .option('--dry-run', 'tell what would be removed, and remove nothing')
    .action((options: { dryRun?: boolean }, command: Command) =>
      withStore(command, async (store) => {
        const wish = { graceMs: store.config.gc.grace, dryRun: options.dryRun ?? false }
        say(reportText(await collect(store, wish), wish.dryRun))
      }),
    )
}

/** Only who has the folder's lock may remove blobs: this process, where no server runs; else the server is asked to. */
async function collect(store: Open, options: GcOptions): Promise<GcReport> {
  const errand = { id: randomUUID(), job: 'gc', options }
  let asked = false
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(lookEveryMs)) {
    const release = lockFolder(store.config.data.dir)
    if (release) return collectGarbage(store, options).finally(release)
    if (!asked) await store.catalogue.write.leaveErrand({ ...errand, now: store.clock.now() })
    asked = true
    const result = await store.catalogue.read.errandResult(errand.id)
    if (result) return resultOf(result)
  }
  throw new CommandFailed('the server that runs on this data folder does not answer; is it stuck?', 2)
}

function resultOf(result: object): GcReport {
  if ('failure' in result) throw new CommandFailed(String(result.failure), 2)
  return result as GcReport
}

function reportText({ removed, strays, kept }: GcReport, dryRun: boolean): string {
  return [
    `${dryRun ? 'Would remove' : 'Removed'} ${countText(removed)}.`,
    `Kept ${countText(kept)} that nothing names, still within the grace.`,
    ...(strays.count > 0 ? [`Found ${countText(strays)} on disk that the catalogue did not know.`] : []),
  ].join('\n')
}

export function countText({ count, bytes }: Count): string {
  return `${count} blob${count === 1 ? '' : 's'} (${bytes} bytes)`
}

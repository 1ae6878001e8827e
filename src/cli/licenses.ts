import type { Command } from 'commander'
import { assetNames, assetText, isExecutable } from '../assets.ts'
import { say } from './user.ts'

export function licenses(program: Command): void {
  program
    .command('licenses')
    .description('the licences of everything that this program contains')
    .action(() => {
      if (isExecutable) return say(assetText(assetNames.licenses))
      say('From sources, the licence of each library lies beside it, in node_modules.')
    })
}

import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { isExecutable } from '../assets.ts'
import { printConfig, writeConfigDocs } from '../config/index.ts'
import { CommandFailed } from './failures.ts'
import { configOf } from './options.ts'
import { say } from './user.ts'

export function config(program: Command): void {
  const group = program.command('config').description('what Larder is told, and where from')
  group
    .command('print')
    .description('each value and where it came from, as a file that could be used; secrets masked')
    .action((_options: object, command: Command) => say(printConfig(configOf(command)).trimEnd()))
  group
    .command('check')
    .description('tell everything that is wrong with the configuration')
    .action((_options: object, command: Command) => {
      const { file } = configOf(command)
      say(`The configuration is sound (${file ?? 'no file; defaults, environment and flags'}).`)
    })
  group
    .command('docs', { hidden: true })
    .description('write config.example.toml and docs/configuration.md anew, for those who work on Larder')
    .action(() => {
      if (isExecutable) throw new CommandFailed('the pages are made from the sources: npm run docs', 2)
      for (const path of writeConfigDocs(fileURLToPath(new URL('../..', import.meta.url)))) say(path)
    })
}

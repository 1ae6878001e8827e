import type { Command } from 'commander'
import { withStore } from './store.ts'
import { say } from './user.ts'

export function secret(program: Command): void {
  const group = program.command('secret').description('what access tokens are signed with')
  group
    .command('rotate')
    .description('sign with a new key from now on; what the old one signed stays good until it ends')
    .action((_options: object, command: Command) =>
      withStore(command, async ({ rotateSigningKey }) => {
        await rotateSigningKey()
        say('New access tokens are signed with a new key; those that are out stay good for their hour.')
      }),
    )
}

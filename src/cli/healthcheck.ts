import type { Command } from 'commander'
import { hostInUrl, isEverywhere } from '../config/index.ts'
import { CommandFailed } from './failures.ts'
import { configOf } from './options.ts'
import { say } from './user.ts'

const timeoutMs = 5_000

export function healthcheck(program: Command): void {
  program
    .command('healthcheck')
    .description('ask the server on this machine whether it is ready (exit code 0: yes), for containers')
    .action(async (_options: object, command: Command) => {
      const { server } = configOf(command).config
      // Not by name: a slim root has nothing that knows what localhost is.
      const host = isEverywhere(server.host) ? '127.0.0.1' : hostInUrl(server.host)
      const url = `http://${host}:${server.port}${server.base_path}/readyz`
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: Error) => {
        const why = (error.cause as Error | undefined)?.message ?? error.message
        // systemd knows the address then, and nobody who is not told: it must stand here too.
        const hint = server.socket ? '; server.host and server.port must say what larder.socket listens on' : ''
        throw new CommandFailed(`no answer from ${url}: ${why}${hint}`)
      })
      const body = (await response.json()) as { faults?: string[] }
      if (!response.ok) throw new CommandFailed(`not ready: ${body.faults?.join(', ') ?? response.status}`)
      say('ready')
    })
}

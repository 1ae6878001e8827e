import type { Command } from 'commander'
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
      const host = server.host === '::' || server.host === '0.0.0.0' ? 'localhost' : server.host
      const url = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}${server.base_path}/readyz`
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: Error) => {
        throw new CommandFailed(
          `no answer from ${url}: ${(error.cause as Error | undefined)?.message ?? error.message}`,
        )
      })
      const body = (await response.json()) as { faults?: string[] }
      if (!response.ok) throw new CommandFailed(`not ready: ${body.faults?.join(', ') ?? response.status}`)
      say('ready')
    })
}

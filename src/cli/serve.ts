import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { Command } from 'commander'
import type { App } from '../app.ts'
import type { Config } from '../config/index.ts'
import { openLog } from '../log.ts'
import { configOf } from './options.ts'

export function serve(program: Command): void {
  program
    .command('serve', { isDefault: true })
    .description('serve the data folder (what "npm start" does)')
    .option('--host <address>', 'address to listen on (server.host)')
    .option('--port <number>', 'port to listen on (server.port)')
    .action(async (options: { host?: string; port?: string }, command: Command) => {
      // What is made from here on is for this user alone, also in a folder that others may look into.
      process.umask(0o077)
      const { config } = configOf(command, { 'server.host': options.host, 'server.port': options.port })
      await untilStopped(config)
    })
}

async function untilStopped(config: Config): Promise<void> {
  // Only here: other commands need neither the server nor what it loads.
  const { openApp } = await import('../app.ts')
  const log = openLog(config.log)
  const app = await openApp(config, log, {
    onDeath: (error) => {
      log.fatal({ err: error }, 'the catalogue cannot be written any more: leaving, to be started anew')
      log.flush(() => process.exit(1))
    },
  })
  process.stdout.write(`${greeting(app, config)}\n`)
  log.info({ port: app.port, data: config.data.dir }, 'serving')
  const signal = await stopSignal()
  log.info({ signal, graceMs: config.server.shutdown_grace }, 'stopping')
  await app.close()
  log.info('stopped')
  await new Promise((resolve) => log.flush(resolve))
}

/** The first signal asks politely; a second one is obeyed at once. */
async function stopSignal(): Promise<string> {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const signal = await Promise.race(signals.map(async (name) => once(process, name).then(() => name)))
  for (const name of signals) process.once(name, () => process.exit(1))
  return signal
}

/** What is printed, not logged: secrets are shown once, to whoever started it, and are kept nowhere. */
function greeting(app: App, config: Config): string {
  const addresses = addressesOf(config, app.port)
  const [first = ''] = addresses
  const lines = ['Larder serves at', ...addresses.map((address) => `  ${address}/`)]
  if (!app.firstStart) return lines.join('\n')
  const { setUpToken, key } = app.firstStart
  return [
    ...lines,
    '',
    'Shown this once:',
    `  Set up the owner's account (link for one use, good for seven days):`,
    `    ${first}/app/set-up?token=${setUpToken}`,
    '  An API key:',
    `    ${key}`,
    '  Upload something:',
    `    echo "Hello, Larder" | curl -H "Authorization: Bearer ${key}" -F "file=@-;filename=hello.txt" ${first}/api/v1/files/upload`,
    '',
  ].join('\n')
}

function addressesOf({ server }: Config, port: number): string[] {
  if (server.public_url !== undefined) return [server.public_url]
  const everywhere = server.host === '::' || server.host === '0.0.0.0'
  const hosts = everywhere
    ? ['localhost', ...lanAddresses()]
    : [server.host.includes(':') ? `[${server.host}]` : server.host]
  return hosts.map((host) => `http://${host}:${port}${server.base_path}`)
}

function lanAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.filter((one) => one.family === 'IPv4' && !one.internal).map((one) => one.address)
}

import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { networkInterfaces, userInfo } from 'node:os'
import type { Command } from 'commander'
import type { App } from '../app.ts'
import { type Config, hostInUrl, isEverywhere, type LoadedConfig } from '../config/index.ts'
import type { FirstSecrets } from '../core/accounts.ts'
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
      await untilStopped(configOf(command, { 'server.host': options.host, 'server.port': options.port }))
    })
}

async function untilStopped(loaded: LoadedConfig): Promise<void> {
  const { config } = loaded
  // Only here: other commands need neither the server nor what it loads.
  const { openApp } = await import('../app.ts')
  const log = openLog(config.log)
  // From the first moment: once it accepts connections, no signal may end it before they are answered.
  const stopped = stopSignal()
  const app = await openApp(config, log, {
    showsSecrets: !isJournal(process.env),
    onDeath: (error) => {
      log.fatal({ err: error }, 'the catalogue cannot be written any more: leaving, to be started anew')
      log.flush(() => process.exit(1))
    },
  })
  process.stdout.write(`${greeting(app, loaded)}\n`)
  log.info({ port: app.port, data: config.data.dir }, 'serving')
  const signal = await stopped
  log.info({ signal, graceMs: config.server.shutdown_grace }, 'stopping')
  await app.close()
  log.info('stopped')
  await new Promise((resolve) => log.flush(resolve))
  // Everything is closed. A write of the log that nobody reads would hold the process for ever, and at its exit, too.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), heldAtMostMs).unref()
}

const heldAtMostMs = 3_000

/** A Ctrl-C comes twice below npm: from the terminal, and from npm, which hands it on. */
const sameWishMs = 1_000

/** The first signal asks politely; a second one, later, is obeyed at once. */
async function stopSignal(): Promise<string> {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const signal = await Promise.race(signals.map(async (name) => once(process, name).then(() => name)))
  const askedAt = performance.now()
  const leave = (): void => {
    if (performance.now() - askedAt > sameWishMs) process.exit(1)
  }
  for (const name of signals) process.on(name, leave)
  return signal
}

/** What is printed, not logged: secrets are shown once, to whoever started it, and are kept nowhere. */
function greeting(app: App, loaded: LoadedConfig): string {
  const addresses = addressesOf(loaded.config, app)
  const [first = ''] = addresses
  const lines = ['Larder serves at', ...addresses.map((address) => `  ${address}/`)]
  if (!app.firstStart) return lines.join('\n')
  const { secrets } = app.firstStart
  const begin = secrets ? shownOnce(secrets, first) : howToBegin(loaded)
  return [...lines, '', ...begin, ''].join('\n')
}

function shownOnce({ setUpToken, key }: FirstSecrets, address: string): string[] {
  return [
    'Shown this once:',
    `  Set up the owner's account (link for one use, good for seven days):`,
    `    ${address}/app/set-up?token=${setUpToken}`,
    '  An API key:',
    `    ${key}`,
    '  Upload something:',
    `    echo "Hello, Larder" | curl -H "Authorization: Bearer ${key}" -F "file=@-;filename=hello.txt" ${address}/api/v1/files/upload`,
  ]
}

/** Said where the output is kept for others to read, which is no place for secrets. */
function howToBegin({ config, file }: LoadedConfig): string[] {
  const settings = file === undefined ? `--data-dir ${config.data.dir}` : `--config ${file}`
  const larder = `runuser -u ${ownName()} -- larder ${settings}`
  return [
    'To begin, as root:',
    "  A link by which the owner's account is set up:",
    `    ${larder} user setup-link`,
    '  An API key:',
    `    ${larder} key create`,
  ]
}

/** Of the user that serves; a number where it has no name. */
function ownName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.())
  }
}

/** Whether what is printed goes to systemd's journal (systemd.exec(5), $JOURNAL_STREAM). */
function isJournal({ JOURNAL_STREAM: stream }: NodeJS.ProcessEnv): boolean {
  if (stream === undefined) return false
  const { dev, ino } = fstatSync(1)
  return stream === `${dev}:${ino}`
}

function addressesOf({ server }: Config, { addresses }: App): string[] {
  if (server.public_url !== undefined) return [server.public_url]
  const urls = addresses.flatMap(({ host, port }) => {
    const hosts = isEverywhere(host) ? ['localhost', ...lanAddresses()] : [hostInUrl(host)]
    return hosts.map((name) => `http://${name}:${port}${server.base_path}`)
  })
  return [...new Set(urls)]
}

function lanAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.filter((one) => one.family === 'IPv4' && !one.internal).map((one) => one.address)
}

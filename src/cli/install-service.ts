import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { isExecutable } from '../assets.ts'
import { loadConfig } from '../config/index.ts'
import { type Plan, type Command as PlannedCommand, type PlannedFile, planOf } from '../service/plan.ts'
import { type Installation, standardData } from '../service/units.ts'
import { CommandFailed } from './failures.ts'
import { say } from './user.ts'

const executable = '/usr/local/bin/larder'
const config = '/etc/larder/config.toml'
const packaged = '/usr/lib/systemd/system/larder.service'
const retryMs = 250

interface Options {
  readonly data?: string
  readonly host?: string
  readonly port?: number
  readonly executable?: string
  readonly root?: string
  readonly dryRun?: boolean
}

export function installService(program: Command): void {
  program
    .command('install-service')
    .description('install this Larder as a service of systemd, or bring the installed one up to date')
    .option('--dry-run', 'tell what would be written and run, and do none of it')
    .option('--data <folder>', `the data folder (default: ${standardData}, or what ${config} says)`)
    .option('--host <address>', 'address to listen on (default: every one)')
    .option('--port <number>', 'port to listen on (default: 8080)', portOf)
    .option('--executable <file>', 'the one file to install (default: this one)')
    .option('--root <folder>', 'write below this folder, as for an image, and run nothing')
    .action((options: Options) => install(options))
}

function install(options: Options): void {
  // Folders that are missing are everybody's to read, however careful the shell is that this was called from.
  process.umask(0o022)
  const at = (path: string): string => join(options.root ?? '/', path)
  const source = sourceOf(options)
  const isUpgrade = existsSync(at('/etc/systemd/system/larder.service'))
  const socket = at('/etc/systemd/system/larder.socket')
  const before = { isUpgrade, socketUnit: existsSync(socket) ? readFileSync(socket, 'utf8') : undefined }
  const plan = planOf(installationOf(options, existsSync(at(config)) ? at(config) : undefined), before)
  if (options.dryRun) return void say(told(plan, source, at))
  requireLeave(options)
  if (realOf(at(executable)) !== realpathSync(source)) copy(source, at(executable))
  for (const file of plan.files) if (!file.isKept || !existsSync(at(file.path))) write(at(file.path), file)
  if (options.root !== undefined) return void say(`Written below ${resolve(options.root)}; nothing was run.`)
  for (const command of plan.commands) run(command)
  say(`Larder is ${isUpgrade ? 'up to date' : 'installed'}. What it says: journalctl -u larder`)
}

/** What an existing configuration says goes: a flag that says otherwise would be forgotten by the next start. */
function installationOf({ data, host, port }: Options, file: string | undefined): Installation {
  if (file === undefined)
    return { executable, config, data: resolve(data ?? standardData), host: host ?? '::', port: port ?? 8080 }
  const { server, data: kept } = loadConfig({ configPath: file }).config
  const wished = { '--data': data && resolve(data), '--host': host, '--port': port }
  const said = { '--data': kept.dir, '--host': server.host, '--port': server.port }
  for (const [flag, value] of Object.entries(wished))
    if (value !== undefined && value !== said[flag as keyof typeof said])
      throw new CommandFailed(`${config} says otherwise than ${flag}: change it there, and run this without ${flag}`, 2)
  return { executable, config, data: kept.dir, host: server.host, port: server.port }
}

function sourceOf({ executable: named }: Options): string {
  if (named === undefined && !isExecutable)
    throw new CommandFailed(
      'this runs from sources, and a service is made of the one file: npm run build, then --executable dist/larder',
      2,
    )
  const source = resolve(named ?? process.execPath)
  if (!existsSync(source)) throw new CommandFailed(`there is no file ${source} to install`, 2)
  return source
}

function requireLeave({ root }: Options): void {
  if (root !== undefined) return
  if (process.getuid?.() !== 0)
    throw new CommandFailed('installing takes root: use sudo, or look first with --dry-run', 2)
  if (!existsSync('/run/systemd/system'))
    throw new CommandFailed('systemd does not run this machine; start "larder serve" by what does', 2)
  if (existsSync(packaged))
    throw new CommandFailed(`Larder is installed by a package already (${packaged}): bring that up to date instead`, 2)
}

/** Told in the order in which it would be done. */
function told({ files, commands }: Plan, source: string, at: (path: string) => string): string {
  const fileText = ({ path, mode, content, isKept }: PlannedFile): string =>
    isKept && existsSync(at(path))
      ? `Would keep ${at(path)} as it is.\n`
      : `Would write ${at(path)} (mode ${mode.toString(8).padStart(4, '0')}):\n${content.replace(/^(?=.)/gm, '    ')}`
  return [
    `Would copy ${source} to ${at(executable)} (mode 0755).\n`,
    ...files.map(fileText),
    'Would run:',
    ...commands.map(({ args }) => `    ${args.join(' ')}`),
  ].join('\n')
}

/** Beside its place and then into it: a Larder that runs keeps the file it was started from. */
function copy(source: string, path: string): void {
  replace(path, 0o755, (beside) => copyFileSync(source, beside))
}

function write(path: string, { mode, content }: PlannedFile): void {
  replace(path, mode, (beside) => writeFileSync(beside, content, { mode }))
}

function replace(path: string, mode: number, make: (beside: string) => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const beside = `${path}.new`
  make(beside)
  chmodSync(beside, mode)
  const file = openSync(beside, 'r')
  fsyncSync(file)
  closeSync(file)
  renameSync(beside, path)
}

function run({ args, patienceMs = 0 }: PlannedCommand): void {
  const [command, ...rest] = args
  const until = performance.now() + patienceMs
  for (;;) {
    const { status, error, stderr } = spawnSync(command, rest, { stdio: ['ignore', 'inherit', 'pipe'], cwd: '/' })
    if (status === 0) return void process.stderr.write(stderr)
    if (performance.now() >= until)
      throw new CommandFailed(
        `${args.join(' ')}: ${error?.message ?? String(stderr).trim()} (see journalctl -u larder)`,
      )
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
  }
}

function realOf(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be from 1 to 65535.')
  return port
}

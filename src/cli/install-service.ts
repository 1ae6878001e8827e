import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { isExecutable } from '../assets.ts'
import { loadConfig } from '../config/index.ts'
import { type Existing, type Plan, type PlannedFile, planOf } from '../service/plan.ts'
import { type Installation, standardData, user } from '../service/units.ts'
import { CommandFailed } from './failures.ts'
import { isChanged, putCopy, putFile } from './install-files.ts'
import { folderWork } from './install-folder.ts'
import { runStep, stepText } from './install-steps.ts'
import { say } from './user.ts'

const executable = '/usr/local/bin/larder'
const config = '/etc/larder/config.toml'
const packaged = '/usr/lib/systemd/system/larder.service'

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
  const isSetUp = existsSync(at(config))
  // The configuration is for its user's and root's eyes: who is neither is told that first.
  if (isSetUp && !options.dryRun) requireLeave(options)
  const installation = fitForUnits(installationOf(options, isSetUp ? at(config) : undefined))
  const plan = planOf(installation, existing(options, installation, at))
  if (options.dryRun) return void say(told(plan, source, at))
  requireLeave(options)
  // Also of itself, where the one in place belongs to somebody else: an earlier version left it so.
  if (realOf(at(executable)) !== realpathSync(source) || !isOwn(at(executable))) putCopy(source, at(executable))
  for (const file of plan.files) put(file, at)
  if (options.root !== undefined) return void say(`Written below ${resolve(options.root)}; nothing was run.`)
  for (const step of plan.steps) runStep(step)
  say(`Larder is ${isUpgrade ? 'up to date' : 'installed'}. What it says: journalctl -u larder`)
}

const isOwn = (path: string): boolean => statSync(path).uid === process.geteuid?.()

type Place = (path: string) => string

/** @throws CommandFailed where the data folder is somebody's. */
function existing(options: Options, { data }: Installation, at: Place): Existing {
  const socketUnit = textOf(at('/etc/systemd/system/larder.socket'))
  // In an image that is only written to, nothing is run, and so nothing changes hands.
  if (options.root !== undefined && !options.dryRun) return { socketUnit, folder: 'none' }
  const folder = workFor(data, at(data))
  if (typeof folder !== 'string') throw new CommandFailed(folder.refusal, 2)
  return { socketUnit, folder }
}

function workFor(data: string, path: string): ReturnType<typeof folderWork> {
  try {
    return folderWork({ data, path, owner: numberOf(user) })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === 'EACCES' ? new CommandFailed(`this user may not look at ${data}: use sudo`, 2) : error
  }
}

function put(file: PlannedFile, at: Place): void {
  const old = putFile(at(file.path), file)
  if (old === undefined) return
  say(`${at(file.path)} was changed by hand. It is made anew, and the changed one kept as ${old}.`)
  say(`Changes that stay are made with: systemctl edit ${file.path.replace(/^.*\//, '')}`)
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

/** What stands in a unit must stay one value there. @throws CommandFailed */
function fitForUnits(installation: Installation): Installation {
  const { data, host } = installation
  if (/\p{Cc}/u.test(data))
    throw new CommandFailed(`${JSON.stringify(data)} is no name for a data folder of a service`, 2)
  if (data.includes(':')) throw new CommandFailed(`${data}: systemd takes no colon in the name of a data folder`, 2)
  if (isIP(host) === 0)
    throw new CommandFailed(`--host takes an address, as 127.0.0.1 or ::, and got ${JSON.stringify(host)}`, 2)
  return installation
}

function sourceOf({ executable: named }: Options): string {
  if (named === undefined && !isExecutable)
    throw new CommandFailed(
      'this runs from sources, and a service is made of the one file: npm run build, then --executable dist/larder',
      2,
    )
  const source = resolve(named ?? process.execPath)
  if (!statSync(source, { throwIfNoEntry: false })?.isFile())
    throw new CommandFailed(`there is no file ${source} to install`, 2)
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
function told({ files, steps }: Plan, source: string, at: Place): string {
  return [
    `Would copy ${source} to ${at(executable)} (mode 0755).\n`,
    ...files.map((file) => fileText(file, at)),
    'Would run:',
    ...steps.map((step) => `    ${stepText(step)}`),
  ].join('\n')
}

function fileText({ path, mode, content, isKept }: PlannedFile, at: Place): string {
  const former = textOf(at(path))
  if (isKept && former !== undefined) return `Would keep ${at(path)} as it is.\n`
  const old =
    former !== undefined && isChanged(former, content)
      ? ` and keep the one that was changed by hand as ${at(path)}.old`
      : ''
  const how = `(mode ${mode.toString(8).padStart(4, '0')})${old}`
  return `Would write ${at(path)} ${how}:\n${content.replace(/^(?=.)/gm, '    ')}`
}

/** Of a user of this machine, where there is one of this name. */
function numberOf(name: string): number | undefined {
  const { status, stdout } = spawnSync('id', ['-u', name], { encoding: 'utf8' })
  return status === 0 ? Number(stdout) : undefined
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function realOf(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be from 1 to 65535.')
  return port
}

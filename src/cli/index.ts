import { Command, CommanderError } from 'commander'
import { isFailure } from '../core/failure.ts'
import { ownBuild, versionText } from '../version.ts'
import { backup } from './backup.ts'
import { config } from './config.ts'
import { CommandFailed, explain } from './failures.ts'
import { fsck } from './fsck.ts'
import { gc } from './gc.ts'
import { healthcheck } from './healthcheck.ts'
import { installService } from './install-service.ts'
import { key } from './key.ts'
import { licenses } from './licenses.ts'
import { mail } from './mail.ts'
import { withConfigOptions } from './options.ts'
import { secret } from './secret.ts'
import { serve } from './serve.ts'
import { say, user } from './user.ts'

/** All commands, in the order in which the help shows them. */
const commands = [serve, user, key, mail, secret, gc, fsck, backup, config, healthcheck, installService, licenses]

/** The command line with all its commands, of which none has run. */
export function createProgram(): Command {
  const program = withConfigOptions(new Command('larder'))
    .description('Keeps files on your own disk: a 2xx means "on disk".')
    .option('--version', 'print the version, the commit and the libraries')
    .on('option:version', () => {
      say(versionText(ownBuild()))
      throw new CommanderError(0, 'commander.version', 'the version was told')
    })
    .showHelpAfterError('(larder --help tells what there is)')
    .exitOverride()
  for (const add of commands) add(program)
  return program
}

/** A reader who has seen enough (`larder licenses | head`) ends no work. A server goes on without its output, whatever became of it. */
function watchOutput(program: Command): void {
  let isServer = false
  let isTold = false
  program.hook('preAction', (_, command) => {
    isServer = command.name() === 'serve'
  })
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || isServer || isTold) return
    isTold = true
    process.stderr.write(`larder: what was to be printed could not be written (${code})\n`)
    process.exitCode = 1
  })
}

/** Runs one command. Sets the process's exit code: 0 done, 1 refused or found wanting, 2 could not be run. */
export async function run(args: readonly string[]): Promise<void> {
  const program = createProgram()
  watchOutput(program)
  try {
    requireKnown(program, args[0])
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    process.exitCode = exitCodeOf(error)
  }
}

/** `serve` is what happens without a command; without this, a mistyped one would be told as an argument too many for it. */
function requireKnown(program: Command, first: string | undefined): void {
  if (first === undefined || first.startsWith('-')) return
  const names = [...program.commands.map((one) => one.name()), 'help']
  if (!names.includes(first))
    throw new CommandFailed(`there is no command "${first}"; there are ${names.join(', ')}`, 2)
}

function exitCodeOf(error: unknown): number {
  // commander has said what was wrong, or what was asked for (help, version).
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  process.stderr.write(`larder: ${explain(error)}\n`)
  if (error instanceof CommandFailed) return error.exitCode
  return isFailure(error) && error.code !== 'invalid' ? 1 : 2
}

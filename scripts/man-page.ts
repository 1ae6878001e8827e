import type { Argument, Command, Help, Option } from 'commander'
import { createProgram } from '../src/cli/index.ts'

/** Text for roff (groff_man(7)): nothing in it is a request or an escape, and a minus stays one that can be typed. */
const plain = (text: string): string =>
  text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^(['.])/, '\\&$1')

const bold = (text: string): string => `\\fB${plain(text)}\\fR`

/** `-c, --config <file>` with what is to be typed as it is in bold, and the rest in italics. */
function term(flags: string): string {
  return flags
    .split(/(<[^>]*>|\[[^\]]*\])/)
    .filter((part) => part !== '')
    .map((part) => (/^[<[]/.test(part) ? `\\fI${plain(part.slice(1, -1))}\\fR` : bold(part)))
    .join('')
}

/** An option whose name says all has no more to it than that. */
function optionRow(help: Help, option: Option): string {
  const description = help.optionDescription(option)
  return `.TP\n${term(help.optionTerm(option))}\n${description === '' ? '\\&' : plain(description)}`
}

/** The options of a command itself; `--help` is said once, for all. */
const optionsOf = (help: Help, command: Command): string[] =>
  help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help' || command.parent === null)
    .map((option) => optionRow(help, option))

const argument = (one: Argument): string => {
  const name = `\\fI${plain(one.name())}\\fR`
  return one.required ? ` ${name}` : ` [${name}]`
}

/** Those that are for everybody; of `help` the option tells. */
const commandsOf = (help: Help, command: Command): Command[] =>
  help.visibleCommands(command).filter((one) => one.name() !== 'help')

/** A command, and those below it: `user`, and `user add`. */
function sections(help: Help, command: Command, before: string): string[] {
  const name = `${before} ${command.name()}`
  const args = command.registeredArguments.map(argument).join('')
  const below = commandsOf(help, command).flatMap((one) => sections(help, one, name))
  return [`.SS ${bold(name)}${args}`, plain(command.description()), ...optionsOf(help, command), ...below]
}

/** The manual page of section 1, made from the commands that there are. */
export function manPage(version: string, date: string): string {
  const program = createProgram()
  const help = program.createHelp()
  return [
    `.TH LARDER 1 ${date} "Larder ${version}" "User commands"`,
    '.SH NAME',
    'larder \\- keeps files on your own disk',
    '.SH SYNOPSIS',
    `${bold('larder')} [\\fIoptions\\fR] [\\fIcommand\\fR]`,
    '.SH DESCRIPTION',
    plain(
      'Larder takes files through forms and APIs, keeps them on local disk, serves them, and resizes pictures by URL.',
    ),
    plain('A request that is answered with 2xx is on the disk. Without a command it serves.'),
    '.SH OPTIONS',
    ...optionsOf(help, program),
    '.SH COMMANDS',
    ...commandsOf(help, program).flatMap((one) => sections(help, one, 'larder')),
    '.SH EXIT STATUS',
    plain('0: done. 1: refused, or damage was found. 2: it could not be run.'),
    '.SH ENVIRONMENT',
    `.TP\n${bold('LARDER_CONFIG')}\nThe configuration file.`,
    `.TP\n${bold('LARDER_NATIVE_DIR')}\n${plain('Where libraries are unpacked to.')}`,
    `.TP\n\\fBLARDER_\\fISECTION\\fB_\\fIKEY\\fR\n${plain('Any setting: LARDER_SERVER_PORT is server.port.')}`,
    '',
  ].join('\n')
}

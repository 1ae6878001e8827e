import type { Command } from 'commander'
import { type LoadedConfig, loadConfig } from '../config/index.ts'
import { CommandFailed } from './failures.ts'

interface ConfigOptions {
  readonly config?: string
  readonly set?: readonly string[]
  readonly dataDir?: string
}

/** The options by which any command is configured. */
export function withConfigOptions(program: Command): Command {
  return program
    .option('-c, --config <file>', 'configuration file (default: LARDER_CONFIG, or ./config.toml where there is one)')
    .option('-s, --set <section.key=value>', 'set one configuration value; may be repeated', collect)
    .option('--data-dir <folder>', 'the data folder (data.dir)')
}

export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** The configuration for a command: its flags over the environment over the file. @throws ConfigError */
export function configOf(command: Command, flags: Record<string, string | undefined> = {}): LoadedConfig {
  const { config, set = [], dataDir } = command.optsWithGlobals<ConfigOptions>()
  // A flag that is not given must not take away what --set says.
  const own = Object.entries({ 'data.dir': dataDir, ...flags }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  const given = { ...Object.fromEntries(set.map(assignment)), ...Object.fromEntries(own) }
  return loadConfig({ flags: given, env: process.env, configPath: config })
}

function assignment(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at <= 0)
    throw new CommandFailed(`--set takes section.key=value, as in --set server.port=8081, and got "${text}"`, 2)
  return [text.slice(0, at), text.slice(at + 1)]
}

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Command, CommanderError } from 'commander'
import { createProgram } from '../src/cli/index.ts'
import { entries } from '../src/config/table.ts'
import { root } from './support/process.ts'

const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })]
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** Lines to be typed, and commands that are named in a sentence. */
function commandsOf(page: string): string[] {
  const text = textOf(page)
  const fenced = [...text.matchAll(/^ *```sh\n(.*?)^ *```/gms)].flatMap(([, block = '']) => block.split('\n'))
  const units = [...text.matchAll(/^ExecStart=(.*)$/gm)].map(([, line = '']) => line)
  const named = [...text.replace(/^ *```.*?^ *```/gms, '').matchAll(/`((?:[^`\n]* )?larder [a-z-][^`]*)`/g)]
  return [...fenced, ...units, ...named.map(([, command = '']) => command)].map((line) =>
    line.replace(/\s+#.*$/, '').trim(),
  )
}

/** What runs another command, with the options of its own that the pages use. */
const runner =
  /^(?:[A-Z_]+=\S+ |sudo (?:-u \S+ )?|runuser -u \S+ -- |docker (?:compose )?exec (?:-\S+ )*\S+ |docker run .* (?=larder(?: |$))|npm run -s (?=larder -- ))+/

/** The arguments of a line that runs Larder; undefined where it runs something else. */
function argumentsOf(line: string): string[] | undefined {
  const inner = /\$\((.*)\)/.exec(line)?.[1] ?? line.replace(/^[\d*]+ [\d*]+ \* \* \* /, '')
  const [, text] = /^(?:\S*\/)?larder(?: --)?(?= |$)(.*)$/.exec(inner.replace(runner, '')) ?? []
  return text
    ?.split(/ [|<>&]| ?…/)[0]
    ?.split(' ')
    .filter((word) => word !== '')
}

/** The command line, of which no command does anything. */
function idle(command: Command): Command {
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} })
  if (command.commands.length === 0) command.action(() => {})
  for (const one of command.commands) idle(one)
  return command
}

test('Each command that the pages name is one that there is, with the options that it has', async () => {
  let found = 0
  for (const page of pages)
    for (const line of commandsOf(page)) {
      const args = argumentsOf(line)
      if (args === undefined || /^(COMMAND|X)?$/.test(args.at(-1) ?? '')) continue
      found++
      // Told and left, which the parser says by an error, too.
      const isAsked = args.some((arg) => arg === '--version' || arg === '--help')
      if (isAsked) continue
      await idle(createProgram())
        .parseAsync(args, { from: 'user' })
        .catch((error: CommanderError) => {
          // A sentence may name a command without what belongs to it.
          const isNamed = /^commander\.missing/.test(error.code) && /^larder [a-z -]+$/.test(line)
          assert.ok(isNamed, `${page}: ${line}\n${error.message}`)
        })
    }
  assert.ok(found > 60, `${found} found`)
})

test('Each setting that the pages name is one that there is', () => {
  const names = new Set<string>(entries.map(({ name }) => name))
  const sections = new Set([...names].map((name) => name.split('.')[0]))
  for (const page of pages)
    for (const [, name = '', section] of textOf(page).matchAll(/`(([a-z]+)\.[a-z_]+)(?: = [^`]*)?`/g))
      if (sections.has(section) && !name.endsWith('.ts')) assert.ok(names.has(name), `${page}: ${name}`)
})

test('Each script that the pages run is one of the package', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  const known = new Set([...Object.keys(scripts), 'ci', 'install'])
  for (const page of pages)
    for (const [line, name = ''] of textOf(page).matchAll(/\bnpm (?:run (?:-s )?)?([a-z][a-z:-]*)/g))
      assert.ok(known.has(name), `${page}: ${line}`)
})

test('What the pages lead to is there', () => {
  for (const page of pages)
    for (const [link, target = ''] of textOf(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(join(root, dirname(page), target)), `${page}: ${link}`)
})

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assignment, defaultOf } from './print.ts'
import { type Entry, entries, sections } from './table.ts'

/** The files made from the table, by their path in the project. */
export const configDocs: Readonly<Record<string, () => string>> = {
  'config.example.toml': exampleToml,
  'docs/configuration.md': configurationMarkdown,
}

/** Writes the example file and the documentation below `rootDir`; gives back the paths written. */
export function writeConfigDocs(rootDir: string): string[] {
  return Object.entries(configDocs).map(([name, make]) => {
    const path = join(rootDir, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, make())
    return path
  })
}

/** A configuration file in which every key stands with its sentence and its default, commented out. */
export function exampleToml(): string {
  const parts = sections.map(({ name, about, entries }) =>
    [explanation(about), `[${name}]`, ...entries.map(exampleEntry)].join('\n'),
  )
  const heading = [
    'Larder, example configuration. Copy it to config.toml and change what you need.',
    'Lines with ## explain; those with one # show a default: take the # away to set the key.',
    'Every key can also be given as a flag or an environment variable: see docs/configuration.md.',
  ]
  return `${[heading.map(explanation).join('\n'), ...parts].join('\n\n')}\n`
}

function explanation(sentence: string): string {
  return `## ${sentence}`
}

function exampleEntry(entry: Entry): string {
  const { key, kind, sentence } = entry
  if (key === undefined) return exampleLines(sample(entry)).map(explanation).join('\n')
  const commented = assignment(entry, defaultOf(entry)).replace(/^(?=.)/gm, '# ')
  return ['', explanation(sentence), explanation(`Expected: ${kind.form}.`), commented].join('\n')
}

function exampleLines(toml: string): string[] {
  return toml.includes('\n') ? ['For example:', ...toml.split('\n')] : [`For example: ${toml}`]
}

/** A section without fixed keys has no default to show, so its example is shown. */
function sample(entry: Entry): string {
  const reading = entry.kind.fromText(entry.kind.example ?? '')
  return reading.ok ? assignment(entry, reading.value) : ''
}

/** The reference page: how values are given and written, then a table for each section. */
export function configurationMarkdown(): string {
  return `${[introduction, kindsMarkdown(), ...sections.map(sectionMarkdown)].join('\n\n')}\n`
}

const introduction = `# Configuration

<!-- Made from src/config/table.ts by \`npm run docs\`; changes belong there. -->

Larder runs without any configuration. Where a value is given in several places, the first of these wins:

1. a flag: \`--set server.port=9000\`; \`--port\`, \`--host\` and \`--data-dir\` are short for the keys one sets most;
2. an environment variable: \`LARDER_SERVER_PORT=9000\`;
3. the configuration file, in TOML: the one that \`--config\` names, else the one that \`LARDER_CONFIG\` names, else
   \`config.toml\` in the working folder if there is one;
4. the default.

\`larder config print\` shows each value in force and where it came from; \`larder config check\` names everything that is
wrong, in all of these places at once, also in values that another place overrides. A name that means nothing is an error:
so is a \`LARDER_\` variable that names no key, other than those which Kubernetes and Docker add for a service called larder.

[config.example.toml](../config.example.toml) has every key with its default.`

function kindsMarkdown(): string {
  const kinds = new Map(entries.flatMap((entry) => entry.kind.explained))
  const rows = [...kinds].toSorted().map(([name, sentence]) => `| ${name} | ${cell(sentence)} |`)
  return ['## How values are written', '', '| Kind | Written |', '|---|---|', ...rows].join('\n')
}

function sectionMarkdown({ name, about, entries }: (typeof sections)[number]): string {
  const head = ['| Key | What it is for | Value | Default | Variable |', '|---|---|---|---|---|']
  return [`## ${name}`, '', about, '', ...head, ...entries.map(rowMarkdown)].join('\n')
}

function rowMarkdown(entry: Entry): string {
  const { key, kind, name, sentence, variable } = entry
  const cells = [`\`${key ?? name}\``, sentence, kind.form, defaultCell(entry), `\`${variable}\``]
  return `| ${cells.map(cell).join(' | ')} |`
}

function defaultCell(entry: Entry): string {
  const text = entry.kind.toText(defaultOf(entry))
  return text === ''
    ? 'empty'
    : text
        .split(',')
        .map((item) => `\`${item}\``)
        .join(', ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

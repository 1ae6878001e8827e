import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { assetNames, assetText, isExecutable } from './assets.ts'

/** What a Larder was made from. */
export interface Build {
  readonly version: string
  /** The commit, shortened, with `-changed` where the sources were not those of it; undefined where nobody knows. */
  readonly commit?: string | undefined
  /** What it runs on: name to version. */
  readonly libraries: Readonly<Record<string, string>>
}

/** This Larder's: carried by the executable, looked up from sources. */
export function ownBuild(): Build {
  return isExecutable ? (JSON.parse(assetText(assetNames.build)) as Build) : buildOfSources()
}

/** As `larder --version` shows it: what to send along with a question. */
export function versionText({ version, commit, libraries }: Build): string {
  const parts = Object.entries(libraries).map((pair) => pair.join(' '))
  return `larder ${version} (commit ${commit ?? 'unknown'}, ${process.platform}-${process.arch})\n${parts.join(', ')}`
}

/** Of the sources that lie around this file, with the libraries that were installed for them. */
function buildOfSources(): Build {
  const versionOf = (file: string): string => json<{ version: string }>(file).version
  return {
    version: versionOf('package.json'),
    commit: commitOfSources(),
    libraries: {
      node: process.versions.node,
      'better-sqlite3': versionOf('node_modules/better-sqlite3/package.json'),
      sharp: versionOf('node_modules/sharp/package.json'),
      libvips: json<{ vips: string }>(
        `node_modules/@img/sharp-libvips-${process.platform}-${process.arch}/versions.json`,
      ).vips,
    },
  }
}

const root = (): string => fileURLToPath(new URL('..', import.meta.url))

function json<T>(file: string): T {
  return JSON.parse(readFileSync(`${root()}/${file}`, 'utf8')) as T
}

/** Asked of git, which may be missing, as may the repository. */
function commitOfSources(): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return (
      git('rev-parse', '--short=12', 'HEAD') +
      (git('status', '--porcelain', '--', 'src', 'package-lock.json') && '-changed')
    )
  } catch {
    return undefined
  }
}

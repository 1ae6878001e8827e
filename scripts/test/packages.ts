import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { root } from '../../test/support/process.ts'

/**
 * Packages of hundreds of small modules, which each test's process and each of its servers' threads loads anew: 110 ms of
 * processor time for Kysely alone, and a tenth of it in one piece. The executable has them in one piece, too.
 */
const packages = ['kysely', 'kysely/migration', 'zod', 'jose']

/**
 * Makes one piece of each, below `node_modules/.cache`, and gives the environment in which tests and whatever they start load
 * those: `module.registerHooks` in every process and thread, by NODE_OPTIONS.
 */
export async function inOnePiece(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const folder = join(root, `node_modules/.cache/test-packages-${versionsOf()}`)
  const hook = join(folder, 'hook.cjs')
  if (!existsSync(hook)) await make(folder)
  return {
    ...env,
    NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE ?? join(root, 'node_modules/.cache/test'),
    // Nothing of the machine's own.
    NODE_OPTIONS: `--require=${JSON.stringify(hook)}`,
  }
}

/** What the pieces are made of: the same lock file makes the same. */
function versionsOf(): string {
  const hash = createHash('sha256')
  for (const path of ['package-lock.json', 'scripts/test/packages.ts']) hash.update(readFileSync(join(root, path)))
  return hash.digest('hex').slice(0, 16)
}

/** All at once in their place: another run may be loading them. */
async function make(folder: string): Promise<void> {
  const beside = `${folder}.${process.pid}`
  const pieces = packages.map((name) => ({ name, file: name.replace('/', '-') }))
  await build({
    entryPoints: Object.fromEntries(pieces.map(({ name, file }) => [file, name])),
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    outdir: beside,
    logLevel: 'warning',
  })
  const urls = pieces.map(({ name, file }) => [name, pathToFileURL(join(folder, `${file}.mjs`)).href] as const)
  writeFileSync(join(beside, 'hook.cjs'), hookText(urls))
  try {
    renameSync(beside, folder)
  } catch {
    // Another run was faster.
    rmSync(beside, { recursive: true })
  }
}

/** What every process and thread runs first: short, as it is read each time. */
function hookText(urls: readonly (readonly [name: string, url: string])[]): string {
  return `const urls = new Map(${JSON.stringify(urls)})
require('node:module').registerHooks({
  resolve: (specifier, context, next) =>
    urls.has(specifier) ? { url: urls.get(specifier), format: 'module', shortCircuit: true } : next(specifier, context),
})
`
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

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
  const folder = join(root, 'node_modules/.cache/test-packages')
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
    outdir: folder,
    logLevel: 'warning',
  })
  const urls = Object.fromEntries(
    pieces.map(({ name, file }) => [name, pathToFileURL(join(folder, `${file}.mjs`)).href]),
  )
  const hook = join(folder, 'hook.cjs')
  mkdirSync(folder, { recursive: true })
  writeFileSync(hook, hookText(urls))
  return {
    ...env,
    NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE ?? join(root, 'node_modules/.cache/test'),
    // Nothing of the machine's own.
    NODE_OPTIONS: `--require=${JSON.stringify(hook)}`,
  }
}

/** What every process and thread runs first: short, as it is read each time. */
function hookText(urls: Record<string, string>): string {
  return `const urls = ${JSON.stringify(urls)}
require('node:module').registerHooks({
  resolve: (specifier, context, next) =>
    urls[specifier] ? { url: urls[specifier], format: 'module', shortCircuit: true } : next(specifier, context),
})
`
}

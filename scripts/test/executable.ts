// Runs the tests that see Larder from outside against the executable, as `npm test` runs them against the sources: whatever
// is not in the file, or is there another way, is found by the tests that there are.
// With them go the tests of test/executable, of what only the file does or what takes long.
//
//   npm run test:executable [-- FILE...]
//
// Without files all of them. LARDER_EXECUTABLE names another file than dist/larder.
import { chmodSync, copyFileSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { blackBoxTests } from '../../test/support/black-box.ts'
import { faketimeLibrary } from '../../test/support/outer-app.ts'
import { root } from '../../test/support/process.ts'
import { inOnePiece } from './packages.ts'

/** Fewer than this, and the search for them has lost some. */
const fewest = 80

/** What is true of the executable alone, and what takes a browser behind each proxy too long for every `npm test`. */
const ownTests = globSync('test/executable/*.ts', { cwd: root }).filter((file) => !file.endsWith('/support.ts'))

interface Counts {
  readonly tests: number
  readonly passed: number
  readonly skipped: number
}

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}

/** The files to run, or a sentence on what is missing. */
function filesToRun(wanted: readonly string[], executable: string): readonly string[] {
  if (!existsSync(executable)) fail(`There is no ${relative(root, executable)}: make it with \`npm run build\`.`)
  if (!existsSync(faketimeLibrary())) fail('Tests set the clock of the executable: apt-get install libfaketime')
  const files = [...blackBoxTests(), ...ownTests]
  if (files.length < fewest)
    fail(`Only ${files.length} test files see Larder from outside; there were ${fewest} at least.`)
  for (const one of wanted) if (!files.includes(one)) fail(`${one} is no test file that sees Larder from outside.`)
  return wanted.length > 0 ? wanted : files
}

/** Put where any user can run it, as a download is: the folder of the sources may be closed to others. */
function copied(file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'larder-executable-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const copy = join(folder, 'larder')
  copyFileSync(file, copy)
  chmodSync(copy, 0o755)
  return copy
}

const executable = resolve(root, process.env.LARDER_EXECUTABLE ?? 'dist/larder')
const files = filesToRun(
  process.argv.slice(2).map((path) => relative(root, resolve(path))),
  executable,
)
process.env.LARDER_EXECUTABLE = copied(executable)
Object.assign(process.env, await inOnePiece(process.env))
const startedAt = performance.now()
// A test waits for its server and a server for its test: there is room for another of both.
const concurrency = availableParallelism() * 2
const stream = run({ cwd: root, files: files.map((file) => resolve(root, file)), concurrency, timeout: 240_000 })
let counts: Counts = { tests: 0, passed: 0, skipped: 0 }
stream.on('test:summary', ({ file, counts: all }) => {
  if (file === undefined) counts = all
})
stream.compose(spec()).pipe(process.stdout)
stream.on('end', () => {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  const { tests, passed, skipped } = counts
  console.log(
    `${relative(root, executable)}: ${passed} of ${tests} tests in ${files.length} files passed, ${seconds} s`,
  )
  if (skipped > 0) console.error(`${skipped} were skipped, and none may be: install what they name.`)
  process.exitCode = tests > 0 && passed === tests && skipped === 0 ? 0 : 1
})

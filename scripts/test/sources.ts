// Runs the tests, with the sources: `npm test [-- FILE... | --test-name-pattern=...]`, all of them where no file is named.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { inOnePiece } from './packages.ts'

const args = process.argv.slice(2)
const files = args.some((arg) => !arg.startsWith('-')) ? [] : ['test/**/*.test.ts']
// A test waits for its server and a server for its test: four at once keep two cores busy.
const options = ['--test', '--test-concurrency=4', '--test-timeout=240000']
const child = spawn(process.execPath, [...options, ...args, ...files], {
  stdio: 'inherit',
  env: await inOnePiece(process.env),
})
// A Ctrl-C reaches it from the terminal; this one only waits for how it ends.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
const [code] = (await once(child, 'exit')) as [number | null]
process.exitCode = code ?? 1

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { root } from './process.ts'

/** What starts Larder so that it can be a process of any file. */
const starters = /^(openTestApp|startServer|spawnServer|runLarder|larderCommand)$/
/** What looks into it, or builds it from its parts. */
const inside = ['test/support/inner-app.ts', 'src/app.ts'].map((path) => join(root, path))

/**
 * The test files that see Larder from outside alone: so they can be run against any file that is Larder. They are told by
 * what they import, themselves or by the helpers they use; a test that looks inside imports `inner-app.ts`.
 */
export function blackBoxTests(): string[] {
  const files = globSync('test/**/*.test.ts', { cwd: root }).sort()
  return files.filter((file) => isBlackBox(join(root, file)))
}

function isBlackBox(file: string): boolean {
  const seen = new Set<string>()
  const waiting = [file]
  let starts = false
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    for (const { names, from } of importsOf(next)) {
      if (inside.includes(from)) return false
      starts ||= names.some((name) => starters.test(name))
      if (relative(root, from).startsWith('test/')) waiting.push(from)
    }
  }
  return starts
}

interface Import {
  /** What is imported but types. */
  readonly names: readonly string[]
  /** Absolute. */
  readonly from: string
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^import (?!type )([^'"]*?) from '(\.[^']*)'/gm)].flatMap(([, what = '', from = '']) => {
    const names = what.split(/[{},]/).map((name) => name.trim().replace(/ as .*/, ''))
    const values = names.filter((name) => name !== '' && !name.startsWith('type '))
    return values.length === 0 ? [] : { names: values, from: resolve(dirname(file), from) }
  })
}

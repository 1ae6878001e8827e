/**
 * Makes a data folder as people leave it, for the tests of later releases: that what this release wrote opens in them. Everything
 * goes in by requests and commands, through a server of its own. See test/fixtures/README.md.
 *
 *   node scripts/make-fixture.ts NAME [--sources DIR] [--killed]
 *
 * `--sources` names a folder with the sources of an older release (and its node_modules), which then writes it. `--killed` ends the
 * server by SIGKILL, so that its databases are found with their logs.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Expected } from '../test/fixtures/expected.ts'
import { fillFiles, fillPeople, fillSecond, fillStorage } from './fixture/content.ts'
import { Larder } from './fixture/larder.ts'

const here = fileURLToPath(new URL('..', import.meta.url))
const target = fileURLToPath(new URL('../test/fixtures/data', import.meta.url))

async function make(name: string, sources: string, killed: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'larder-fixture-'))
  const larder = new Larder(sources, join(folder, 'data'))
  await larder.start()
  try {
    const people = await fillPeople(larder)
    const { files, ...rest } = await fillFiles(larder, people.key)
    const { more, ...second } = await fillSecond(larder, people.key)
    const storage = await fillStorage(larder, people.key)
    const { stats } = (await larder.call('GET', '/api/v1/user/stats', { key: people.key })) as {
      stats: Expected['stats']
    }
    const { totalFiles, totalSize, totalFolders } = stats
    const all = { ...people, ...rest, files: [...files, ...more], ...second, ...(storage && { storage }) }
    const made = {
      madeBy: larder.command(['--version']).split('\n')[0] ?? '',
      madeAt: Date.now(),
      killed,
      ends: larder.ends(),
    }
    const expected: Expected = { ...made, ...all, stats: { totalFiles, totalSize, totalFolders } }
    await larder.stop(killed ? 'SIGKILL' : 'SIGTERM')
    writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(expected, undefined, 2)}\n`)
    mkdirSync(target, { recursive: true })
    const archive = join(target, `${name}.tar.gz`)
    execFileSync('tar', ['--exclude=.native', '--owner=0', '--group=0', '-C', folder, '-czf', archive, '.'])
    console.log(`${archive}: ${statSync(archive).size} bytes`)
  } finally {
    await larder.stop('SIGKILL').catch(() => {})
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const options = { sources: { type: 'string', default: here }, killed: { type: 'boolean', default: false } } as const
  const { positionals, values } = parseArgs({ allowPositionals: true, options })
  const [name] = positionals
  if (name === undefined)
    throw new Error('say what the fixture is to be called: by its last migration, as in 0003-storage')
  await make(name, values.sources, values.killed)
}

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import type { Expected } from '../fixtures/expected.ts'
import { temporaryFolder } from '../support/app.ts'

const archives = fileURLToPath(new URL('../fixtures/data', import.meta.url))

/** The names of all data folders that were kept, oldest format first. */
export const fixtureNames = readdirSync(archives)
  .filter((name) => name.endsWith('.tar.gz'))
  .map((name) => name.slice(0, -'.tar.gz'.length))
  .sort()

/** A data folder that an earlier release wrote, in a folder of the test's own, and what it holds. */
export interface Fixture {
  readonly dir: string
  readonly expected: Expected
}

/** Unpacks a data folder as it was left. */
export async function unpack(t: Pick<TestContext, 'after'>, name: string): Promise<Fixture> {
  const folder = await temporaryFolder(t)
  execFileSync('tar', ['-xzf', join(archives, `${name}.tar.gz`), '-C', folder])
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected
  return { dir: join(folder, 'data'), expected }
}

/** Makes what ends by itself (sessions, links, uploads) end as long from now as it was to end when the folder was kept. */
export function asIfKeptNow({ dir, expected }: Fixture): void {
  const raw = new Database(join(dir, 'catalogue.db'))
  const query =
    "SELECT DISTINCT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'expires_at'"
  for (const table of raw.prepare(query).pluck().all() as string[])
    raw.prepare(`UPDATE ${table} SET expires_at = expires_at + ?`).run(Date.now() - expected.madeAt)
  raw.close()
}

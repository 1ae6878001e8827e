import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import Database from 'better-sqlite3'
import type { TestApp } from './app.ts'
import { atEnd } from './at-end.ts'
import { namesBelow, until } from './state.ts'

/** Whether a letter went out meanwhile is nobody's doing who asks; that there is one is. */
const columns: Readonly<Record<string, string>> = {
  mails: 'id, recipient, purpose',
  // A link that leads somewhere counts whom it led there.
  shares: 'id, token, account_id, entry_id, expires_at',
}

export interface WholeState {
  /** Every row of the catalogue and every file of the store: equal before and after whatever must change nothing. */
  look(): Promise<object>
  /** Resolves once nothing is left of deleted folders: their rows go a few at a time, while nobody asks. */
  swept(): Promise<void>
}

/** Looks at the database itself: what it knows of accounts, settings, keys, projects, sessions, links and codes, too. */
export function wholeState(t: Pick<TestContext, 'after'>, app: TestApp): WholeState {
  const database = new Database(join(app.folder, 'catalogue.db'), { readonly: true })
  atEnd(t, () => database.close())
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[]
  const looks = names.map((name) => {
    const look = database.prepare(`SELECT ${columns[name] ?? '*'} FROM "${name}" ORDER BY 1`)
    return [`table ${name}`, look] as const
  })
  const detached = database.prepare('SELECT 1 FROM detached')
  const version = database.prepare('PRAGMA data_version').pluck()
  let last = { version: undefined as unknown, tables: {} }
  // What nobody has committed to since is what it was.
  const tables = (): object => {
    const now = version.get()
    if (last.version !== now)
      last = { version: now, tables: Object.fromEntries(looks.map(([name, look]) => [name, look.all()])) }
    return last.tables
  }
  return {
    look: async () => ({
      tables: tables(),
      blobs: await namesBelow(join(app.folder, 'blobs')),
      tmp: await readdir(join(app.folder, 'tmp')),
    }),
    swept: () => until('rows of deleted folders to go', () => detached.get() === undefined),
  }
}

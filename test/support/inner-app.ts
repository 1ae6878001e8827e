import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { type App, openApp, type Overrides as Parts } from '../../src/app.ts'
import { configWith, type Overrides } from '../../src/config/index.ts'
import { type TestApp, temporaryFolder } from './app.ts'
import { settingsWith } from './app-settings.ts'
import { atEnd } from './at-end.ts'
import { peopleOf } from './people.ts'

/** A server within the test's own process, with its parts. */
export interface InnerApp extends TestApp {
  readonly core: App['core']
  readonly catalogue: App['catalogue']
}

/** As `openTestApp`, for tests that look inside, or put something of their own in place of a part. */
export async function openInnerApp(
  t: Pick<TestContext, 'after'>,
  overrides: Overrides = {},
  parts: Parts = {},
): Promise<InnerApp> {
  const folder = typeof overrides['data.dir'] === 'string' ? overrides['data.dir'] : await temporaryFolder(t)
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const config = configWith(settingsWith(overrides, folder))
  const app = await openApp(config, log, parts)
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await app.close()
  }
  atEnd(t, close)
  const { accounts, activity, uploads } = app.core
  const owner = await accounts.owner()
  return {
    ...app,
    pid: process.pid,
    close,
    url: `http://127.0.0.1:${app.port}${config.server.base_path}`,
    folder,
    firstSecrets: app.firstStart?.secrets,
    key: app.firstStart?.secrets?.key ?? '',
    accounts,
    log: () => lines.join(''),
    wholeLog: async () => lines.join(''),
    activityKept: () => activity.flush(),
    isUploading: async (accountId = owner.id) =>
      uploads.reservations.reservedBy(accountId) > 0 || (await readdir(join(folder, 'tmp'))).length > 0,
    ...peopleOf(app.catalogue, owner),
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { type App, openApp, type Overrides as Parts } from '../../src/app.ts'
import { configWith, type Overrides } from '../../src/config/index.ts'
import { type KeyWish, makeKey } from '../../src/core/keys.ts'
import type { Account } from '../../src/core/model.ts'
import { hashPassword } from '../../src/core/passwords.ts'
import { atEnd } from './at-end.ts'

/** A folder of the test's own, gone when the test is over. */
export async function temporaryFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-test-'))
  atEnd(t, () => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A server of the test's own, on a free port of the loopback, with an account and its key. */
export interface TestApp extends App {
  /** `http://127.0.0.1:PORT`, base path included. */
  readonly url: string
  readonly folder: string
  /** The first start's key: of the owner, good for everything. */
  readonly key: string
  /** Everything logged so far. */
  readonly log: () => string
  /** The owner's account. */
  readonly owner: Account
  /** Another key for an account; the owner's where none is named. Expired ones are made with a time in the past. */
  newKey(wish?: Partial<KeyWish>, account?: Account): Promise<{ id: string; text: string }>
  /** Another account, verified, with the password `correct horse`. */
  newAccount(email: string): Promise<Account>
}

/** Opens the whole application for one test and closes it afterwards. The limits are off unless asked for. */
export async function openTestApp(
  t: Pick<TestContext, 'after'>,
  overrides: Overrides = {},
  parts: Parts = {},
): Promise<TestApp> {
  const folder = typeof overrides['data.dir'] === 'string' ? overrides['data.dir'] : await temporaryFolder(t)
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const config = configWith({
    'server.host': '127.0.0.1',
    'server.port': 0,
    'data.reserve': '1 MiB',
    'limits.auth': 'off',
    'limits.api': 'off',
    'limits.upload': 'off',
    'server.shutdown_grace': '1s',
    ...overrides,
    'data.dir': folder,
  })
  const app = await openApp(config, log, parts)
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await app.close()
  }
  atEnd(t, close)
  const owner = await app.core.accounts.owner()
  return {
    ...app,
    close,
    url: `http://127.0.0.1:${app.port}${config.server.base_path}`,
    folder,
    key: app.firstStart?.key ?? '',
    log: () => lines.join(''),
    owner,
    newKey: async (wish = {}, account = owner) => {
      const { expiresAt, ...rest } = wish
      const { text, row } = makeKey(account.id, { kind: 'ak', ...rest }, Date.now())
      await app.catalogue.write.createKey({ ...row, expiresAt: expiresAt ?? null })
      return { id: row.id, text }
    },
    newAccount: async (email) => {
      const passwordHash = await knownHash()
      const account = { id: crypto.randomUUID(), email, passwordHash, isOwner: false, verified: true, now: Date.now() }
      return app.catalogue.write.createAccount(account)
    },
  }
}

/** The hash of everybody's password: made once, because it takes its time on purpose. */
function knownHash(): Promise<string> {
  hash ??= hashPassword('correct horse')
  return hash
}

let hash: Promise<string> | undefined

/** The header by which a key opens an API door. */
export function withKey(key: string): Record<string, string> {
  return { Authorization: `Bearer ${key}` }
}

/** A form with one file, as a browser would send it. */
export function formWith(
  bytes: Uint8Array | string,
  name = 'file.txt',
  type = 'text/plain',
  fields: Record<string, string> = {},
): FormData {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.set(field, value)
  form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>], { type }), name)
  return form
}

/** Uploads by AetherCDN's door and gives the answered file. */
export async function upload(
  app: Pick<TestApp, 'url' | 'key'>,
  bytes: Uint8Array | string,
  name = 'file.txt',
  type = 'text/plain',
  fields: Record<string, string> = {},
): Promise<{ id: string; name: string; size: number; url: string; [field: string]: unknown }> {
  const response = await fetch(`${app.url}/api/v1/files/upload`, {
    method: 'POST',
    headers: withKey(app.key),
    body: formWith(bytes, name, type, fields),
  })
  const body = (await response.json()) as { file?: { id: string; name: string; size: number; url: string } }
  if (!body.file) throw new Error(`upload refused: ${response.status} ${JSON.stringify(body)}`)
  return body.file
}

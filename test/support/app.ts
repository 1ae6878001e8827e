import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { OpenCatalogue } from '../../src/catalogue/index.ts'
import type { Overrides } from '../../src/config/index.ts'
import type { Accounts, FirstSecrets } from '../../src/core/accounts.ts'
import type { KeyWish } from '../../src/core/keys.ts'
import type { Account } from '../../src/core/model.ts'
import { atEnd } from './at-end.ts'
import type { MovingClock } from './clock.ts'

/** A folder of the test's own, gone when the test is over. */
export async function temporaryFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-test-'))
  atEnd(t, () => rm(folder, { recursive: true, force: true }))
  return folder
}

/**
 * A server of the test's own, on a free port of the loopback, with an account and its key. All of it can be had from
 * outside: by HTTP, in the data folder, in what the server prints. What only its own process knows is in `InnerApp`.
 */
export interface TestApp {
  /** `http://127.0.0.1:PORT`, base path included. */
  readonly url: string
  readonly port: number
  /** The process that serves. */
  readonly pid: number
  readonly folder: string
  /** What the very first start on a data folder shows once. */
  readonly firstSecrets: FirstSecrets | undefined
  /** The first start's key: of the owner, good for everything. */
  readonly key: string
  /** The owner's account. */
  readonly owner: Account
  /** The catalogue, as a command beside the server has it. */
  readonly catalogue: Beside
  /** What the command line does with accounts. */
  readonly accounts: Accounts
  /** What is in the log by now; the last lines may be on their way. */
  log(): string
  /** The log with all that was answered so far in it. */
  wholeLog(): Promise<string>
  /** Resolves once usage and requests so far are in the catalogue: they are written a moment later. */
  activityKept(): Promise<void>
  /** Whether an upload holds quota of the account, the owner's where none is named, or has bytes in `tmp`. */
  isUploading(accountId?: string): Promise<boolean>
  /** Another key for an account; the owner's where none is named. Expired ones are made with a time in the past. */
  newKey(wish?: Partial<KeyWish>, account?: Account): Promise<{ id: string; text: string }>
  /** Another account, verified, with the password `correct horse`. */
  newAccount(email: string): Promise<Account>
  /** Stops the server in order. It is done at the test's end, too. */
  close(): Promise<void>
}

/** Nothing of it can be put in place of the server's own: that is in another process. */
export interface Beside {
  readonly read: Readonly<OpenCatalogue['read']>
  readonly write: Readonly<OpenCatalogue['write']>
  readonly audit: Readonly<OpenCatalogue['audit']>
}

/** What a test may put in place, of a server that it otherwise sees from outside. */
export interface Surroundings {
  readonly clock?: MovingClock
}

/**
 * Starts a server for one test and stops it afterwards. The limits are off unless asked for. It is a part of the test's own
 * process, which is quick; where `LARDER_EXECUTABLE` names a file, it is a process of that. A test cannot tell which.
 */
export async function openTestApp(
  t: Pick<TestContext, 'after'>,
  overrides: Overrides = {},
  surroundings: Surroundings = {},
): Promise<TestApp> {
  if (process.env.LARDER_EXECUTABLE) {
    const { openOuterApp } = await import('./outer-app.ts')
    return openOuterApp(t, overrides, surroundings)
  }
  const { openInnerApp } = await import('./inner-app.ts')
  return openInnerApp(t, overrides, surroundings)
}

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

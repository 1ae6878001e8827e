import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { stringify } from 'smol-toml'
import type { Overrides } from '../../src/config/index.ts'
import { Accounts } from '../../src/core/accounts.ts'
import { systemClock } from '../../src/store.ts'
import { type Surroundings, type TestApp, temporaryFolder } from './app.ts'
import { settingsWith } from './app-settings.ts'
import { atEnd } from './at-end.ts'
import { openBeside } from './beside.ts'
import { peopleOf } from './people.ts'
import { keyIn, type Serving, spawnServer } from './process.ts'
import { until } from './state.ts'

/** As `openTestApp`, in a process of its own. */
export async function openOuterApp(
  t: Pick<TestContext, 'after'>,
  overrides: Overrides,
  { clock }: Surroundings,
): Promise<TestApp> {
  const own = await temporaryFolder(t)
  const folder = typeof overrides['data.dir'] === 'string' ? overrides['data.dir'] : join(own, 'data')
  const settings = settingsWith(overrides, folder)
  const config = join(own, 'config.toml')
  await writeFile(config, tomlOf(settings))
  const args = ['--config', config, ...textsOf(settings), '--set', 'log.level=trace']
  const ahead = join(own, 'ahead')
  const letGo = clock?.keepIn(ahead)
  const server = spawnServer(t, folder, { args, env: clock ? goingBy(ahead) : {} })
  const [, port = ''] = await server.found(/"port":(\d+),.*"msg":"serving"/)
  const catalogue = openBeside(folder)
  const close = closing(server, () => {
    letGo?.()
    catalogue.close()
  })
  atEnd(t, close)
  const accounts = new Accounts({ catalogue: catalogue as never, clock: clock ?? systemClock })
  const url = `http://127.0.0.1:${port}${settings['server.base_path'] ?? ''}`
  const key = keyIn(server.output())
  const setUpToken = /\/app\/set-up\?token=(\S+)/.exec(server.output())?.[1] ?? ''
  return {
    url,
    port: Number(port),
    pid: server.child.pid ?? 0,
    folder,
    firstSecrets: key === '' ? undefined : { key, setUpToken },
    key,
    catalogue,
    accounts,
    close,
    ...logOf(server, url),
    activityKept: () => new Promise((resolve) => setTimeout(resolve, activityKeptAfterMs)),
    // The quota that it holds is the process's own affair.
    isUploading: async () => (await readdir(join(folder, 'tmp'))).length > 0,
    ...peopleOf(catalogue, await accounts.owner()),
  }
}

/** They are written a second later. */
const activityKeptAfterMs = 1_300

/** What is a text in a test is one in a flag; anything else is as in a file. */
function textsOf(settings: Overrides): string[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    typeof value === 'string' && !fixed.has(name) ? ['--set', `${name}=${value}`] : [],
  )
}

/** Which `serve` is told by options of its own. */
const fixed: ReadonlySet<string> = new Set(['server.host', 'server.port', 'data.dir'])

function tomlOf(settings: Overrides): string {
  const document: Record<string, Record<string, unknown>> = {}
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'string') continue
    const [section = '', key] = name.split('.')
    if (key === undefined) document[section] = value as Record<string, unknown>
    else document[section] = { ...document[section], [key]: value }
  }
  return stringify(document)
}

/** Debian's libfaketime stands between a process and the system's clock; time-outs and timers go on as they are. */
function goingBy(file: string): Record<string, string> {
  const library = faketimeLibrary()
  if (!existsSync(library)) throw new Error(`this test needs ${library}: apt-get install libfaketime`)
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
}

/** Where Debian has it, for programs with threads. */
export function faketimeLibrary(): string {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  return `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`
}

function closing(server: Serving, first: () => void): () => Promise<void> {
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    first()
    const { code, signal } = await server.stop('SIGTERM')
    if (code !== 0) throw new Error(`the server ended with ${code ?? signal}: ${server.output().slice(-2_000)}`)
  }
  return () => {
    closing ??= close()
    return closing
  }
}

/** The log is what is printed but for the greeting, whose secrets are shown to whoever started the server. */
function logOf(server: Serving, url: string): Pick<TestApp, 'log' | 'wholeLog'> {
  const log = (): string => {
    const lines = server.output().split('\n').slice(0, -1)
    return lines.flatMap((line) => (line.startsWith('{') ? `${line}\n` : [])).join('')
  }
  const wholeLog = async (): Promise<string> => {
    const mark = `/is-this-logged/${crypto.randomUUID()}`
    await (await fetch(url + mark)).arrayBuffer()
    await until('the log to be written', () => server.output().includes(mark))
    return log()
  }
  return { log, wholeLog }
}

import { existsSync } from 'node:fs'
import { after, type TestContext } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { atEnd } from './at-end.ts'

const executablePath = '/usr/bin/chromium'
export const hasBrowser = (): boolean => existsSync(executablePath)
const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map((what) => `--disable-${what}`)

/** A browser for all tests of a file, which takes some names for this machine's: nobody is asked who they belong to. */
export class TestBrowser {
  readonly #names: readonly string[]
  #browser: Promise<Browser> | undefined

  constructor(names: readonly string[]) {
    this.#names = names
    after(async () => (await this.#browser)?.close())
  }

  /** A page with cookies of its own, closed when the test is over. */
  async open(t: Pick<TestContext, 'after'>, options: BrowserContextOptions = {}): Promise<Page> {
    this.#browser ??= chromium.launch({ executablePath, args: this.#args() })
    const context = await (await this.#browser).newContext(options)
    atEnd(t, () => context.close())
    context.setDefaultTimeout(15_000)
    return context.newPage()
  }

  #args(): string[] {
    const rules = this.#names.map((name) => `MAP ${name} 127.0.0.1`).join(', ')
    return ['--headless', '--no-sandbox', '--no-first-run', `--host-resolver-rules=${rules}`, ...quiet]
  }
}

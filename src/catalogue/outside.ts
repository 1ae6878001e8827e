import type Database from 'better-sqlite3'
import { type Touched, untouched } from './transactions/context.ts'

interface ChangeRow {
  seq: number
  kind: string
  subject: string
}

/**
 * How old a look may be, in milliseconds. Whoever ran a command has it back later than this after its commit, so the next
 * request of anybody who knows of it still feels it; and thousands of requests a second share one look.
 */
const looksEveryMs = 1

/**
 * Notices what another process (the command line) changed. `PRAGMA data_version` moves with every commit that is not this
 * connection's and costs about 4 microseconds; only when it moved is the list of changes read, by its end.
 */
export class OutsideChanges {
  readonly #dataVersion: Database.Statement
  readonly #since: Database.Statement
  #version: unknown
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #last: number

  constructor(raw: Database.Database) {
    this.#dataVersion = raw.prepare('PRAGMA data_version').pluck()
    this.#since = raw.prepare('SELECT seq, kind, subject FROM outside_changes WHERE seq > ? ORDER BY seq')
    this.#last = raw.prepare('SELECT coalesce(max(seq), 0) FROM outside_changes').pluck().get() as number
    this.#version = this.#dataVersion.get()
  }

  /** What changed since the last call; undefined where nothing did. */
  take(): Touched | undefined {
    const now = performance.now()
    if (now - this.#lookedAtMs < looksEveryMs) return undefined
    this.#lookedAtMs = now
    const version = this.#dataVersion.get()
    if (version === this.#version) return undefined
    this.#version = version
    const rows = this.#since.all(this.#last) as ChangeRow[]
    if (rows.length === 0) return undefined
    this.#last = rows.at(-1)?.seq ?? this.#last
    const touched = untouched()
    for (const { kind, subject } of rows) {
      if (kind === 'account') touched.accounts.push(subject)
      if (kind === 'key') touched.keys.push(subject)
      if (kind === 'file' && subject === '*') touched.everyFile = true
      else if (kind === 'file') touched.files.push(subject)
    }
    return touched
  }
}

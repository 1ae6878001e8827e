import { type Caller, requireMay } from './caller.ts'
import type { Catalogue, ListedRequest, Page, RequestRecord, SentRecord } from './catalogue.ts'
import type { FileEntry } from './model.ts'
import { monthOf } from './months.ts'
import type { Clock } from './ports.ts'

/** How long what happened waits to be written down, at most: that much a power cut may take. */
const flushAfterMs = 1_000
/** Requests held at most; what comes past it while the disk is slow is dropped, and said so. */
const heldAtMost = 50_000
/** Rows written at once: some milliseconds. */
const rowsAtOnce = 50

/** Requests, bytes sent and keys' last use: gathered in memory, written in batches. Never in a request's way. */
export class ActivityLog {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #report: (error: unknown) => void
  #requests: RequestRecord[] = []
  #sent = new Map<string, SentRecord>()
  #keysUsed = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()
  #dropped = 0

  constructor(parts: { catalogue: Catalogue; clock: Clock; report: (error: unknown) => void }) {
    this.#catalogue = parts.catalogue
    this.#clock = parts.clock
    this.#report = parts.report
  }

  request(record: RequestRecord): void {
    if (this.#requests.length < heldAtMost) this.#requests.push(record)
    else this.#dropped++
    if (record.keyId !== null) this.#keysUsed.set(record.keyId, record.at)
    this.#schedule()
  }

  /** An answer with a body that a file's bytes, or a picture made of them, went into. */
  sent(file: FileEntry, bytes: number, imageOps: number): void {
    const month = monthOf(this.#clock.now())
    const id = `${file.fileId} ${month}`
    const known = this.#sent.get(id)
    this.#sent.set(id, {
      accountId: file.accountId,
      fileId: file.fileId,
      month,
      bytes: (known?.bytes ?? 0) + bytes,
      reads: (known?.reads ?? 0) + (bytes > 0 ? 1 : 0),
      imageOps: (known?.imageOps ?? 0) + imageOps,
    })
    this.#schedule()
  }

  /** The requests that an account made, newest first, with what the last moments brought. */
  async requests(caller: Caller, page: Page): Promise<{ requests: ListedRequest[]; total: number }> {
    requireMay(caller, 'requests:read')
    await this.flush()
    return this.#catalogue.read.requests(caller.account.id, page)
  }

  /** Writes down what is gathered. A failure is reported and loses it: files matter more than figures about them. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flushing = this.#flushing.then(() => this.#writeDown()).catch(this.#report)
    return this.#flushing
  }

  /** A little at a time: it is written by the thread that writes files' rows, and those must not wait for it. */
  async #writeDown(): Promise<void> {
    const requests = this.#requests
    const sent = [...this.#sent.values()]
    const keysUsed = [...this.#keysUsed].map(([keyId, at]) => ({ keyId, at }))
    this.#requests = []
    this.#sent = new Map()
    this.#keysUsed = new Map()
    if (this.#dropped > 0)
      this.#report(new Error(`${this.#dropped} requests were not written down: the disk is too slow`))
    this.#dropped = 0
    const rows = Math.max(requests.length, sent.length, keysUsed.length)
    for (let at = 0; at < rows; at += rowsAtOnce) {
      const piece = <T>(list: readonly T[]): T[] => list.slice(at, at + rowsAtOnce)
      await this.#catalogue.write.recordActivity({
        requests: piece(requests),
        sent: piece(sent),
        keysUsed: piece(keysUsed),
      })
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.flush(), flushAfterMs).unref()
  }
}

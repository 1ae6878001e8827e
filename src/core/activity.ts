import type { Activity, CatalogueWrites, RequestRecord, SentRecord } from './catalogue.ts'
import { monthOf } from './files.ts'
import type { FileEntry } from './model.ts'
import type { Clock } from './ports.ts'

/** How long what happened waits to be written down, at most: that much a power cut may take. */
const flushAfterMs = 1_000
/** Requests held at most; what comes past it while the disk is slow is dropped, and said so. */
const heldAtMost = 50_000

/** Requests, bytes sent and keys' last use: gathered in memory, written in batches. Never in a request's way. */
export class ActivityLog {
  readonly #write: CatalogueWrites
  readonly #clock: Clock
  readonly #report: (error: unknown) => void
  #requests: RequestRecord[] = []
  #sent = new Map<string, SentRecord>()
  #keysUsed = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: { write: CatalogueWrites; clock: Clock; report: (error: unknown) => void }) {
    this.#write = parts.write
    this.#clock = parts.clock
    this.#report = parts.report
  }

  request(record: RequestRecord): void {
    if (this.#requests.length < heldAtMost) this.#requests.push(record)
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
      reads: (known?.reads ?? 0) + 1,
      imageOps: (known?.imageOps ?? 0) + imageOps,
    })
    this.#schedule()
  }

  /** Writes down what is gathered. A failure is reported and loses it: files matter more than figures about them. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const activity: Activity = {
      requests: this.#requests,
      sent: [...this.#sent.values()],
      keysUsed: [...this.#keysUsed].map(([keyId, at]) => ({ keyId, at })),
    }
    this.#requests = []
    this.#sent = new Map()
    this.#keysUsed = new Map()
    if (activity.requests.length + activity.sent.length + activity.keysUsed.length === 0) return
    await this.#write.recordActivity(activity).catch(this.#report)
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.flush(), flushAfterMs).unref()
  }
}

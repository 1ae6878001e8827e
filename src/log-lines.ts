import { write, writeSync } from 'node:fs'

/** Gathered for so long, or until there is so much. */
const gatherMs = 200
const gatherBytes = 4_096
/** Kept in memory where the reader is slow; what comes beyond is lost. */
const keptBytes = 8 * 1024 * 1024
/** How long the end waits for a reader that does not read. */
const flushMs = 2_000
const retryMs = 20

/**
 * Lines on their way to a descriptor: gathered for a moment and written together, off the event loop. What a crash loses of
 * them is the last few. A full disk behind it, or a reader that left, costs lines and nothing else: no log is worth the files.
 */
export class LogLines {
  readonly #fd: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isWriting = false
  #timer: NodeJS.Timeout | undefined
  #flushed: (() => void)[] = []

  constructor(fd: number) {
    this.#fd = fd
    process.once('exit', () => this.#writeAtExit())
  }

  write(line: string): void {
    if (this.#waitingBytes > keptBytes) return
    const bytes = Buffer.from(line)
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= gatherBytes) this.#writeAll()
    else this.#timer ??= setTimeout(() => this.#writeAll(), gatherMs).unref()
  }

  /** Tells when all that was said is out, or cannot be got out. */
  flush(done: (error?: Error) => void = () => {}): void {
    const once = { call: done }
    const settle = (): void => {
      clearTimeout(timer)
      once.call()
      once.call = () => {}
    }
    const timer = setTimeout(settle, flushMs)
    this.#flushed.push(settle)
    this.#writeAll()
  }

  #writeAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isWriting) return
    if (this.#waiting.length === 0) {
      for (const tell of this.#flushed.splice(0)) tell()
      return
    }
    const bytes = this.#take()
    this.#isWriting = true
    this.#write(bytes, () => {
      this.#isWriting = false
      this.#writeAll()
    })
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    return bytes
  }

  #write(bytes: Buffer, done: () => void): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.#write(bytes, done), retryMs)
      if (error || written === bytes.length) return done()
      this.#write(bytes.subarray(written), done)
    })
  }

  /** One try: a process that ends waits for nobody. */
  #writeAtExit(): void {
    if (this.#isWriting || this.#waiting.length === 0) return
    try {
      writeSync(this.#fd, this.#take())
    } catch {
      // Lost, as above.
    }
  }
}

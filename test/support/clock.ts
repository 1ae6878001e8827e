import { writeFileSync } from 'node:fs'

/** A server's clock, which a test may set ahead, or back. */
export class MovingClock {
  #aheadMs = 0
  readonly #files = new Set<string>()

  /** Milliseconds that the server's clock is ahead of the test's. */
  get aheadMs(): number {
    return this.#aheadMs
  }

  set aheadMs(ms: number) {
    this.#aheadMs = ms
    for (const file of this.#files) this.#write(file)
  }

  /** Sets it to a time, from which it goes on. */
  goTo(time: string): void {
    this.aheadMs = Date.parse(time) - Date.now()
  }

  now(): number {
    return Date.now() + this.#aheadMs
  }

  /**
   * Keeps a file that says how far ahead it is, as libfaketime reads it, so that a process of its own goes by this clock.
   * Gives what ends that.
   */
  keepIn(file: string): () => void {
    this.#files.add(file)
    this.#write(file)
    return () => void this.#files.delete(file)
  }

  #write(file: string): void {
    const seconds = (this.#aheadMs / 1_000).toFixed(3)
    writeFileSync(file, this.#aheadMs < 0 ? seconds : `+${seconds}`)
  }
}

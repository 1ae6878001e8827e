import type { Worker } from 'node:worker_threads'
import { startThread } from '../assets.ts'
import type { CatalogueWrites } from '../core/catalogue.ts'
import type { Answer } from './batch.ts'
import { uncarry } from './failures.ts'
import type { Touched } from './transactions/context.ts'
import { type TransactionName, transactions } from './transactions/index.ts'
import type { WriterData } from './writer-thread.ts'

interface Pending {
  resolve(output: unknown): void
  reject(error: Error): void
}

/** The main thread's end of the writer: each write is a message, answered once it is on disk. */
export class Writer {
  readonly write: CatalogueWrites
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  readonly #onTouched: (touched: Touched) => void
  readonly #onDeath: (error: Error) => void
  #lastId = 0
  #closing = false
  #ended: Error | undefined

  /** @param onDeath told when the thread ends without having been asked to: from then on nothing can be written. */
  constructor(data: WriterData, onTouched: (touched: Touched) => void, onDeath: (error: Error) => void) {
    this.#onDeath = onDeath
    this.#onTouched = onTouched
    this.#worker = startThread('writer', data)
    this.#worker.on('message', (answers: Answer[]) => this.#settle(answers))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('the catalogue is closed')))
    const names = Object.keys(transactions) as TransactionName[]
    this.write = Object.fromEntries(
      names.map((name) => [name, (input: unknown) => this.#send(name, input)]),
    ) as unknown as CatalogueWrites
  }

  /** Finishes what waits, then ends the thread. */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#closing = true
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.postMessage('close')
    await exited
  }

  #send(name: TransactionName, input: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      const id = ++this.#lastId
      this.#pending.set(id, { resolve, reject })
      this.#worker.postMessage({ id, name, input })
    })
  }

  #settle(answers: Answer[]): void {
    for (const answer of answers) {
      const pending = this.#pending.get(answer.id)
      this.#pending.delete(answer.id)
      if ('failure' in answer) {
        pending?.reject(uncarry(answer.failure))
        continue
      }
      // Before the caller knows: nobody may read an old row after a write was answered.
      this.#onTouched(answer.touched)
      pending?.resolve(answer.output)
    }
  }

  /** A dead writer fails all that waits: what was not answered was perhaps not done. */
  #end(error: Error): void {
    if (!this.#ended && !this.#closing) this.#onDeath(error)
    this.#ended ??= error
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}

import { Failure } from './failure.ts'
import type { PartStore } from './ports.ts'

const turnsOfStores = new WeakMap<PartStore, Turns>()

/** The turns at a store's uploads, which all share who work on its parts: requests, and what the server does by itself. */
export function turnsAt(store: PartStore): Turns {
  const turns = turnsOfStores.get(store) ?? new Turns()
  turnsOfStores.set(store, turns)
  return turns
}

/**
 * Whose turn it is with an upload, in this process: whoever ends it has it alone, one after the other; parts are noted beside
 * each other, and not while somebody has it alone or waits to.
 */
export class Turns {
  readonly #alone = new Map<string, Promise<unknown>>()
  readonly #beside = new Map<string, Set<Promise<unknown>>>()

  /** Does something with an upload when nobody else does. */
  async alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#alone.get(id)
    const mine = Promise.allSettled([before, ...(this.#beside.get(id) ?? [])]).then(work)
    this.#alone.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#alone.get(id) === mine) this.#alone.delete(id)
    }
  }

  /** Does something beside others. @throws Failure `conflict` where somebody has the upload alone. */
  async beside<T>(id: string, work: () => Promise<T>): Promise<T> {
    this.requireFree(id)
    const mine = work()
    const all = this.#beside.get(id) ?? new Set()
    this.#beside.set(id, all.add(mine))
    try {
      return await mine
    } finally {
      all.delete(mine)
      if (all.size === 0) this.#beside.delete(id)
    }
  }

  /** Whether somebody has the upload alone, or waits to. */
  isTaken(id: string): boolean {
    return this.#alone.has(id)
  }

  /** @throws Failure `conflict`. */
  requireFree(id: string): void {
    if (this.isTaken(id))
      throw new Failure('conflict', {
        what: 'upload',
        id,
        why: 'this upload is being completed: it takes no more parts',
      })
  }
}

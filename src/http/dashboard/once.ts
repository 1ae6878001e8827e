import { LRUCache } from 'lru-cache'
import { newToken } from '../../core/secrets.ts'

const lifeMs = 60_000
const most = 1_000

/**
 * Things on their way from the form that made them to the page that shows them, once: that page can be reloaded without
 * making another, and no address ever carries the thing itself. In memory, and only for a moment.
 */
export class Once<T extends object> {
  readonly #kept: LRUCache<string, T>

  constructor(forMs = lifeMs) {
    // Purged by the clock, and not when somebody happens to look: these are secrets.
    this.#kept = new LRUCache({ max: most, ttl: forMs, ttlAutopurge: true })
  }

  /** The id under which this session, and no other, may take the thing. */
  keep(sessionId: string, thing: T): string {
    const id = newToken()
    this.#kept.set(keyOf(sessionId, id), thing)
    return id
  }

  /** The thing, which is gone with this; undefined where it is gone already, or somebody else's. */
  take(sessionId: string, id: string): T | undefined {
    const key = keyOf(sessionId, id)
    const thing = this.#kept.get(key)
    this.#kept.delete(key)
    return thing
  }
}

const keyOf = (sessionId: string, id: string): string => `${sessionId} ${id}`

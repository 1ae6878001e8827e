import { LRUCache } from 'lru-cache'
import type { CatalogueReads, KeyHolder } from '../core/catalogue.ts'
import type { Account, FileEntry } from '../core/model.ts'
import type { Digest } from '../core/ports.ts'
import type { Touched } from './transactions/context.ts'

/** What rows of files may take in memory, about; one is 500 bytes, and up to 20 KB with a long description and many tags. */
const filesKeptBytes = 16 * 1024 * 1024
const rowBytes = 500
const keysKept = 5_000
const accountsKept = 5_000

/** The reads that are remembered. */
type Reads = Pick<CatalogueReads, 'file' | 'keyByDigest' | 'account'>

/**
 * What nearly every request reads, remembered: a key's holder, a file by its handle, an account by its id. A row is dropped by its
 * id when a transaction touches it, so that other rows stay, however many uploads come.
 */
export class Remembered {
  readonly #files = new LRUCache<string, FileEntry>({
    maxSize: filesKeptBytes,
    sizeCalculation: ({ name, description, tags }) =>
      rowBytes + 2 * (name.length + description.length + tags.join().length),
  })
  readonly #keys = new LRUCache<Digest, KeyHolder>({ max: keysKept })
  readonly #accounts = new LRUCache<string, Account>({ max: accountsKept })
  readonly #reads: Reads
  /** Moves with every drop, so that a row read before a change is never remembered after it. */
  #generation = 0
  hits = 0
  misses = 0

  constructor(reads: Reads) {
    this.#reads = reads
  }

  file(fileId: string): Promise<FileEntry | undefined> {
    return this.#remember(this.#files, fileId, () => this.#reads.file(fileId))
  }

  keyByDigest(digest: Digest): Promise<KeyHolder | undefined> {
    return this.#remember(this.#keys, digest, () => this.#reads.keyByDigest(digest))
  }

  account(id: string): Promise<Account | undefined> {
    return this.#remember(this.#accounts, id, () => this.#reads.account(id))
  }

  drop(touched: Touched): void {
    this.#generation++
    for (const fileId of touched.files) this.#files.delete(fileId)
    if (touched.everyFile) this.#files.clear()
    for (const id of touched.accounts) this.#accounts.delete(id)
    if (touched.accounts.length === 0 && touched.keys.length === 0) return
    for (const [digest, { key, account }] of this.#keys.entries()) {
      if (touched.keys.includes(key.id) || touched.accounts.includes(account.id)) this.#keys.delete(digest)
    }
  }

  async #remember<V extends object>(
    cache: LRUCache<string, V>,
    id: string,
    read: () => Promise<V | undefined>,
  ): Promise<V | undefined> {
    const known = cache.get(id)
    if (known) {
      this.hits++
      return known
    }
    this.misses++
    const generation = this.#generation
    const found = await read()
    if (found && generation === this.#generation) cache.set(id, found)
    return found
  }
}

import { dirname } from 'node:path'
import type { Disk } from './disk.ts'

interface Sync {
  running: Promise<void>
  next: Promise<void> | undefined
}

/**
 * Folders and their syncs. A sync covers only what was there when it began, so whoever comes while one runs waits for the
 * next, and all who wait share it.
 *
 * A folder's own name lies in its parent. It counts as new until a sync of the parent has ended in this process, whoever
 * made it: a folder left by a process that was killed may not be on the disk yet.
 */
export class Folders {
  readonly #disk: Disk
  readonly #root: string
  readonly #syncs = new Map<string, Sync>()
  readonly #settled = new Set<string>()

  /** @param root exists and is on the disk already, with all above it. */
  constructor(disk: Disk, root: string) {
    this.#disk = disk
    this.#root = root
  }

  /** Makes a folder below the root, with those above it. Not yet on the disk: `settle` sees to that. */
  async make(folder: string): Promise<void> {
    if (folder === this.#root || this.#settled.has(folder)) return
    await this.make(dirname(folder))
    await this.#disk.makeFolder(folder)
  }

  /** Resolves when the folder's names, and the folder itself, would survive a power cut. */
  async settle(folder: string): Promise<void> {
    await Promise.all([this.sync(folder), this.#settleName(folder)])
  }

  async sync(folder: string): Promise<void> {
    const current = this.#syncs.get(folder)
    if (!current) return this.#start(folder)
    current.next ??= current.running.catch(() => {}).then(() => this.#start(folder))
    return current.next
  }

  async #settleName(folder: string): Promise<void> {
    if (folder === this.#root || this.#settled.has(folder)) return
    const parent = dirname(folder)
    await Promise.all([this.sync(parent), this.#settleName(parent)])
    this.#settled.add(folder)
  }

  #start(folder: string): Promise<void> {
    const running = this.#disk.syncFolder(folder)
    const sync: Sync = { running, next: undefined }
    this.#syncs.set(folder, sync)
    return running.finally(() => {
      if (this.#syncs.get(folder) === sync && sync.next === undefined) this.#syncs.delete(folder)
    })
  }
}

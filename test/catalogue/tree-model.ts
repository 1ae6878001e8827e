import type { HistoryEvent } from '../../src/core/model.ts'
import { foldersAbove, isFolderPath, isWithin, parentPath } from '../../src/core/paths.ts'

/** What is at a path: of a folder, only when it came there. */
export interface Place {
  readonly size: number | null
  readonly tx: number
}

export type Refusal = 'not_found' | 'conflict' | 'invalid'

/** The whole tree of an account in memory: paths and what is there. As plain as can be, to be believed. */
export class TreeModel {
  readonly places = new Map<string, Place>()

  /** What the catalogue would say to such a change; undefined: yes. */
  refusal(change: Pick<HistoryEvent, 'action' | 'path' | 'target'>): Refusal | undefined {
    const { action, path, target } = change
    if (action === 'delete') return this.places.has(path) ? undefined : 'not_found'
    if (action === 'put') return this.#isOpen(path) && !this.places.has(`${path}/`) ? undefined : 'conflict'
    if (action === 'mkdir') return this.#isFree(path) ? undefined : 'conflict'
    const to = target ?? ''
    if (!this.places.has(path)) return 'not_found'
    if (isFolderPath(path) && to !== path && isWithin(to, path)) return 'invalid'
    return this.#isFree(to) ? undefined : 'conflict'
  }

  /** Does what an event says. @throws where it cannot have happened. */
  apply(event: HistoryEvent): void {
    const { tx, action, path, target, size } = event
    const refused = this.refusal(event)
    if (refused) throw new Error(`${tx} ${action} ${path} ${target ?? ''}: ${refused}`)
    if (action === 'delete') {
      for (const there of this.#from(path)) this.places.delete(there)
      return
    }
    for (const above of foldersAbove(target ?? path))
      if (!this.places.has(above)) this.places.set(above, { size: null, tx })
    if (action !== 'move') return void this.places.set(path, { size, tx })
    for (const there of this.#from(path)) {
      const place = this.places.get(there) as Place
      this.places.delete(there)
      this.places.set(`${target}${there.slice(path.length)}`, there === path ? { ...place, tx } : place)
    }
  }

  /** Files below a folder, and folders that hold nothing. */
  countOf(path: string): number {
    const below = this.#from(path)
    const isEmpty = (folder: string) => !below.some((there) => parentPath(there) === folder)
    return below.filter((there) => !isFolderPath(there) || isEmpty(there)).length
  }

  #from(path: string): string[] {
    return isFolderPath(path) ? [...this.places.keys()].filter((there) => isWithin(there, path)) : [path]
  }

  /** Whether no file is in the way of it. */
  #isOpen(path: string): boolean {
    return foldersAbove(path).every((above) => !this.places.has(above.slice(0, -1)))
  }

  #isFree(path: string): boolean {
    const bare = isFolderPath(path) ? path.slice(0, -1) : path
    return this.#isOpen(path) && !this.places.has(bare) && !this.places.has(`${bare}/`)
  }
}

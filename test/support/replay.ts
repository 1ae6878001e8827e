import { foldersAbove, isFolderPath } from '../../src/core/paths.ts'
import type { EventBody } from './storage.ts'

/** A tree in memory, made from nothing but what a log tells. */
export class Replay {
  /** Paths of files with their sizes. */
  readonly files = new Map<string, number>()
  readonly folders = new Set<string>()

  /** @throws Error where an event cannot have happened after those before it. */
  apply({ tx, action, path, to = '', size }: EventBody): void {
    const must = (isSo: boolean, what: string): void => {
      if (!isSo) throw new Error(`${tx} ${action} ${path} ${to}: ${what}`)
    }
    const isFolder = isFolderPath(path)
    if (action === 'put') {
      must(!this.folders.has(`${path}/`), 'a folder is there')
      this.#make(path, must)
      this.files.set(path, size ?? 0)
    } else if (action === 'mkdir') {
      must(!this.folders.has(path), 'it is there')
      this.#make(path, must)
      this.folders.add(path)
    } else {
      must(isFolder ? this.folders.has(path) : this.files.has(path), 'there is nothing')
      const moved = this.#take(path)
      if (action === 'delete') return
      must(
        !this.files.has(to.replace(/\/$/, '')) && !this.folders.has(`${to.replace(/\/$/, '')}/`),
        'the target is taken',
      )
      must(!to.startsWith(path) || !isFolder, 'into itself')
      this.#make(to, must)
      for (const [below, bytes] of moved.files) this.files.set(to + below, bytes)
      for (const below of moved.folders) this.folders.add(to + below)
    }
  }

  get bytes(): number {
    return [...this.files.values()].reduce((sum, size) => sum + size, 0)
  }

  /** Adds the folders above a path. */
  #make(path: string, must: (isSo: boolean, what: string) => void): void {
    for (const folder of foldersAbove(path)) {
      must(!this.files.has(folder.slice(0, -1)), `${folder} is a file`)
      this.folders.add(folder)
    }
  }

  /** Takes a file, or a folder with all below, out; what it gives is named as it lay below the path. */
  #take(path: string): { files: [string, number][]; folders: string[] } {
    if (!isFolderPath(path)) {
      const size = this.files.get(path) ?? 0
      this.files.delete(path)
      return { files: [['', size]], folders: [] }
    }
    const files = [...this.files].filter(([one]) => one.startsWith(path))
    const folders = [...this.folders].filter((one) => one.startsWith(path))
    for (const [one] of files) this.files.delete(one)
    for (const one of folders) this.folders.delete(one)
    const below = (one: string): string => one.slice(path.length)
    return { files: files.map(([one, size]) => [below(one), size]), folders: folders.map(below) }
  }
}

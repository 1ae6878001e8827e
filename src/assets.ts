import { getAsset, getRawAsset, isSea } from 'node:sea'
import { Worker } from 'node:worker_threads'

/** Whether this is the one executable file, which carries what lies in folders beside the sources. */
export const isExecutable: boolean = isSea()

/** The threads by name, each with the file that runs in it. The build makes one bundle of each. */
export const threads = {
  writer: './catalogue/writer-thread.ts',
  hasher: './blobs/hasher-thread.ts',
} as const

export type ThreadName = keyof typeof threads

/** Names of what the executable carries beside its code. */
export const assetNames = {
  build: 'build.json',
  licenses: 'licenses.txt',
  libraries: 'libraries.json',
  thread: (name: ThreadName): string => `threads/${name}.cjs`,
} as const

/** A text that the executable carries. Throws from sources, where there are no assets but files. */
export function assetText(name: string): string {
  return getAsset(name, 'utf8')
}

/** Bytes that the executable carries, not copied: they must not be changed. */
export function assetBytes(name: string): Uint8Array {
  return new Uint8Array(getRawAsset(name))
}

/**
 * Starts a thread, from its source or from the bundle within the executable, in which no file can be named.
 * It gets none of the process's own flags: what a process was told to load first would be loaded once more in each thread.
 */
export function startThread(name: ThreadName, workerData?: unknown): Worker {
  if (isExecutable) return new Worker(assetText(assetNames.thread(name)), { eval: true, workerData, execArgv: [] })
  return new Worker(new URL(threads[name], import.meta.url), { workerData, execArgv: [] })
}

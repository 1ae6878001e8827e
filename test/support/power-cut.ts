import { dirname } from 'node:path'
import { type Disk, disk as realDisk } from '../../src/blobs/disk.ts'

/** What happened, in order. A sync has two ends: only what came before its start is covered, and only after its end. */
export type Event =
  | { readonly what: 'write'; readonly file: string }
  | { readonly what: 'file sync begins' | 'file sync ended'; readonly file: string; readonly id: number }
  | { readonly what: 'folder made'; readonly folder: string }
  | { readonly what: 'rename'; readonly from: string; readonly to: string }
  | { readonly what: 'folder sync begins' | 'folder sync ended'; readonly folder: string; readonly id: number }
  | { readonly what: 'row asked for' | 'row committed' | 'answer' }

/** The real disk, writing down what is done to it. `leaveOut` skips the n-th sync, as a bug would. */
export function recordingDisk(leaveOut?: { kind: 'file' | 'folder'; nth: number }) {
  const events: Event[] = []
  const files = new Map<number, string>()
  const counts = { file: 0, folder: 0 }
  let syncs = 0
  const skips = (kind: 'file' | 'folder'): boolean => leaveOut?.kind === kind && counts[kind]++ === leaveOut.nth
  const disk: Disk = {
    ...realDisk,
    create: async (path) => {
      const fd = await realDisk.create(path)
      files.set(fd, path)
      return fd
    },
    write: async (fd, chunks, position) => {
      await realDisk.write(fd, chunks, position)
      events.push({ what: 'write', file: files.get(fd) ?? '' })
    },
    syncFile: async (fd) => {
      if (skips('file')) return
      const [id, file] = [++syncs, files.get(fd) ?? '']
      events.push({ what: 'file sync begins', file, id })
      await realDisk.syncFile(fd)
      events.push({ what: 'file sync ended', file, id })
    },
    makeFolder: async (folder) => {
      await realDisk.makeFolder(folder)
      events.push({ what: 'folder made', folder })
    },
    rename: async (from, to) => {
      await realDisk.rename(from, to)
      events.push({ what: 'rename', from, to })
    },
    syncFolder: async (folder) => {
      if (skips('folder')) return
      const id = ++syncs
      events.push({ what: 'folder sync begins', folder, id })
      await realDisk.syncFolder(folder)
      events.push({ what: 'folder sync ended', folder, id })
    },
  }
  return { disk, events }
}

/** Why a power cut right after the answer could lose the blob at `path`; empty where it could not. */
export function lossesAfterAnswer(events: readonly Event[], path: string): string[] {
  const until = events.findIndex((event) => event.what === 'answer')
  if (until < 0) return ['there was no answer']
  const before = events.slice(0, until)
  const renamed = before.findIndex((event) => event.what === 'rename' && event.to === path)
  const rename = before[renamed]
  if (rename?.what !== 'rename') return ['the blob got its name after the answer, or never']
  return [
    ...fileLosses(before, rename.from, renamed),
    ...nameLosses(before, path, renamed),
    ...folderLosses(before, path),
    ...rowLosses(before),
  ]
}

function fileLosses(events: readonly Event[], file: string, renamed: number): string[] {
  const lastWrite = events.findLastIndex((event) => event.what === 'write' && event.file === file)
  return isSynced(events.slice(0, renamed), 'file', file, lastWrite)
    ? []
    : ['the bytes were not synced before the rename']
}

function nameLosses(events: readonly Event[], path: string, renamed: number): string[] {
  return isSynced(events, 'folder', dirname(path), renamed) ? [] : [`the name was not synced in ${dirname(path)}`]
}

/** Each folder on the way counts as new until its parent was synced after it was made. */
function folderLosses(events: readonly Event[], path: string): string[] {
  const made = events.flatMap((event, at) =>
    event.what === 'folder made' && path.startsWith(`${event.folder}/`) ? [{ event, at }] : [],
  )
  return made
    .filter(({ event, at }) => !isSynced(events, 'folder', dirname(event.folder), at))
    .map(({ event }) => `the folder ${event.folder} was not synced in its parent`)
}

function rowLosses(events: readonly Event[]): string[] {
  const asked = events.findIndex((event) => event.what === 'row asked for')
  if (!events.some((event) => event.what === 'row committed')) return ['the row was not committed before the answer']
  const late = events
    .slice(asked)
    .some((event) => event.what === 'folder sync ended' || event.what === 'file sync ended')
  return late ? ['a sync ended after the row was asked for'] : []
}

/** Whether a sync of it began after `since` and ended within the events. */
function isSynced(events: readonly Event[], kind: 'file' | 'folder', subject: string, since: number): boolean {
  return events.some((event, at) => {
    if (at <= since || event.what !== `${kind} sync begins`) return false
    if ((kind === 'file' ? (event as { file: string }).file : (event as { folder: string }).folder) !== subject)
      return false
    return events
      .slice(at)
      .some((later) => later.what === `${kind} sync ended` && 'id' in later && 'id' in event && later.id === event.id)
  })
}

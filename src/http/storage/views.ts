import type { FileEntry, HistoryEvent, PathEntry } from '../../core/model.ts'
import { isFolderPath, isWithin, lastSegment } from '../../core/paths.ts'
import { signedUrlLifeMs } from '../../core/signed-urls.ts'

/** An entry's name as this door says it: the last part of its path, a folder's with its slash. */
export function nameOf(path: string): string {
  return lastSegment(path) + (isFolderPath(path) ? '/' : '')
}

const updatedAt = ({ file, createdAt }: PathEntry): number => file?.contentAt ?? createdAt

/** A folder has no size, and is of type `folder`. */
export function entryView(entry: PathEntry) {
  const { path, file, tx, txAt } = entry
  const [type, size] = file ? [file.contentType, file.size] : ['folder', 0]
  return { name: nameOf(path), type, size, updated_at: updatedAt(entry), tx, tx_time: txAt }
}

export function hitView(entry: PathEntry) {
  const { type, size, updated_at, name } = entryView(entry)
  return { path: entry.path, name, size, type, updated_at }
}

export function metadataView(entry: PathEntry & { file: FileEntry }, url: string) {
  const { path, file, tx, txAt } = entry
  return {
    path,
    name: nameOf(path),
    url,
    size: file.size,
    content_type: file.contentType,
    etag: `"${file.digest}"`,
    updated_at: updatedAt(entry),
    tx,
    tx_time: txAt,
    expires_in: signedUrlLifeMs / 1_000,
  }
}

/** What an upload came to, however it came. */
export function putView({ path, size, tx, at }: { path: string; size: number; tx: number; at: number }) {
  return { path, name: nameOf(path), size, tx, time: at }
}

/** An event as a caller held to a folder may see it: of a move into it or out of it, its own end alone. */
export function eventView(
  { tx, action, path, target, size, digest, message, at }: HistoryEvent,
  folder: string | null,
) {
  const [from, to] = [path, target].map((one) => (one !== null && isWithin(one, folder) ? one : undefined))
  return {
    tx,
    action,
    path: from ?? '',
    ...(target !== null && { to: to ?? '' }),
    size: size ?? 0,
    // What somebody outside said of it may tell of what is outside.
    msg: target !== null && (from === undefined || to === undefined) ? '' : message,
    ts: at,
    ...(action === 'put' && digest !== null && { sha256: digest }),
  }
}

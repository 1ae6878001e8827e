import { Failure } from '../core/failure.ts'

/** The disk's own errors in the core's words, by their code; anything else stays what it is. */
export function fromDisk(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (isFull(error)) {
    return new Failure('disk_full', { why: 'the disk has no room left' }, { cause: error })
  }
  // Of a file system (4 GiB on FAT) or of the process (ulimit -f).
  if (code === 'EFBIG') {
    return new Failure(
      'disk_full',
      { why: "the data folder's file system takes no file of this size" },
      { cause: error },
    )
  }
  return error
}

/** Whether the disk, or this user's part of it, has no room left. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | null)?.code ?? '')
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}

export function missingBlob(digest: string): Failure<'not_found'> {
  return new Failure('not_found', { what: 'blob', id: digest })
}

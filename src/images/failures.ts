import { Failure, isFailure } from '../core/failure.ts'
import type { PictureSource } from '../core/ports.ts'

export function unreadable(source: PictureSource, cause: unknown): Failure<'type_refused'> {
  return new Failure('type_refused', { type: source.contentType, because: 'unreadable' }, { cause })
}

export function tooLarge(limit: number, unit: 'bytes' | 'pixels' | 'frames'): Failure<'too_large'> {
  return new Failure('too_large', { of: 'picture', limit, unit })
}

function missing(source: PictureSource, cause: unknown): Failure<'not_found'> {
  return new Failure('not_found', { what: 'blob', id: source.digest }, { cause })
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** A file system's error in the core's words, where there is one. */
export function missingOr(error: unknown, source: PictureSource): unknown {
  return codeOf(error) === 'ENOENT' ? missing(source, error) : error
}

/**
 * The picture library's errors have no codes. While the source is there, the fault is in its bytes.
 * `exists` is asked afterwards, so that a blob removed half-way counts as missing.
 */
export async function decodingFailure(
  error: unknown,
  source: PictureSource,
  exists: (path: string) => Promise<unknown>,
): Promise<unknown> {
  if (isFailure(error)) return error
  try {
    await exists(source.path)
    return unreadable(source, error)
  } catch (absence) {
    return missingOr(absence, source)
  }
}

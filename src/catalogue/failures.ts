import { type AnyFailure, type Code, Failure, type Failures, isFailure } from '../core/failure.ts'

/** SQLite's own errors in the core's words, by their code and never by their text; anything else stays what it is. */
export function fromSqlite(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return error
  if (code === 'SQLITE_FULL') return new Failure('disk_full', { why: 'the catalogue cannot grow' }, { cause: error })
  if (code.startsWith('SQLITE_BUSY')) {
    return new Failure('busy', { why: 'another process holds the catalogue', retryAfterSeconds: 5 }, { cause: error })
  }
  return error
}

/** A failure as it crosses from the writer's thread: classes do not survive the way. */
export type Carried =
  | { readonly kind: 'failure'; readonly code: Code; readonly detail: Failures[Code] }
  | { readonly kind: 'error'; readonly message: string; readonly code: string | undefined; readonly stack: string }

export function carry(error: unknown): Carried {
  const translated = fromSqlite(error)
  if (isFailure(translated)) return { kind: 'failure', code: translated.code, detail: translated.detail }
  const { message, code, stack } =
    translated instanceof Error
      ? (translated as NodeJS.ErrnoException)
      : (new Error(String(translated)) as NodeJS.ErrnoException)
  return { kind: 'error', message, code, stack: stack ?? '' }
}

export function uncarry(carried: Carried): Error {
  if (carried.kind === 'failure') return new Failure(carried.code, carried.detail) as AnyFailure
  const error: NodeJS.ErrnoException = new Error(carried.message)
  if (carried.code !== undefined) error.code = carried.code
  error.stack = carried.stack
  return error
}

import { type FailureTable, isFailure, render } from '../core/failure.ts'

/** A command that ran and did not come out well. Its message is for the person at the terminal. */
export class CommandFailed extends Error {
  override name = 'CommandFailed'
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

const texts: FailureTable<string> = {
  unauthenticated: ({ reason }) => `the key or log-in is ${reason}`,
  forbidden: ({ needs }) => `not allowed: ${needs}`,
  not_found: ({ what, id }) => `there is no ${what}${id === '' ? '' : ` ${id}`}`,
  method_not_allowed: () => 'not possible here',
  conflict: ({ why }) => why,
  invalid: ({ issues }) => issues.map(({ path, problem }) => `${path.join('.')}: ${problem}`).join('\n'),
  too_large: ({ of, limit, unit }) => `the ${of} is larger than ${limit} ${unit}`,
  type_refused: ({ type }) => `type ${type} is not taken`,
  quota_exceeded: ({ of, limit }) => `the quota of ${limit} ${of} is used up`,
  rate_limited: ({ retryAfterSeconds }) => `too often; try again in ${retryAfterSeconds} seconds`,
  disk_full: ({ why }) => why,
  busy: ({ why }) => why,
  internal: ({ incident }) => `something went wrong (${incident})`,
}

/** Errors whose messages are written for people. */
const plain = new Set([
  'CommandFailed',
  'ConfigError',
  'UnusableFolder',
  'UnusableData',
  'UnusableMailServer',
  'UnusableKeyFile',
  'UnusableSocket',
  'UnusableLibraries',
])

/** What a person at the terminal is told of any error. */
export function explain(error: unknown): string {
  if (isFailure(error)) return render(texts, error)
  if (!(error instanceof Error)) return String(error)
  if (plain.has(error.name)) return error.message
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (code === 'EADDRINUSE') return `port ${port} is in use by another program; choose one with --port, or server.port`
  if (code === 'EACCES' && port !== undefined)
    return `this user may not listen on port ${port}; choose one from 1024 on`
  if (code === 'EADDRNOTAVAIL') return `${address} is no address of this machine (server.host)`
  if (code === 'SQLITE_FULL')
    return 'the disk is full: a database cannot be written. Make room and try again. What was answered is safe'
  if (code?.startsWith('SQLITE_IOERR'))
    return `a database could not be read or written (${code}): a full disk, a quota that is used up, a limit of file sizes (ulimit -f), or a disk that fails (dmesg tells). What was answered is safe`
  return error.stack ?? error.message
}

import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { atEnd } from '../support/at-end.ts'

/** A log-in as the server saw it. */
export interface LogIn {
  readonly user: string | undefined
  readonly password: string | null | undefined
  /** Whether the line was encrypted. */
  readonly secure: boolean
}

export interface TestSmtpServer {
  readonly port: number
  /** Letters that were taken, byte for byte, and whom each was for. */
  readonly messages: Buffer[]
  readonly readers: string[][]
  readonly logIns: LogIn[]
  /** Whether each letter came in over an encrypted line. */
  readonly secured: boolean[]
  stop(): Promise<void>
}

/**
 * A mail server of the test's own, with the certificate that the library brings: nobody has signed it, and its time is
 * over, so it is as untrusted as can be. It offers no STARTTLS and wants no log-in unless told.
 */
export async function startSmtpServer(t: TestContext, options: SMTPServerOptions = {}, port = 0) {
  const seen: Omit<TestSmtpServer, 'port' | 'stop'> = { messages: [], readers: [], logIns: [], secured: [] }
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth: ({ username, password }, session, callback) => {
      seen.logIns.push({ user: username, password, secure: session.secure })
      callback(null, { user: username })
    },
    onData: (stream, session, callback) => {
      buffer(stream).then((message) => {
        seen.messages.push(message)
        seen.readers.push(session.envelope.rcptTo.map(({ address }) => address))
        seen.secured.push(session.secure)
        callback()
      }, callback)
    },
    ...options,
  })
  // A client that ends a session it does not trust is an error to this library, and what these tests are about.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  atEnd(t, stop)
  const started: TestSmtpServer = { ...seen, port: (server.server.address() as AddressInfo).port, stop }
  return started
}

/** An error as the library's servers answer with it. */
export const answer = (responseCode: number, message: string): Error =>
  Object.assign(new Error(message), { responseCode })

import { createTransport } from 'nodemailer'
import type { Letter } from '../core/model.ts'
import { type Mailer, MailRefused } from '../core/ports.ts'
import { messageOf, type Sender } from './message.ts'
import { readSmtpUrl } from './smtp-url.ts'

export interface SmtpTimeouts {
  /** From the name's look-up to the end of STARTTLS. */
  readonly connectionMs: number
  readonly greetingMs: number
  /** Without a byte from the server. */
  readonly socketMs: number
  /** For one letter, however busily the server answers. */
  readonly wholeMs: number
}

export const smtpTimeouts: SmtpTimeouts = {
  connectionMs: 10_000,
  greetingMs: 10_000,
  socketMs: 30_000,
  wholeMs: 120_000,
}

/** @throws UnusableMailServer */
export function openSmtpMailer(url: string, sender: Sender, timeouts = smtpTimeouts): Mailer {
  const { options, secrets } = readSmtpUrl(url)
  const transport = createTransport({
    ...options,
    connectionTimeout: timeouts.connectionMs,
    dnsTimeout: timeouts.connectionMs,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.socketMs,
    socketCloseTimeout: 1_000,
  })
  const closing = new AbortController()
  const underWay = new Set<Promise<unknown>>()
  const send = async (letter: Letter, id: string): Promise<void> => {
    const late = AbortSignal.timeout(timeouts.wholeMs)
    const signal = AbortSignal.any([closing.signal, late])
    try {
      await transport.sendMail({ ...messageOf(letter, id, sender), signal })
    } catch (error) {
      if (closing.signal.aborted) throw new Error('the server was stopped while the letter was on its way')
      if (late.aborted) throw new Error(`the mail server took longer than ${timeouts.wholeMs / 1000} seconds`)
      throw translated(error as SmtpError, secrets)
    }
  }
  return {
    send: async (letter, id) => {
      const sending = send(letter, id)
      underWay.add(sending)
      await sending.finally(() => underWay.delete(sending))
    },
    close: async () => {
      closing.abort()
      await Promise.allSettled(underWay)
      transport.close()
    },
  }
}

/** What nodemailer's errors carry. */
interface SmtpError extends Error {
  readonly code?: string
  readonly originalCode?: string
  /** The command that was answered; `API` where nothing was asked yet. */
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
  /** Of an AggregateError: one for each address that was tried. */
  readonly errors?: readonly Error[]
}

/** A new error, with nothing of the old one but its words: that one carries whole answers of the server. */
function translated(error: SmtpError, secrets: readonly string[]): Error {
  const said =
    error.errors?.map(({ message }) => message).join('; ') || error.message || error.originalCode || error.code
  const text = secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), said ?? 'the mail server failed')
  return isFinal(error) ? new MailRefused(text) : new Error(text)
}

/**
 * Whether it was this letter, or its reader's address, that was refused for good (RFC 5321, 4.2.1). What is wrong
 * between the two servers is no fault of the letter's, and somebody will mend it: log-in (530, or at AUTH), the sender
 * (MAIL FROM), an order of commands (503), and a policy that lets nobody in from here (5.7 for a reader, RFC 3463), as
 * in "relay access denied".
 */
function isFinal({ code, command, responseCode, response = '' }: SmtpError): boolean {
  if (code !== 'EENVELOPE' && code !== 'EMESSAGE') return false
  if (command === 'API') return true
  if (responseCode === undefined || responseCode < 500 || responseCode === 503 || responseCode === 530) return false
  return command === 'DATA' || (command === 'RCPT TO' && !/^\d{3}[ -]5\.7\./.test(response))
}

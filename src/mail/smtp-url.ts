import { isIPv4 } from 'node:net'
import type { SMTPTransportOptions } from 'nodemailer/lib/smtp-transport'

/** What is wrong with a mail server's URL. The message never holds the URL, which may have a password in it. */
export class UnusableMailServer extends Error {
  override name = 'UnusableMailServer'

  constructor(problem: string) {
    super(`mail.smtp_url: ${problem}`)
  }
}

/** A mail server's URL, read: how to reach it, and what must never be told anybody. */
export interface MailServer {
  readonly options: SMTPTransportOptions
  readonly secrets: readonly string[]
}

const isTrue = (value: string, name: string): boolean => {
  if (value !== 'true' && value !== 'false') throw new UnusableMailServer(`${name} takes true or false`)
  return value === 'true'
}

/**
 * What may follow the question mark, by nodemailer's own names. Nodemailer takes a hundred more there, and says nothing
 * where it knows none of that name: some would print the letters (`logger`), and a misspelt one would do nothing.
 */
const known: Record<string, (value: string, name: string) => SMTPTransportOptions> = {
  /** Nothing is sent before STARTTLS. `false`: log-in and letters go in plain text where the server offers no more. */
  requireTLS: (value, name) => ({ requireTLS: isTrue(value, name) }),
  /** Plain text, whatever the server offers. */
  ignoreTLS: (value, name) => ({ ignoreTLS: isTrue(value, name) }),
  /** What this machine calls itself in EHLO. */
  name: (value) => ({ name: value }),
  /** PLAIN, LOGIN or CRAM-MD5, where the server's own list misleads. */
  authMethod: (value) => ({ authMethod: value }),
  /** `false` takes any certificate: for a server with one of its own making, in a net that is trusted. */
  'tls.rejectUnauthorized': (value, name) => ({ tls: { rejectUnauthorized: isTrue(value, name) } }),
  /** The name that the certificate is for, where it is not the URL's. */
  'tls.servername': (value) => ({ tls: { servername: value } }),
}

/**
 * Reads `smtp://user:password@host:port?option=value`, or `smtps://` for TLS from the first byte on. Ports are 587 and
 * 465 where none is said. Over `smtp://`, STARTTLS is used where the server offers it, and must be where there is a
 * password: only a line that does not leave the machine, or the URL itself, lifts that.
 * @throws UnusableMailServer
 */
export function readSmtpUrl(text: string): MailServer {
  const url = URL.parse(text)
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    throw new UnusableMailServer('a mail server is named by smtp://HOST:PORT or smtps://HOST:PORT')
  const [user, password] = [decoded(url.username), decoded(url.password)]
  const hasLogIn = user !== '' || password !== ''
  const host = url.hostname.toLowerCase()
  const isInside = isLoopback(host)
  const secure = url.protocol === 'smtps:'
  const given = queryOptions(url.searchParams)
  // A line inside the machine may be plain text, so there it is no loss to take any certificate: Debian's own mail
  // server comes with one that nobody has signed.
  const tls = isInside && !secure ? { rejectUnauthorized: false, ...given.tls } : given.tls
  return {
    options: {
      // Nodemailer asks the net's name server for `localhost`, and whoever that is might answer.
      host: isInside && host.endsWith('localhost') ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''),
      ...(url.port !== '' && { port: Number(url.port) }),
      secure,
      requireTLS: !secure && hasLogIn && !isInside && given.ignoreTLS !== true,
      ...(hasLogIn && { auth: { user, pass: password } }),
      ...given,
      ...(tls && { tls }),
    },
    secrets: password === '' ? [] : formsOf(user, password, url.password),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UnusableMailServer('a % in a user or password must be written as %25')
  }
}

/** Only addresses that cannot be anything else: `smtp:` URLs keep other spellings of them as they were written. */
function isLoopback(hostname: string): boolean {
  if (isIPv4(hostname)) return hostname.startsWith('127.')
  return hostname === '[::1]' || /^(.+\.)?localhost$/.test(hostname)
}

function queryOptions(query: URLSearchParams): SMTPTransportOptions {
  const options: SMTPTransportOptions = {}
  for (const [name, value] of query) {
    const read = Object.hasOwn(known, name) ? known[name] : undefined
    if (!read) throw new UnusableMailServer(`there is no option "${name}"; there are ${Object.keys(known).join(', ')}`)
    const { tls, ...plain } = read(value, name)
    Object.assign(options, plain, tls && { tls: { ...options.tls, ...tls } })
  }
  return options
}

/** A password in all the ways in which a server may have seen it, and may say it again. */
function formsOf(user: string, password: string, written: string): string[] {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return [base64(`\0${user}\0${password}`), base64(password), written, password]
}

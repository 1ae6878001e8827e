import type { Mailer } from '../core/ports.ts'
import { openOutboxMailer } from './outbox.ts'
import { openSmtpMailer } from './smtp.ts'

export { UnusableMailServer } from './smtp-url.ts'

export interface MailerOptions {
  /** Undefined: letters go to the outbox. */
  readonly smtpUrl: string | undefined
  /** Whom letters are from: an address, or `Name <address>`. */
  readonly from: string
  readonly outboxDir: string
  /** The server's public address, without a final slash; asked for each letter. */
  readonly publicUrl: () => string
  /** Told where each letter lies that went to the outbox. */
  readonly report?: (message: string) => void
}

/** @throws UnusableMailServer */
export function openMailer({ smtpUrl, outboxDir, report = () => {}, ...sender }: MailerOptions): Mailer {
  return smtpUrl === undefined ? openOutboxMailer(outboxDir, sender, report) : openSmtpMailer(smtpUrl, sender)
}

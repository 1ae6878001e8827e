import type { SendMailOptions } from 'nodemailer'
import type { Letter } from '../core/model.ts'
import { write } from './letters.ts'

/** What all letters have in common, whichever way they leave. */
export interface Sender {
  /** A mailbox, with or without a name: `Larder <larder@example.org>`. */
  readonly from: string
  /** The server's public address, without a final slash. It may be known only once the server listens. */
  readonly publicUrl: () => string
}

/** A letter as a whole message. Equal letters with equal ids have the same Message-ID, whenever they are made. */
export function messageOf(letter: Letter, id: string, { from, publicUrl }: Sender): SendMailOptions {
  const base = publicUrl()
  const { subject, text, html } = write(letter, base)
  return {
    from,
    // An address alone, which nothing in it can turn into a name, or into two.
    to: { name: '', address: letter.to },
    subject,
    messageId: `<${id}@${new URL(base).hostname}>`,
    text: { raw: asItStands(text) },
    html,
    headers: {
      // RFC 3834: nobody's holiday answer comes back; the second is what Exchange understands.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
    textEncoding: 'quoted-printable',
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/**
 * The part of plain text with its headers. A line of more than 76 characters, as a link's is, would make it
 * quoted-printable, and no link could be copied out of a file of the outbox. No line comes near SMTP's 998.
 */
function asItStands(text: string): string {
  if (!/^[\n\x20-\x7e]*$/.test(text)) throw new TypeError('a letter has characters that are not ASCII')
  const headers = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 7bit']
  return [...headers, '', ...text.split('\n')].join('\r\n')
}

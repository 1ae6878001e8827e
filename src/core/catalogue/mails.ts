import type { Letter, Mail } from '../model.ts'

export interface NewMail {
  readonly id: string
  readonly letter: Letter
  /** No more than this many in an hour to one address, whatever for; what comes past it is withheld. Null: no limit. */
  readonly hourly: number | null
  readonly now: number
}

/** A letter that is due, with what it says. */
export interface DueMail {
  readonly id: string
  readonly letter: Letter
  readonly tries: number
}

export interface MailReads {
  /** Letters whose time has come, the longest waiting first. */
  dueMails(now: number, limit: number): Promise<DueMail[]>
  /** Newest first, without those that were withheld. */
  mails(limit: number): Promise<Mail[]>
}

export interface MailWrites {
  mailSent(input: { id: string; now: number }): Promise<void>
  /** @param input.nextAt null: it is given up, and waits for somebody to say `retry`. */
  mailFailed(input: { id: string; error: string; nextAt: number | null; now: number }): Promise<void>
  /** Lets letters that wait or were given up be tried at once: one, or all. Resolves to how many. */
  retryMails(input: { id?: string; now: number }): Promise<number>
  /** Gives up and wipes what can be of no use any more, and forgets what is older than `before`. */
  pruneMails(input: { before: number; now: number }): Promise<void>
}

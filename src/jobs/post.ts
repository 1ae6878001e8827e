import { setTimeout as wait } from 'node:timers/promises'
import type { DueMail, MailReads, MailWrites } from '../core/catalogue.ts'
import type { Letter } from '../core/model.ts'
import { type Clock, type Mailer, MailRefused } from '../core/ports.ts'

const second = 1_000
const minute = 60 * second

/** How long a letter waits after its first try, its second, and so on; the last holds for all that follow. */
export const gapsMs: readonly number[] = [
  5 * second,
  15 * second,
  45 * second,
  2 * minute,
  5 * minute,
  15 * minute,
  60 * minute,
]

const atOnce = 3
const errorCharacters = 300

/**
 * How often letters are looked for. Nobody tells of a new one: a request whose letter went out at once would take longer, and
 * be told by it from one that nobody gets a letter for.
 */
const lookEveryMs = second / 4

/** Between two attempts to write down what came of a letter. */
const recordEveryMs = 2 * second

/** How long letters that are on their way may take when the server stops. */
const stopGraceMs = 2 * second

export interface PostParts {
  readonly catalogue: {
    readonly read: Pick<MailReads, 'dueMails'>
    readonly write: Pick<MailWrites, 'mailSent' | 'mailFailed'>
  }
  readonly mailer: Mailer
  readonly clock: Clock
  /** Told what should not happen. That a letter does not get through is no such thing. */
  readonly report: (error: unknown) => void
  /** Told what became of each letter, without what it says or to whom. */
  readonly log?: (message: string) => void
}

export interface Post {
  /** Looks at once, and not only by its own clock. */
  deliver(): void
  /**
   * Begins nothing more, gives letters that are on their way a moment, and closes the mailer, which cuts off what is
   * left: that waits for the next start, and does not count as a try. Resolves when nothing runs any more.
   */
  stop(): Promise<void>
}

/** Takes letters to the mailer when they are due. A letter is never on its way twice at once. */
export function startPost(parts: PostParts): Post {
  const office = new Office(parts)
  const timer = setInterval(() => office.deliver(), lookEveryMs).unref()
  office.deliver()
  return {
    deliver: () => office.deliver(),
    stop: () => {
      clearInterval(timer)
      return office.stop()
    },
  }
}

/** What came of a try: the letter is out (undefined), or why it is not and when it is tried again (null: never). */
type Outcome = { readonly error: string; readonly nextAt: number | null } | undefined

class Office {
  readonly #parts: PostParts
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #stopping = new AbortController()
  #looking: Promise<void> | undefined
  #looksAgain = false
  /** Letters that ended while somebody looked: what was read before may still call them due. */
  #endedMeanwhile = new Set<string>()
  #isCutOff = false

  constructor(parts: PostParts) {
    this.#parts = parts
  }

  deliver(): void {
    if (this.#stopping.signal.aborted) return
    this.#looksAgain = this.#looking !== undefined
    this.#looking ??= this.#look()
      .catch(this.#parts.report)
      .finally(() => {
        this.#looking = undefined
        if (this.#looksAgain) this.deliver()
      })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#looking
    const all = Promise.all(this.#underWay.values())
    const enough = new AbortController()
    await Promise.race([all, wait(stopGraceMs, undefined, { signal: enough.signal }).catch(() => {})])
    enough.abort()
    this.#isCutOff = true
    await this.#parts.mailer.close()
    await all
  }

  async #look(): Promise<void> {
    if (this.#underWay.size >= atOnce) return
    this.#endedMeanwhile = new Set()
    const { catalogue, clock } = this.#parts
    // Letters on their way are still due, so among as many as may go at once there is one for each free place.
    const due = await catalogue.read.dueMails(clock.now(), atOnce)
    const fresh = due.filter(({ id }) => !this.#underWay.has(id) && !this.#endedMeanwhile.has(id))
    if (this.#stopping.signal.aborted) return
    for (const mail of fresh.slice(0, atOnce - this.#underWay.size)) this.#begin(mail)
  }

  #begin(mail: DueMail): void {
    const done = this.#handle(mail)
      .catch(this.#parts.report)
      .finally(() => {
        this.#underWay.delete(mail.id)
        this.#endedMeanwhile.add(mail.id)
        this.deliver()
      })
    this.#underWay.set(mail.id, done)
  }

  async #handle(mail: DueMail): Promise<void> {
    const { clock, log } = this.#parts
    let outcome: Outcome
    try {
      if (mail.letter.expiresAt <= clock.now()) outcome = { error: 'it was of no use any more', nextAt: null }
      else await this.#parts.mailer.send(mail.letter, mail.id)
    } catch (error) {
      if (this.#isCutOff && !(error instanceof MailRefused)) return
      outcome = { error: errorText(error, mail.letter), nextAt: nextTry(mail, error, clock.now()) }
    }
    log?.(storyOf(mail, outcome))
    await this.#record(mail, outcome)
  }

  /** Until it is written down the letter counts as on its way: otherwise it would go out again, and again. */
  async #record({ id }: DueMail, outcome: Outcome): Promise<void> {
    const { catalogue, clock, report } = this.#parts
    const { signal } = this.#stopping
    for (let tries = 0; ; tries++) {
      try {
        const now = clock.now()
        if (outcome) await catalogue.write.mailFailed({ id, ...outcome, now })
        else await catalogue.write.mailSent({ id, now })
        return
      } catch (error) {
        if (tries === 0) report(error)
        if (signal.aborted) return
        await wait(recordEveryMs, undefined, { signal }).catch(() => {})
      }
    }
  }
}

function nextTry({ letter, tries }: DueMail, error: unknown, now: number): number | null {
  if (error instanceof MailRefused) return null
  const nextAt = now + (gapsMs[Math.min(tries, gapsMs.length - 1)] as number)
  return nextAt < letter.expiresAt ? nextAt : null
}

function storyOf({ id, letter }: DueMail, outcome: Outcome): string {
  const mail = `mail ${id} (${letter.purpose})`
  if (!outcome) return `${mail} is on its way`
  if (outcome.nextAt === null) return `${mail} is given up: ${outcome.error}`
  return `${mail} is tried again at ${new Date(outcome.nextAt).toISOString()}: ${outcome.error}`
}

/** One short line. Mail servers like to quote what they refuse, so what the letter keeps secret is taken out. */
function errorText(error: unknown, letter: Letter): string {
  const said = error instanceof Error ? error.message : String(error)
  const open = secretsOf(letter).reduce((text, secret) => text.replaceAll(secret, '…'), said)
  const line = open.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return line.length > errorCharacters ? `${line.slice(0, errorCharacters - 1)}…` : line
}

function secretsOf({ path = '', code }: Letter): string[] {
  const query = new URLSearchParams(path.split('?')[1] ?? '')
  return [path, ...query.values(), code ?? ''].filter((secret) => secret !== '')
}

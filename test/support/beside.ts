import { auditOf } from '../../src/catalogue/audit.ts'
import { type Answer, attempt, commitTogether, type Order } from '../../src/catalogue/batch.ts'
import { openActivityWriter, openReader, openWriter } from '../../src/catalogue/connection.ts'
import { uncarry } from '../../src/catalogue/failures.ts'
import { accountReads } from '../../src/catalogue/reads/accounts.ts'
import { activityReads } from '../../src/catalogue/reads/activity.ts'
import { errandReads } from '../../src/catalogue/reads/errands.ts'
import { keyReads } from '../../src/catalogue/reads/keys.ts'
import { mailReads } from '../../src/catalogue/reads/mails.ts'
import { pathReads } from '../../src/catalogue/reads/paths.ts'
import { shareReads } from '../../src/catalogue/reads/shares.ts'
import { treeReads } from '../../src/catalogue/reads/tree.ts'
import { uploadReads } from '../../src/catalogue/reads/uploads.ts'
import { ofActivity } from '../../src/catalogue/transactions/index.ts'
import type { Beside } from './app.ts'

/** The server looks for what others changed at most once in a millisecond. */
const feltAfterMs = 2

/**
 * The catalogue of a data folder that a server has open: read as it is now, and written as a command does it. Nothing is
 * remembered, since a server does not tell others what it changes; and it has no thread, so that opening it costs next to nothing.
 */
export function openBeside(dir: string): Beside & { close(): void } {
  const reader = openReader(dir)
  const { db } = reader
  const writer = new DirectWriter(dir)
  return {
    audit: auditOf(reader),
    read: {
      ...accountReads(db),
      ...keyReads(db),
      ...activityReads(db),
      ...mailReads(db),
      ...treeReads(db),
      ...pathReads(db),
      ...uploadReads(db),
      ...shareReads(db),
      ...errandReads(db),
      ping: async () => {},
    },
    write: new Proxy({} as Beside['write'], {
      get: (_target, name) => (input: unknown) => writer.write(name as Order['name'], input),
    }),
    close: () => {
      writer.close()
      reader.raw.close()
    },
  }
}

/** One transaction after the other, each felt by the server's next request once it is answered. */
class DirectWriter {
  readonly #dir: string
  #databases: Parameters<typeof attempt>[0] | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(dir: string) {
    this.#dir = dir
  }

  write(name: Order['name'], input: unknown): Promise<unknown> {
    const done = this.#last.then(() => this.#commit({ id: 0, name, input } as Order))
    this.#last = done.catch(() => {})
    return done
  }

  async #commit(order: Order): Promise<unknown> {
    this.#databases ??= {
      catalogue: openWriter(this.#dir),
      activity: openActivityWriter(this.#dir),
      tellsOthers: true,
    }
    const isOfActivity = ofActivity.has(order.name)
    const [answer] = isOfActivity
      ? [await attempt(this.#databases, order)]
      : await commitTogether(this.#databases, [order])
    if (!answer || 'failure' in answer) throw uncarry((answer as Extract<Answer, { failure: unknown }>).failure)
    await new Promise((resolve) => setTimeout(resolve, feltAfterMs))
    return answer.output
  }

  close(): void {
    this.#databases?.catalogue.raw.close()
    this.#databases?.activity.raw.close()
  }
}

import { type Command, InvalidArgumentError } from 'commander'
import { isFailure } from '../core/failure.ts'
import type { Mail } from '../core/model.ts'
import { CommandFailed } from './failures.ts'
import { day, type Open, tableText, withStore } from './store.ts'
import { say } from './user.ts'

export function mail(program: Command): void {
  const group = program.command('mail').description('letters that the server writes, and what became of them')
  group
    .command('list')
    .description('letters, the newest first')
    .option('--limit <number>', 'how many at most', wholeNumber, 50)
    .action(({ limit }: { limit: number }, command: Command) =>
      withStore(command, async ({ catalogue }) => say(listText(await catalogue.read.mails(limit)))),
    )
  group
    .command('retry [id]')
    .description('let a letter that waits or was given up be tried at once; all of them where none is named')
    .action((id: string | undefined, _options: object, command: Command) =>
      withStore(command, async (store) => {
        const count = await retry(store, id)
        const letters = count === 1 ? '1 letter is' : `${count} letters are`
        say(`${letters} due now; a running server sends what is due within a second.`)
      }),
    )
}

async function retry({ catalogue, clock }: Open, id: string | undefined): Promise<number> {
  const now = clock.now()
  if (id === undefined) return catalogue.write.retryMails({ now })
  const isMissing = (error: unknown): boolean => isFailure(error) && error.code === 'not_found'
  const count = await catalogue.write.retryMails({ id, now }).catch((error) => {
    if (isMissing(error)) return 0
    throw error
  })
  if (count === 0)
    throw new CommandFailed(`no letter ${id} can be tried: it is unknown, gone out, or of no use any more`)
  return count
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.')
  return Number(text)
}

const words: Record<Mail['state'], string> = {
  waiting: 'waiting',
  sent: 'sent',
  given_up: 'given up',
  withheld: 'withheld',
}

function listText(mails: readonly Mail[]): string {
  const rows = mails.map((one) => [
    one.id,
    one.to,
    one.purpose,
    words[one.state],
    String(one.tries),
    day(one.createdAt),
    day(one.state === 'waiting' ? one.nextAt : one.sentAt),
    one.lastError ?? '',
  ])
  return tableText(['ID', 'TO', 'PURPOSE', 'STATE', 'TRIES', 'MADE (UTC)', 'NEXT TRY, SENT (UTC)', 'LAST ERROR'], rows)
}

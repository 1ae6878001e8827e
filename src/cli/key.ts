import { type Command, Option } from 'commander'
import { durationMs } from '../config/index.ts'
import { makeKey } from '../core/keys.ts'
import { type Account, type Key, type KeyKind, keyKinds } from '../core/model.ts'
import { CommandFailed } from './failures.ts'
import { collect } from './options.ts'
import { day, type Open, tableText, withStore } from './store.ts'
import { say } from './user.ts'

interface CreateOptions {
  readonly account?: string
  readonly kind: KeyKind
  readonly name: string
  readonly scope?: readonly string[]
  readonly pathPrefix?: string
  readonly expires?: string
  readonly quiet?: boolean
}

export function key(program: Command): void {
  const group = program.command('key').description('API keys; a running server feels a change at once')
  group
    .command('create')
    .description('make a key; it is shown this once')
    .option('--account <email>', "whose key; the owner's where absent")
    .addOption(new Option('--kind <kind>', 'which kind of key').choices(keyKinds).default('ak'))
    .option('--name <text>', 'a name to know it by', '')
    .option('--scope <scope>', 'files:read, files:write or user:read; may be repeated; none is all', collect)
    .option('--path-prefix <folder>', 'hold the key to a folder, as in docs/')
    .option('--expires <duration>', 'how long it is good, as in 30d')
    .option('--quiet', 'print the key alone')
    .action((options: CreateOptions, command: Command) => withStore(command, (store) => create(store, options)))
  group
    .command('list')
    .description('keys that are not revoked')
    .option('--account <email>', "whose keys; everybody's where absent")
    .action((options: { account?: string }, command: Command) =>
      withStore(command, async (store) => say(await listText(store, options.account))),
    )
  group
    .command('revoke <id>')
    .description('revoke a key, for good')
    .action((id: string, _options: object, command: Command) =>
      withStore(command, async ({ catalogue, clock }) => {
        await catalogue.write.revokeKey({ id, now: clock.now() })
        say(`Key ${id} is revoked.`)
      }),
    )
}

async function create({ accounts, catalogue, clock }: Open, options: CreateOptions): Promise<void> {
  const account = await accountOf(accounts, options.account)
  const now = clock.now()
  const { text, row } = makeKey(
    account.id,
    {
      kind: options.kind,
      name: options.name,
      scopes: options.scope,
      pathPrefix: options.pathPrefix,
      expiresAt: options.expires === undefined ? null : now + expiryMs(options.expires),
    },
    now,
  )
  await catalogue.write.createKey(row)
  say(options.quiet ? text : `Key ${row.id}, shown this once:\n${text}`)
}

function accountOf(accounts: Open['accounts'], email: string | undefined): Promise<Account> {
  return email === undefined ? accounts.owner() : accounts.named(email)
}

function expiryMs(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined || ms <= 0)
    throw new CommandFailed(`--expires takes a duration such as 30d or 12h, and got "${text}"`, 2)
  return ms
}

async function listText({ accounts, catalogue }: Open, email: string | undefined): Promise<string> {
  const whose = email === undefined ? await accounts.list() : [await accounts.named(email)]
  const keys = await Promise.all(
    whose.map(async (account) => ({ account, ...(await catalogue.read.keys({ accountId: account.id })) })),
  )
  const rows = keys.flatMap(({ account, keys }) => keys.map((one) => row(account, one)))
  return tableText(['ID', 'KEY', 'ACCOUNT', 'NAME', 'SCOPES', 'FOLDER', 'EXPIRES (UTC)', 'LAST USED (UTC)'], rows)
}

function row(account: Account, one: Key & { lastUsedAt: number | null }): string[] {
  const scopes = one.scopes?.join(' ') ?? 'all'
  const whose = account.email ?? account.actor ?? '(owner)'
  return [
    one.id,
    `${one.hint}…`,
    whose,
    one.name,
    scopes,
    one.pathPrefix ?? '/',
    day(one.expiresAt),
    day(one.lastUsedAt),
  ]
}

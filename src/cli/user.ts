import type { Command } from 'commander'
import { publicUrlOf } from '../config/index.ts'
import type { Account } from '../core/model.ts'
import { CommandFailed } from './failures.ts'
import { day, readInput, tableText, withStore } from './store.ts'

interface WithPassword {
  readonly email: string
  readonly passwordStdin?: boolean
}

const passwordOption = [
  '--password-stdin',
  'read the password from standard input (it must not stand in the command line)',
] as const

export function user(program: Command): void {
  const group = program.command('user').description('accounts; a running server feels a change at once')
  group
    .command('add')
    .description('make a verified account')
    .requiredOption('--email <address>')
    .option(...passwordOption)
    .action((options: WithPassword, command: Command) =>
      withStore(command, async ({ accounts }) => {
        const account = await accounts.add(options.email, await passwordFrom(options))
        say(`Account ${nameOf(account)} is made (${account.id}).`)
      }),
    )
  group
    .command('list')
    .description('all accounts')
    .action((_options: object, command: Command) =>
      withStore(command, async ({ accounts, config }) => say(listText(await accounts.list(), config.plans))),
    )
  group
    .command('password')
    .description("set an account's password, and end its sessions")
    .requiredOption('--email <address>')
    .option(...passwordOption)
    .action((options: WithPassword, command: Command) =>
      withStore(command, async ({ accounts }) => {
        const account = await accounts.named(options.email)
        await accounts.setPassword(account, await passwordFrom(options))
        say(`The password of ${nameOf(account)} is set; its sessions are over.`)
      }),
    )
  disabling(group, 'disable', true, 'shut an account out: its keys and sessions open nothing; its files stay')
  disabling(group, 'enable', false, 'let a disabled account in again')
  setUpLink(group)
  plan(group)
}

function disabling(group: Command, name: string, disabled: boolean, about: string): void {
  group
    .command(name)
    .description(about)
    .requiredOption('--email <address>', "the account; one without an address by its actor's name")
    .action(({ email }: { email: string }, command: Command) =>
      withStore(command, async ({ accounts }) => {
        const account = await accounts.named(email)
        await accounts.setDisabled(account, disabled)
        say(`Account ${nameOf(account)} is ${disabled ? 'disabled' : 'enabled'}.`)
      }),
    )
}

function setUpLink(group: Command): void {
  group
    .command('setup-link')
    .description('print a new link by which an account gets its e-mail and password (one use, seven days)')
    .option('--email <address>', "the account; the owner's where absent")
    .action(({ email }: { email?: string }, command: Command) =>
      withStore(command, async ({ accounts, config }) => {
        const account = email === undefined ? await accounts.owner() : await accounts.named(email)
        say(`${publicUrlOf(config)}/app/set-up?token=${await accounts.createSetUpLink(account)}`)
      }),
    )
}

function plan(group: Command): void {
  group
    .command('plan')
    .description('put an account on a plan of the configuration ([plans.NAME]); "none" takes it off')
    .requiredOption('--email <address>')
    .requiredOption('--plan <name>')
    .option('--until <date>', 'when it ends: from then on nothing can be changed, and all be read (as in 2027-01-31)')
    .action((options: { email: string; plan: string; until?: string }, command: Command) =>
      withStore(command, async ({ accounts, config }) => {
        const account = await accounts.named(options.email)
        const name = options.plan === 'none' ? null : options.plan.toLowerCase()
        if (name !== null && !config.plans.has(name))
          throw new CommandFailed(`no plan "${name}" is configured: ${planNames([...config.plans.keys()])}`, 2)
        const until = options.until === undefined ? null : timeFrom(options.until)
        await accounts.setPlan(account, name, until)
        const ends = until === null ? '' : `, until ${new Date(until).toISOString()}`
        say(`Account ${nameOf(account)} is on ${name === null ? 'no plan' : `the plan ${name}`}${ends}.`)
      }),
    )
}

const planNames = (names: readonly string[]): string =>
  names.length === 0 ? 'there is none; add a section [plans.NAME]' : `there are ${names.join(', ')}`

/** A day (its beginning, UTC) or a time, by ISO 8601. */
function timeFrom(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new CommandFailed(`--until takes a date such as 2027-01-31, and got "${text}"`, 2)
  return time
}

async function passwordFrom({ passwordStdin }: WithPassword): Promise<string> {
  if (!passwordStdin)
    throw new CommandFailed('give the password by --password-stdin, as in: echo "$PASSWORD" | larder user …', 2)
  return readInput()
}

function listText(accounts: readonly Account[], plans: ReadonlyMap<string, unknown>): string {
  const rows = accounts.map((account) => [
    nameOf(account),
    account.disabledAt !== null ? 'disabled' : account.verifiedAt !== null ? 'active' : 'not verified',
    account.isOwner ? 'owner' : '',
    account.plan === null ? '-' : plans.has(account.plan) ? account.plan : `${account.plan} (not configured)`,
    day(account.createdAt),
    account.id,
  ])
  return tableText(['E-MAIL', 'STATE', 'ROLE', 'PLAN', 'MADE (UTC)', 'ID'], rows)
}

/** What an account is called at the terminal: by its address, or else by its actor's name. */
export function nameOf({ email, actor }: Account): string {
  return email ?? actor ?? '(not set up)'
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

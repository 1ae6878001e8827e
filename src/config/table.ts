import { defaultContentTypes } from './content-types.ts'
import { hosts, list, optional } from './kinds/composed.ts'
import type { Kind } from './kinds/kind.ts'
import { plans } from './kinds/plans.ts'
import { duration, integer, rate, size } from './kinds/quantities.ts'
import { secret, secretUrl } from './kinds/secret.ts'
import { address, basePath, choice, contentType, network, origin, path, sender, text, url } from './kinds/texts.ts'

/** The doors a host name may be bound to. */
export const doors = ['aether', 'atiru', 'identity', 'storage'] as const
export type Door = (typeof doors)[number]

/** One row: how the value is written, what it is where nobody says (as text), and what it is for. */
export interface Key<T> {
  readonly kind: Kind<T>
  readonly default: string
  readonly sentence: string
}

export interface Section<K extends Readonly<Record<string, Key<unknown>>> = Readonly<Record<string, Key<unknown>>>> {
  readonly about: string
  readonly keys: K
}

function key<T>(kind: Kind<T>, fallback: string, sentence: string): Key<T> {
  return { kind, default: fallback, sentence }
}

function section<K extends Readonly<Record<string, Key<unknown>>>>(about: string, keys: K): Section<K> {
  return { about, keys }
}

/** Everything that can be configured: parsing, the example file, the documentation and the types are made from this. */
export const table = {
  server: section('Where Larder listens and how it is reached.', {
    host: key(address('192.168.1.10'), '::', 'Address to listen on; `::` means every address of IPv6 and IPv4.'),
    port: key(integer({ min: 0, max: 65535, example: '8080' }), '8080', 'Port to listen on; 0 takes any that is free.'),
    socket: key(
      optional(choice(['systemd'])),
      'none',
      'Who opens the sockets: `none` is Larder itself, `systemd` hands over those of larder.socket, so that nobody is refused during a restart; then `host` and `port` only tell commands where the server is.',
    ),
    public_url: key(
      optional(url('https://files.example.org')),
      'none',
      'Address under which people reach Larder, with the whole path that a proxy serves it below; without it links carry the address of the request, and letters `server.host` or localhost.',
    ),
    base_path: key(
      basePath(),
      '',
      'Path that everything is served below, for a proxy that passes one on; for one that cuts it off, leave this empty and let `public_url` alone have it.',
    ),
    trusted_proxies: key(
      list(network(), ['127.0.0.1', '10.0.0.0/8']),
      '',
      'Proxies whose `X-Forwarded-*` headers are believed; those of anybody else are ignored.',
    ),
    max_connections_per_address: key(
      integer({ min: 1, example: '512', unit: 'connections' }),
      '512',
      'Connections that one address may hold open at a time.',
    ),
    shutdown_grace: key(
      duration({ max: '1h', example: '10s' }),
      '10s',
      'Time that requests under way get to finish when Larder is told to stop.',
    ),
  }),
  data: section('Where files and catalogue lie.', {
    dir: key(
      path('/var/lib/larder'),
      './data',
      'Folder that holds everything Larder keeps; `larder backup` copies it while Larder runs.',
    ),
    reserve: key(
      size({ example: '256 MiB' }),
      '256 MiB',
      'Disk space that uploads leave free, so that deleting, logging in and starting still work on a full disk.',
    ),
    backup_before_upgrade: key(
      choice(['on', 'off']),
      'on',
      'Whether a copy of the catalogue is kept in `backups` of the data folder before a newer version changes its tables; `off` is for a disk that has no room for it.',
    ),
  }),
  auth: section('Who may have an account.', {
    registration: key(
      choice(['closed', 'open']),
      'closed',
      'Whether strangers may register (`open`) or accounts are made on the command line only (`closed`).',
    ),
    plan: key(
      optional(text('free')),
      'none',
      'Plan (`[plans.NAME]`) that those who register are put on; without one `[quota]` holds for them.',
    ),
    allowed_redirects: key(
      list(origin('https://app.example.com'), ['https://app.example.com']),
      '',
      'Sites that a confirmation link may lead on to (`redirect_to` of a registration); elsewhere it leads to the sign-in page.',
    ),
    turnstile_secret: key(
      optional(secret()),
      'none',
      'Secret of a Turnstile widget: with it, whoever asks for a link to sign in by must have passed its check.',
    ),
    turnstile_url: key(
      url('https://challenges.example.com/verify'),
      'https://challenges.cloudflare.com/turnstile/v0/siteverify',
      'Where answers of the check are verified.',
    ),
  }),
  mail: section('How letters reach people.', {
    smtp_url: key(
      optional(secretUrl(['smtp', 'smtps'], 'smtps://user:password@mail.example.org')),
      'none',
      'Mail server, as in `smtps://user:password@mail.example.org`; without one each message is a file in `outbox` of the data folder.',
    ),
    from: key(
      optional(sender('Larder <larder@example.org>')),
      'none',
      'Sender of letters; without it `larder@` and the host of `server.public_url`.',
    ),
  }),
  uploads: section('What may be stored.', {
    max_size: key(size({ min: '1 B' }), '5 GiB', 'Largest file that is taken.'),
    allowed_content_types: key(
      list(contentType(), ['image/*', 'application/pdf']),
      defaultContentTypes,
      'Types of files that are taken; `*` takes all.',
    ),
    min_rate: key(
      size({ example: '4 KiB', unit: 'bytes a second' }),
      '4 KiB',
      'Speed, averaged over a minute, below which an upload is given up; 0 waits for ever.',
    ),
  }),
  images: section('Pictures that are resized on request.', {
    max_pixels: key(
      integer({ min: 1, example: '50000000', unit: 'pixels' }),
      '50000000',
      'Largest picture that is opened for resizing, all frames counted.',
    ),
    // A WebP picture cannot be longer than this.
    max_side: key(
      integer({ min: 1, max: 16383, example: '2000', unit: 'pixels' }),
      '2000',
      'Largest width and height that may be asked for.',
    ),
    cache_size: key(size({ example: '2 GiB' }), '2 GiB', 'Disk space for finished pictures; the least used go first.'),
    timeout: key(duration({ min: '100ms', max: '1h', example: '10s' }), '10s', 'Longest time one picture may take.'),
  }),
  limits: section('How many requests are answered before callers are told to wait.', {
    auth: key(optional(rate(), 'off'), '10/1m', 'Attempts to sign in or register from one address.'),
    api: key(optional(rate(), 'off'), '600/1m', 'API requests of one key or account.'),
    upload: key(optional(rate(), 'off'), '300/1m', 'Uploads of one account.'),
  }),
  quota: section('What each account may store, where nothing else is set for it.', {
    storage: key(optional(size({ example: '50 GiB' })), 'none', 'Bytes that an account may store.'),
    files: key(optional(integer({ example: '100000', unit: 'files' })), 'none', 'Files that an account may store.'),
  }),
  plans: key(
    plans(),
    '',
    'What accounts of a plan may do; `larder user plan` puts an account on one, and what is not named has no limit.',
  ),
  gc: section('Removing content that no file uses any more.', {
    grace: key(duration({ example: '1d' }), '1d', 'Time that unused content is kept before it is removed.'),
    // A timer of Node's that is set for more than 24.8 days fires at once.
    interval: key(duration({ min: '1s', max: '24d', example: '1h' }), '1h', 'Time from one round to the next.'),
  }),
  log: section('What Larder writes to its standard output.', {
    level: key(
      choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
      'info',
      'Least important message that is written.',
    ),
    format: key(choice(['json', 'text']), 'json', 'One JSON object a line for machines, or text for people.'),
  }),
  hosts: key(
    hosts(doors),
    '',
    'Host names under which one door is also served at the root, for clients with fixed paths.',
  ),
}

type Table = typeof table
type ValueOf<P> =
  P extends Key<infer T> ? T : P extends Section<infer K> ? { readonly [N in keyof K]: ValueOf<K[N]> } : never

/** The configuration as the program sees it: sizes in bytes, durations in milliseconds, names as in the file. */
export type Config = { readonly [S in keyof Table]: ValueOf<Table[S]> }

/** `server.port`, `hosts`: how flags, messages and overrides name a key. */
export type KeyName = {
  [S in keyof Table]: Table[S] extends Section<infer K> ? `${S}.${keyof K & string}` : S
}[keyof Table]

/** A row of the table with every name it goes by. */
export interface Entry extends Key<unknown> {
  readonly name: KeyName
  readonly section: keyof Table
  /** Absent where the whole section is one value. */
  readonly key?: string
  /** The environment variable. */
  readonly variable: string
}

/** The sections in the order of the table. */
export const sections = (Object.keys(table) as (keyof Table)[]).map((name) => {
  const part = table[name]
  return { name, about: 'keys' in part ? part.about : part.sentence, entries: rows(name) }
})

/** The table's rows in its order. */
export const entries: readonly Entry[] = sections.flatMap((section) => section.entries)

function rows(section: keyof Table): readonly Entry[] {
  const part: Key<unknown> | Section = table[section]
  if (!('keys' in part)) return [{ ...part, name: section as KeyName, section, variable: variableOf(section) }]
  return Object.entries(part.keys).map(([key, row]) => {
    const name = `${section}.${key}` as KeyName
    return { ...row, name, section, key, variable: variableOf(name) }
  })
}

function variableOf(name: string): string {
  return `LARDER_${name.replace('.', '_').toUpperCase()}`
}

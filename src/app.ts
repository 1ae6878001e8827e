import { isIP, SocketAddress } from 'node:net'
import type { Logger } from 'pino'
import type { Disk } from './blobs/disk.ts'
import { prepareFolder, takeOver } from './blobs/layout.ts'
import { LocalBlobs } from './blobs/local.ts'
import { inWords, UnusableFolder } from './blobs/unusable.ts'
import { type OpenCatalogue, openCatalogue } from './catalogue/index.ts'
import { lockFolder } from './catalogue/lock.ts'
import { type Config, isEverywhere, publicUrlOf } from './config/index.ts'
import { sessionLifeMs } from './core/access.ts'
import type { FirstStart } from './core/accounts.ts'
import { AllowedTypes } from './core/content-types.ts'
import { type Core, createCore, type Rules } from './core/core.ts'
import type { Account } from './core/model.ts'
import type { Plan } from './core/plans.ts'
import type { BotCheck, Clock, Mailer } from './core/ports.ts'
import { signedUrlLifeMs } from './core/signed-urls.ts'
import { serve } from './http/application.ts'
import { openImages } from './images/index.ts'
import { type Post, startPost } from './jobs/post.ts'
import { startSchedule } from './jobs/schedule.ts'
import { openMailer } from './mail/index.ts'
import { requireNoBackup, requireOpenable, systemClock, upgradeOf } from './store.ts'
import { openTokens } from './tokens/index.ts'
import { openTurnstile } from './turnstile/index.ts'

/** What whoever starts it may put in place of a part, or of what is usual. */
export interface Overrides {
  readonly clock?: Clock
  readonly disk?: Disk
  /** Whether what a first start makes is shown to somebody; where absent, yes. */
  readonly showsSecrets?: boolean
  /** Told when the catalogue cannot be written any more, for good. */
  readonly onDeath?: (error: Error) => void
}

export interface App {
  readonly core: Core
  readonly catalogue: OpenCatalogue
  /** Where it listens: as configured, or as systemd has it; never empty. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  /** Of the first of them. */
  readonly port: number
  /** Told once, by the very first start on a data folder. */
  readonly firstStart: FirstStart | undefined
  /** Lets requests under way finish, for at most the configured grace, then closes everything in reverse order. */
  close(): Promise<void>
}

/**
 * Builds the server from its parts and opens it.
 * @throws UnusableFolder, UnusableData, or the system's error where the port cannot be had.
 */
export async function openApp(config: Config, log: Logger, overrides: Overrides = {}): Promise<App> {
  const closers: (() => unknown)[] = []
  const closeAll = async (): Promise<void> => {
    const errors: unknown[] = []
    for (const close of closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
  try {
    return await inWords(config.data.dir, () => build(config, log, overrides, closers, closeAll))
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function build(
  config: Config,
  log: Logger,
  overrides: Overrides,
  closers: (() => unknown)[],
  closeAll: () => Promise<void>,
): Promise<App> {
  const clock = overrides.clock ?? systemClock
  const report = (error: unknown): void => log.error({ err: error }, 'background work failed')
  await requireOpenable(config.data.dir)
  closers.push(requireNoBackup(config.data.dir))
  const folder = await prepareFolder(config.data.dir)
  closers.push(requireLock(folder.dir))
  // Once more: a first backup may have begun in between, and will find the lock.
  closers.push(requireNoBackup(folder.dir))
  const { leftovers } = await takeOver(folder)
  if (leftovers > 0) log.info({ leftovers }, 'removed what cut-off uploads left behind')
  const lives = { tokenLifeMs: sessionLifeMs, signedLifeMs: signedUrlLifeMs }
  const tokens = await openTokens({ dir: folder.dir, clock, ...lives, report })
  const upgrade = { ...upgradeOf(config), hasLock: true, report: (message: string) => log.info(message) }
  const onDeath = overrides.onDeath ?? report
  const catalogue = await openCatalogue({ dir: folder.dir, tellsOthers: false, upgrade, onDeath })
  closers.push(() => catalogue.close())
  const blobs = new LocalBlobs({
    folder,
    reserveBytes: config.data.reserve,
    ...(overrides.disk && { disk: overrides.disk }),
  })
  closers.push(() => blobs.close())
  const images = await openImages({
    cacheDir: folder.cache,
    tmpDir: folder.tmp,
    maxPixels: config.images.max_pixels,
    maxSide: config.images.max_side,
    cacheSizeBytes: config.images.cache_size,
    timeoutMs: config.images.timeout,
    room: () => blobs.room(),
    report,
  })
  closers.push(() => images.close())
  const schedule = startSchedule({ catalogue, blobs, clock, gc: gcOf(config), report })
  closers.push(() => schedule.stop())
  let port = config.server.port
  const mailer = mailerOf(config, folder.outbox, log, () => publicUrlOf(config, port))
  let post: Post | undefined
  closers.push(() => post?.stop() ?? mailer.close())
  const core = createCore({
    catalogue,
    blobs,
    images,
    tokens,
    signer: tokens.signer,
    botCheck: botCheckOf(config),
    clock,
    rules: rulesOf(config),
    report,
    onFolderDeleted: schedule.sweep,
  })
  closers.push(() => core.activity.flush())
  await core.directUploads.recover()
  const listening = await serve(core, log, httpOf(config))
  const { addresses } = listening
  port = addresses[0]?.port ?? port
  // Only now: a letter names the port.
  post = startPost({ catalogue, mailer, clock, report, log: (message) => log.info(message) })
  closers.push(() => listening.stop(config.server.shutdown_grace))
  warnOf(config, await core.accounts.list(), log)
  warnOfSockets(config, addresses, log)
  // Only now: a port that is taken must not use up what is shown once.
  const firstStart = await core.accounts.firstStart({ showsSecrets: overrides.showsSecrets ?? true })
  return { core, catalogue, addresses, port, firstStart, close: closeAll }
}

function requireLock(dir: string): () => void {
  const release = lockFolder(dir)
  if (!release) {
    throw new UnusableFolder(
      `Another Larder serves the data folder ${dir}. Stop that one first, or give this one a folder of its own (data.dir).`,
    )
  }
  return release
}

/** Nobody is asked to prove to be no program, unless there is somebody to ask. */
function botCheckOf({ auth }: Config): BotCheck | undefined {
  return auth.turnstile_secret && openTurnstile({ secret: auth.turnstile_secret.reveal(), url: auth.turnstile_url })
}

const gcOf = ({ gc }: Config) => ({ graceMs: gc.grace, intervalMs: gc.interval })

/** What is sound and may still not be what somebody wants. */
function warnOf({ server, auth, mail, quota, plans }: Config, accounts: readonly Account[], log: Logger): void {
  const isOpen = auth.registration === 'open'
  if (server.public_url === undefined && (isOpen || mail.smtp_url))
    log.warn('server.public_url is not set: letters may lead to an address that their readers cannot reach')
  if (isOpen && auth.plan === undefined && quota.storage === undefined)
    log.warn('strangers may register and store without limit: set quota.storage, or auth.plan to a plan with limits')
  const missing = new Set(accounts.flatMap(({ plan }) => (plan === null || plans.has(plan) ? [] : [plan])))
  for (const plan of missing)
    log.warn({ plan }, 'accounts are on a plan that is not configured: [quota] holds for them')
}

/** systemd's sockets are its own: what the configuration says of addresses does not reach them. */
function warnOfSockets({ server }: Config, addresses: App['addresses'], log: Logger): void {
  const version = isIP(server.host)
  if (server.socket !== 'systemd' || version === 0) return
  // In the one form in which the system tells of addresses.
  const { address: wanted } = new SocketAddress({ address: server.host, family: `ipv${version}` as 'ipv4' | 'ipv6' })
  const isWider = addresses.some(({ host }) => isEverywhere(host))
  if (isEverywhere(wanted) || (!isWider && addresses.some(({ host }) => host === wanted))) return
  log.warn(
    { sockets: addresses.map(({ host, port }) => `${host}:${port}`), host: server.host },
    "systemd's sockets are not at server.host alone: change ListenStream (systemctl edit larder.socket), or server.host",
  )
}

function mailerOf({ mail, server }: Config, outboxDir: string, log: Logger, publicUrl: () => string): Mailer {
  const host = server.public_url === undefined ? 'localhost' : new URL(server.public_url).hostname
  return openMailer({
    smtpUrl: mail.smtp_url?.reveal(),
    from: mail.from ?? `Larder <larder@${host}>`,
    outboxDir,
    publicUrl,
    report: (message) => log.info(message),
  })
}

/** Letters to one address in an hour. */
const lettersHourly = 10

function rulesOf({ uploads, quota, plans, auth, limits }: Config): Rules {
  return {
    maxUploadBytes: uploads.max_size,
    types: new AllowedTypes(uploads.allowed_content_types),
    plans: new Map([...plans].map(([name, plan]) => [name, planOf(plan)])),
    standardPlan: planOf(quota),
    registration: {
      isOpen: auth.registration === 'open',
      plan: auth.plan ?? null,
      allowedRedirects: auth.allowed_redirects,
      lettersHourly: limits.auth === undefined ? null : lettersHourly,
    },
  }
}

type PlanConfig = Config['plans'] extends ReadonlyMap<string, infer P> ? P : never

function planOf(plan: Partial<PlanConfig>): Plan {
  return {
    storageBytes: plan.storage ?? null,
    files: plan.files ?? null,
    imageOps: plan.image_ops ?? null,
    originReads: plan.origin_reads ?? null,
    maxUploadBytes: plan.max_upload ?? null,
    trialDays: plan.trial_days ?? null,
  }
}

function httpOf({ server, hosts, uploads, limits }: Config) {
  return {
    host: server.host,
    port: server.port,
    socket: server.socket,
    publicUrl: server.public_url,
    basePath: server.base_path,
    trustedProxies: server.trusted_proxies,
    maxConnectionsPerAddress: server.max_connections_per_address,
    hosts,
    minUploadRate: uploads.min_rate,
    rates: limits,
  }
}

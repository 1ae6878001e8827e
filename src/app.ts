import type { Logger } from 'pino'
import type { Disk } from './blobs/disk.ts'
import { prepareFolder, takeOver, UnusableFolder } from './blobs/layout.ts'
import { LocalBlobs } from './blobs/local.ts'
import { type OpenCatalogue, openCatalogue } from './catalogue/index.ts'
import { lockFolder } from './catalogue/lock.ts'
import type { Config } from './config/index.ts'
import type { FirstStart } from './core/accounts.ts'
import { AllowedTypes } from './core/content-types.ts'
import { type Core, createCore } from './core/core.ts'
import type { Clock } from './core/ports.ts'
import { serve } from './http/application.ts'
import { openImages } from './images/index.ts'
import { startSchedule } from './jobs/schedule.ts'
import { systemClock } from './store.ts'

/** What a test may put in place of a part. */
export interface Overrides {
  readonly clock?: Clock
  readonly disk?: Disk
  /** Told when the catalogue cannot be written any more, for good. */
  readonly onDeath?: (error: Error) => void
}

export interface App {
  readonly core: Core
  readonly catalogue: OpenCatalogue
  readonly port: number
  /** Shown once, by the very first start on a data folder. */
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
    return await build(config, log, overrides, closers, closeAll)
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
  const folder = await prepareFolder(config.data.dir)
  closers.push(requireLock(folder.dir))
  const { leftovers } = await takeOver(folder)
  if (leftovers > 0) log.info({ leftovers }, 'removed what cut-off uploads left behind')
  const catalogue = await openCatalogue({ dir: folder.dir, tellsOthers: false, onDeath: overrides.onDeath ?? report })
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
  const core = createCore({
    catalogue,
    blobs,
    images,
    clock,
    limits: limitsOf(config),
    report,
    onFolderDeleted: schedule.sweep,
  })
  closers.push(() => core.activity.flush())
  const listening = await serve(core, log, httpOf(config))
  closers.push(() => listening.stop(config.server.shutdown_grace))
  // Only now: a port that is taken must not use up what is shown once.
  const firstStart = await core.accounts.firstStart()
  return { core, catalogue, port: listening.port, firstStart, close: closeAll }
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

const gcOf = ({ gc }: Config) => ({ graceMs: gc.grace, intervalMs: gc.interval })

export function limitsOf({ uploads, quota }: Config) {
  return {
    maxFileBytes: uploads.max_size,
    quota: { bytes: quota.storage ?? null, files: quota.files ?? null },
    types: new AllowedTypes(uploads.allowed_content_types),
  }
}

function httpOf({ server, hosts, uploads, limits }: Config) {
  return {
    host: server.host,
    port: server.port,
    publicUrl: server.public_url,
    basePath: server.base_path,
    trustedProxies: server.trusted_proxies,
    maxConnectionsPerAddress: server.max_connections_per_address,
    hosts,
    minUploadRate: uploads.min_rate,
    rates: limits,
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express } from 'express'
import type { Logger } from 'pino'
import type { Core } from '../core/core.ts'
import { Proxies } from './address.ts'
import { aether } from './aether/index.ts'
import { atiru } from './atiru/index.ts'
import { dashboard } from './dashboard/index.ts'
import type { Door } from './door.ts'
import { createFront } from './front.ts'
import { health } from './health.ts'
import { identity } from './identity/index.ts'
import { limitsFor, type Rates } from './limits.ts'
import type { ListenWish } from './listen.ts'
import { createMedia } from './media/index.ts'
import { mount } from './mount.ts'
import { type Listening, listen } from './server.ts'
import { requestedLinks, sharedLinks, storage } from './storage/index.ts'
import { createObjects } from './storage/objects.ts'

/** All doors. The one at the root is the last: what nobody else has is its to refuse. */
export const doors: readonly Door[] = [aether, identity, storage, sharedLinks, requestedLinks, atiru]

export interface HttpOptions extends ListenWish {
  readonly publicUrl: string | undefined
  readonly basePath: string
  readonly trustedProxies: readonly string[]
  readonly maxConnectionsPerAddress: number
  /** Host names at whose root a door is served: name to door. */
  readonly hosts: ReadonlyMap<string, string>
  readonly minUploadRate: number
  readonly rates: Rates
}

/** Puts doors, dashboard, media and health behind one server, and opens it. */
export async function serve(core: Core, log: Logger, options: HttpOptions): Promise<Listening> {
  const media = createMedia(core)
  const services = {
    core,
    limits: limitsFor(options.rates),
    minUploadRate: options.minUploadRate,
    sendDownload: media.download,
  }
  const objects = createObjects(core, media.object, options.minUploadRate)
  const app = bareExpress()
  app.use(health(core))
  app.use(dashboard(services))
  for (const door of doors) app.use(door.base === '' ? '/' : door.base, mount(door, services))
  const proxies = new Proxies(options.trustedProxies)
  const bases = new Map(doors.map((door) => [door.name, door.base]))
  const handle = createFront({
    core,
    log,
    proxies,
    publicUrl: options.publicUrl,
    basePath: options.basePath,
    hosts: new Map([...options.hosts].map(([host, door]) => [host, bases.get(door) ?? ''])),
    ownPaths: [
      ...[...bases.values()].filter((base) => base !== ''),
      '/m',
      '/d',
      '/o',
      '/app',
      '/auth/confirm',
      '/healthz',
      '/readyz',
    ],
    hot: [media, objects],
    app: app as unknown as (request: IncomingMessage, response: ServerResponse) => void,
  })
  return listen({ ...options, proxies, handle })
}

function bareExpress(): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // Express's own last resort shows a stack to whoever asks, unless it is told that this is no workshop.
  app.set('env', 'production')
  app.enable('strict routing')
  app.enable('case sensitive routing')
  return app
}

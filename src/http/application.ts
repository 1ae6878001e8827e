import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express, type Request, type Response } from 'express'
import type { Logger } from 'pino'
import type { Core } from '../core/core.ts'
import { Failure } from '../core/failure.ts'
import { Proxies } from './address.ts'
import { aether } from './aether/index.ts'
import { dashboard } from './dashboard/index.ts'
import { type Door, mount } from './door.ts'
import { createFront } from './front.ts'
import { health } from './health.ts'
import { Limit, type Limits, type Rate } from './limits.ts'
import { failure as mediaFailure } from './media/failures.ts'
import { createMedia } from './media/index.ts'
import { type Listening, listen } from './server.ts'

/** All doors, by their names. */
export const doors: readonly Door[] = [aether]

export interface HttpOptions {
  readonly host: string
  readonly port: number
  readonly publicUrl: string | undefined
  readonly basePath: string
  readonly trustedProxies: readonly string[]
  readonly maxConnectionsPerAddress: number
  /** Host names at whose root a door is served: name to door. */
  readonly hosts: ReadonlyMap<string, string>
  readonly minUploadRate: number
  readonly rates: { readonly auth: Rate; readonly api: Rate; readonly upload: Rate }
}

/** Puts doors, dashboard, media and health behind one server, and opens it. */
export async function serve(core: Core, log: Logger, options: HttpOptions): Promise<Listening> {
  const media = createMedia(core)
  const limits: Limits = {
    auth: new Limit(options.rates.auth),
    api: new Limit(options.rates.api),
    upload: new Limit(options.rates.upload),
  }
  const services = { core, limits, minUploadRate: options.minUploadRate, sendDownload: media.download }
  const app = bareExpress()
  app.use(health(core))
  for (const door of doors) app.use(door.base, mount(door, services))
  app.use(dashboard(services, options.basePath))
  app.use(nowhere)
  const proxies = new Proxies(options.trustedProxies)
  const bases = new Map(doors.map((door) => [door.name, door.base]))
  const handle = createFront({
    core,
    log,
    proxies,
    publicUrl: options.publicUrl,
    basePath: options.basePath,
    hosts: new Map([...options.hosts].map(([host, door]) => [host, bases.get(door) ?? ''])),
    ownPaths: [...bases.values(), '/m', '/d', '/app', '/healthz', '/readyz'],
    media,
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

/** What belongs to no door. */
function nowhere(request: Request, response: Response): void {
  const { status, body } = mediaFailure(new Failure('not_found', { what: 'route', id: request.path }))
  response.status(status).set('Cache-Control', 'no-store').json(body)
}

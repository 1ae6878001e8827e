import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { addressGroup, type Proxies } from './address.ts'

const headersTimeoutMs = 15_000
/** Longer than the usual proxies keep theirs, so that it is they who end a connection and no request falls between. */
const keepAliveMs = 75_000
/** A connection on which nothing moves at all in either direction for this long is dead. */
const silenceMs = 5 * 60_000

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly maxConnectionsPerAddress: number
  readonly proxies: Proxies
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
}

export interface Listening {
  readonly server: Server
  readonly port: number
  /** No new connections; those with a request under way get `graceMs`, then they are cut. */
  stop(graceMs: number): Promise<void>
}

/** Serves until it is stopped. Rejects with the system's error where the address cannot be had. */
export async function listen(options: ListenOptions): Promise<Listening> {
  let stopping = false
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    // A connection that is told so is not used again, and the client opens its next one elsewhere.
    if (stopping) response.shouldKeepAlive = false
    inTurn(request, response, () => options.handle(request, response))
  }
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    // Slow but honest uploads live: a body is bounded by its rate (uploads.min_rate), not by a time.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: 1_000,
    noDelay: true,
  })
  server.timeout = silenceMs
  server.on('request', handle)
  // The body is asked for by whoever is about to read it, after the key and the limits were looked at.
  server.on('checkContinue', handle)
  capConnections(server, options)
  await bind(server, options)
  return {
    server,
    port: (server.address() as AddressInfo).port,
    stop: (graceMs) => {
      stopping = true
      return stop(server, graceMs)
    },
  }
}

/** Requests of one connection that may wait behind the one that is being answered. */
const pipelinedAtMost = 16
const waiting = Symbol('waiting')

/**
 * One request of a connection at a time. Node tells of all that were sent ahead (pipelined) at once, and each would open
 * its file and hold its piece of it, although only the first can be answered.
 */
function inTurn(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
  const socket = request.socket as Socket & { [waiting]?: (() => void)[] | undefined }
  const line = socket[waiting]
  if (line) {
    if (line.length >= pipelinedAtMost) socket.destroy()
    else line.push(() => inTurn(request, response, handle))
    return
  }
  const others: (() => void)[] = []
  socket[waiting] = others
  response.once('close', () => {
    socket[waiting] = undefined
    const [next, ...rest] = others
    if (socket.destroyed) return
    next?.()
    const now = socket[waiting] as (() => void)[] | undefined
    if (now) now.push(...rest)
    else for (const one of rest) one()
  })
  handle()
}

/** `::` is every address of both families; on a machine without IPv6 the same wish means IPv4's. */
async function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  try {
    await listenOn(server, host, port)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (host !== '::' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error
    await listenOn(server, '0.0.0.0', port)
  }
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** A proxy brings everybody's connections, so it is not counted. */
function capConnections(server: Server, { maxConnectionsPerAddress, proxies }: ListenOptions): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket
    if (remoteAddress === undefined || proxies.isTrusted(remoteAddress)) return
    const group = addressGroup(remoteAddress)
    const count = (open.get(group) ?? 0) + 1
    if (count > maxConnectionsPerAddress) return void socket.destroy()
    open.set(group, count)
    socket.once('close', () => {
      const left = (open.get(group) ?? 1) - 1
      if (left > 0) open.set(group, left)
      else open.delete(group)
    })
  })
}

async function stop(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection becomes idle when its answer is out; it is closed then, not when its keep-alive is over.
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearInterval(sweep)
  clearTimeout(cut)
}

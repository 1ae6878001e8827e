import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as AnyServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { addressGroup, type Proxies } from './address.ts'
import { bind, type ListenAddress, type ListenWish } from './listen.ts'

const headersTimeoutMs = 15_000
/** Longer than the usual proxies keep theirs, so that it is they who end a connection and no request falls between. */
const keepAliveMs = 75_000
/** A connection on which nothing moves at all in either direction for this long is dead. */
const silenceMs = 5 * 60_000
/** While it stops: how long a new connection may take to say its first word. Browsers open some in advance. */
const firstWordMs = 2_000
/** While it stops: how long a connection that was kept open may still bring a request that was on its way. */
const onTheWayMs = 25

export interface ListenOptions extends ListenWish {
  readonly maxConnectionsPerAddress: number
  readonly proxies: Proxies
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
}

export interface Listening {
  readonly server: Server
  /** Where it listens; never empty. */
  readonly addresses: readonly ListenAddress[]
  /** No new connections; those with a request under way, or about to be, get `graceMs`, then they are cut. */
  stop(graceMs: number): Promise<void>
}

/** Serves until it is stopped. Rejects with UnusableSocket, or the system's error where the address cannot be had. */
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
  const connections = trackConnections(server)
  const { addresses, others } = await bind(server, options)
  return {
    server,
    addresses,
    stop: (graceMs) => {
      stopping = true
      return stop(server, others, connections, graceMs)
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

/** What is known of an open connection. */
interface Connection {
  readonly acceptedAt: number
  /** Requests whose answers are not out yet, to the last byte: Node calls a connection idle while bytes still wait here. */
  answering: number
  /** How much had come when the last answer was out: what came since is a request on its way. */
  readAtEnd: number
}

type Connections = ReadonlyMap<Socket, Connection>

function trackConnections(server: Server): Connections {
  const connections = new Map<Socket, Connection>()
  server.on('connection', (socket: Socket) => {
    connections.set(socket, { acceptedAt: performance.now(), answering: 0, readAtEnd: 0 })
    socket.once('close', () => connections.delete(socket))
  })
  const track = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(socket)
    if (!connection) return
    connection.answering++
    response.once('close', () => {
      connection.answering--
      connection.readAtEnd = socket.bytesRead
    })
  }
  server.prependListener('request', track)
  server.prependListener('checkContinue', track)
  return connections
}

function isIdle({ bytesRead }: Socket, { acceptedAt, answering, readAtEnd }: Connection): boolean {
  if (answering > 0) return false
  return bytesRead === 0 ? acceptedAt < performance.now() - firstWordMs : bytesRead === readAtEnd
}

/**
 * Whoever was accepted is answered, to the last byte. Connections come to be accepted while they wait for it, and requests may be on
 * their way on any; so nothing is closed before it has had its time, and nothing idle holds up the end for longer.
 */
async function stop(
  server: Server,
  others: readonly AnyServer[],
  connections: Connections,
  graceMs: number,
): Promise<void> {
  await turn()
  const closed = Promise.all([server, ...others].map(stopAccepting))
  const sweep = setInterval(() => {
    for (const [socket, connection] of connections) if (isIdle(socket, connection)) socket.destroy()
  }, onTheWayMs)
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearInterval(sweep)
  clearTimeout(cut)
  // It does not listen any more: this ends Node's own timers of it.
  server.close()
}

/** Not HTTP's own way to close, which breaks idle connections in the same moment, unread requests and all. */
function stopAccepting(server: AnyServer): Promise<void> {
  return new Promise((resolve) => AnyServer.prototype.close.call(server, () => resolve()))
}

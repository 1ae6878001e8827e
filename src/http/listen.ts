import { createServer, type ListenOptions, type Server } from 'node:net'
import { takePassedSockets, UnusableSocket } from './activation.ts'

/** Where connections come from: an address of this machine, or the sockets that systemd holds. */
export interface ListenWish {
  readonly host: string
  readonly port: number
  /** With `systemd` host and port do not count. */
  readonly socket?: 'systemd' | undefined
}

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface Bound {
  /** Never empty. */
  readonly addresses: readonly ListenAddress[]
  /** What listens beside the server itself, and gives it its connections. */
  readonly others: readonly Server[]
}

/** The kernel makes it as many as it allows (net.core.somaxconn): those who come while nobody serves wait here. */
const passedBacklog = 65_535
const ownBacklog = 1_024

/** Opens a server. Rejects with UnusableSocket, or with the system's error where the address cannot be had; then nothing is open. */
export async function bind(server: Server, wish: ListenWish): Promise<Bound> {
  if (wish.socket === undefined) return { addresses: [await bindAddress(server, wish)], others: [] }
  const [first, ...more] = takePassedSockets(process.env)
  const others = more.map(() => feeding(server))
  const opened = await Promise.allSettled([
    bindPassed(server, first as number),
    ...others.map((other, index) => bindPassed(other, more[index] as number)),
  ])
  const refused = opened.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
  if (refused) {
    // One that stays open keeps the process alive, which then takes connections that nobody answers.
    for (const one of [server, ...others]) one.close()
    throw refused.reason
  }
  const addresses = opened.map((one) => (one as PromiseFulfilledResult<ListenAddress>).value)
  return { addresses, others }
}

/** What takes connections for a server: with an ear from the beginning, for none may come before there is one. */
function feeding(server: Server): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.emit('connection', socket))
}

/** `::` is every address of both families; on a machine without IPv6 the same wish means IPv4's. */
async function bindAddress(server: Server, { host, port }: ListenWish): Promise<ListenAddress> {
  try {
    await listenOn(server, { host, port, backlog: ownBacklog })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (host !== '::' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error
    await listenOn(server, { host: '0.0.0.0', port, backlog: ownBacklog })
  }
  // As it was configured: people know their machine by name.
  return { host, port: addressOf(server)?.port ?? port }
}

async function bindPassed(server: Server, fd: number): Promise<ListenAddress> {
  const which = `the socket that systemd passed (descriptor ${fd})`
  await listenOn(server, { fd, backlog: passedBacklog }).catch((error: NodeJS.ErrnoException) => {
    throw new UnusableSocket(
      `${which} takes no connections (${error.code ?? error.message}): it must be ListenStream= of a socket unit with Accept=no.`,
    )
  })
  const address = addressOf(server)
  if (address) return address
  throw new UnusableSocket(
    `${which} is no TCP socket. Limits are counted by address, so ListenStream= must name a port, as in ListenStream=8080.`,
  )
}

/** Undefined for a socket of the file system, which has no port. */
function addressOf(server: Server): ListenAddress | undefined {
  const address = server.address()
  return address === null || typeof address === 'string' || typeof address.port !== 'number'
    ? undefined
    : { host: address.address, port: address.port }
}

function listenOn(server: Server, how: ListenOptions & { readonly fd?: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(how, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

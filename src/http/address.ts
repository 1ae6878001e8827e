import type { IncomingMessage } from 'node:http'
import { isIPv6, SocketAddress } from 'node:net'
import proxyaddr from 'proxy-addr'

type Trust = (address: string, hop: number) => boolean

/** Who may say on whose behalf it asks: the configured proxies, and nobody else. */
export class Proxies {
  readonly #trust: Trust

  constructor(networks: readonly string[]) {
    this.#trust = proxyaddr.compile([...networks])
  }

  isTrusted(address: string | undefined): boolean {
    return address !== undefined && this.#trust(address, 0)
  }

  /** The client's address; `X-Forwarded-For` counts only as far as trusted proxies wrote it. */
  clientOf(request: IncomingMessage): string {
    const remote = request.socket.remoteAddress
    if (remote === undefined) return 'unknown'
    if (request.headers['x-forwarded-for'] === undefined) return plain(remote)
    return canonical(proxyaddr(request, this.#trust))
  }

  /** A header that only a trusted proxy may set; its first value. */
  forwarded(request: IncomingMessage, name: 'x-forwarded-proto' | 'x-forwarded-host'): string | undefined {
    const value = request.headers[name]
    if (value === undefined || !this.isTrusted(request.socket.remoteAddress)) return undefined
    return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim()
  }
}

/** What a proxy says may be spelled in any way, and each would be an address of its own to the limits. */
function canonical(address: string): string {
  const isSpelled = isIPv6(address) && !address.includes('%')
  return plain(isSpelled ? new SocketAddress({ address, family: 'ipv6' }).address : address)
}

/** IPv4 addresses that come in the form of IPv6. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** What limits count an address as: an IPv6 client has a whole /64 to itself, and could use each of them once. */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length)
  const groups = [...first, ...Array<string>(zeros).fill('0'), ...last]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

import type { Config } from './table.ts'

/**
 * Where letters and the command line say that the server is. A `Host` header is never asked: anybody could send people
 * elsewhere by it. @param port the one it listens on, where the configuration leaves that open.
 */
export function publicUrlOf({ server }: Config, port = server.port): string {
  const { host, public_url: publicUrl, base_path: basePath } = server
  if (publicUrl !== undefined) return publicUrl
  const name = isEverywhere(host) ? 'localhost' : hostInUrl(host)
  return `http://${name}:${port}${basePath}`
}

/** Whether an address to listen on is every address of the machine. */
export const isEverywhere = (host: string): boolean => host === '::' || host === '0.0.0.0'

/** A host as it stands in a URL (RFC 3986 section 3.2.2): an IPv6 address in brackets. */
export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

import type { Config } from './table.ts'

/**
 * Where letters and the command line say that the server is. A `Host` header is never asked: anybody could send people
 * elsewhere by it. @param port the one it listens on, where the configuration leaves that open.
 */
export function publicUrlOf({ server }: Config, port = server.port): string {
  const { host, public_url: publicUrl, base_path: basePath } = server
  if (publicUrl !== undefined) return publicUrl
  const isEverywhere = host === '::' || host === '0.0.0.0'
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}${basePath}`
}

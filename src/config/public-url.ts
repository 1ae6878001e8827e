import type { Config } from './table.ts'

/**
 * Where letters and the command line say that the server is. A `Host` header is never asked: anybody could send people
 * elsewhere by it. @param port the one it listens on, where the configuration leaves that open.
 */
export function publicUrlOf({ server }: Config, port = server.port): string {
  return server.public_url ?? `http://localhost:${port}${server.base_path}`
}

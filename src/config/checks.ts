import type { Fault } from './faults.ts'
import type { Sources } from './load.ts'
import type { Config } from './table.ts'

/** What only shows when values are held against each other. */
export function crossFaults(config: Config, sources: Sources): Fault[] {
  return [...publicUrlFaults(config, sources)]
}

/** Links are made from `public_url` alone: without the base path at its end, none of them would lead to Larder. */
function publicUrlFaults({ server: { base_path, public_url } }: Config, sources: Sources): Fault[] {
  if (public_url === undefined || new URL(public_url).pathname.endsWith(base_path)) return []
  const expected = `an address that ends in server.base_path, such as ${public_url}${base_path}`
  return [{ key: 'server.public_url', value: public_url, expected, source: sources['server.public_url'] }]
}

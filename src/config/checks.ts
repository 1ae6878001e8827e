import type { Fault } from './faults.ts'
import type { Sources } from './load.ts'
import type { Config } from './table.ts'

/** What only shows when values are held against each other. */
export function crossFaults(config: Config, sources: Sources): Fault[] {
  return [...publicUrlFaults(config, sources), ...planFaults(config, sources)]
}

/** Links are made from `public_url` alone: without the base path at its end, none of them would lead to Larder. */
function publicUrlFaults({ server: { base_path, public_url } }: Config, sources: Sources): Fault[] {
  if (public_url === undefined || new URL(public_url).pathname.endsWith(base_path)) return []
  const expected = `an address that ends in server.base_path, such as ${public_url}${base_path}`
  return [{ key: 'server.public_url', value: public_url, expected, source: sources['server.public_url'] }]
}

/** A plan that does not exist would be no limit at all for whoever registers. */
function planFaults({ auth: { plan }, plans }: Config, sources: Sources): Fault[] {
  if (plan === undefined || plans.has(plan)) return []
  const names = [...plans.keys()]
  const expected = names.length === 0 ? 'a plan of a section [plans.NAME]' : `one of the plans ${names.join(', ')}`
  return [{ key: 'auth.plan', value: plan, expected, source: sources['auth.plan'] }]
}

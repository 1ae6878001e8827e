import type { Fault } from './faults.ts'
import type { Sources } from './load.ts'
import type { Config } from './table.ts'

/** What only shows when values are held against each other. */
export function crossFaults(config: Config, sources: Sources): Fault[] {
  return [...publicUrlFaults(config, sources), ...planFaults(config, sources)]
}

/** What addresses of Larder's own begin with. */
export const reservedNames: readonly string[] = [
  ...['api', 'app', 'auth', 'd', 'files', 'healthz', 'identity', 'logs', 'm', 'o', 'profile', 'r', 'readyz'],
  ...['reference', 's', 'settings', 'storage', 'usage'],
]

/**
 * Links are made from `public_url` alone: without the base path at its end, none of them would lead to Larder. What it has
 * before the base path is for the proxy to cut off; if that were the name of something that is served, nobody could tell
 * whether it was cut.
 */
function publicUrlFaults({ server: { base_path, public_url } }: Config, sources: Sources): Fault[] {
  if (public_url === undefined) return []
  const { pathname } = new URL(public_url)
  const fault = (expected: string): Fault[] => [
    { key: 'server.public_url', value: public_url, expected, source: sources['server.public_url'] },
  ]
  if (!pathname.endsWith(base_path))
    return fault(`an address that ends in server.base_path, such as ${public_url}${base_path}`)
  // It stands in cookies and in addresses that pages lead to; two slashes at its start would be another host's.
  if (!/^(\/[\w.~-]+)*\/?$/.test(pathname))
    return fault('a URL whose path has letters, digits and ._~- between its slashes')
  const [, first = ''] = pathname.split('/')
  if (base_path !== '' || !reservedNames.includes(first)) return []
  return fault(
    `a path that does not begin with /${first}, which Larder has itself; or set server.base_path to "${pathname}" and let the proxy pass it on`,
  )
}

/** A plan that does not exist would be no limit at all for whoever registers. */
function planFaults({ auth: { plan }, plans }: Config, sources: Sources): Fault[] {
  if (plan === undefined || plans.has(plan)) return []
  const names = [...plans.keys()]
  const expected = names.length === 0 ? 'a plan of a section [plans.NAME]' : `one of the plans ${names.join(', ')}`
  return [{ key: 'auth.plan', value: plan, expected, source: sources['auth.plan'] }]
}

/** How the configuration says what stands before paths. */
export interface Bases {
  readonly publicUrl: string | undefined
  /** `server.base_path`. */
  readonly basePath: string
}

/** What stands before paths: before those that browsers ask for, and before those that arrive. */
export interface Place {
  /** As browsers have it, without a final slash. */
  readonly basePath: string
  /** Cut from what arrives, the longest first. */
  readonly cut: readonly string[]
  /** Whether something arrives without any of them. */
  readonly isBare: boolean
}

/**
 * A proxy passes the base path on, or it cuts off what `public_url` has before it: the configuration says which, and no
 * header does, because proxies pass those on that anybody sent. Where it cuts, pages still lead to the whole path; people who
 * come past the proxy follow such links, too, so both are taken.
 */
export function placeOf({ publicUrl, basePath: served }: Bases): Place {
  const basePath = publicUrl === undefined ? served : new URL(publicUrl).pathname.replace(/\/$/, '')
  const cut = [...new Set([basePath, served])].filter((one) => one !== '')
  return { basePath, cut, isBare: served === '' }
}

/** Where nothing is: a path that no route has. */
export const outside = '/.outside'

/** The path below what stands before all; outside of that, `outside`. */
export function withoutBase({ cut, isBare }: Place, sent: string): string {
  for (const base of cut) {
    if (sent === base) return '/'
    if (sent.startsWith(`${base}/`)) return sent.slice(base.length)
  }
  return isBare ? sent : outside
}

/** Where doors are found at the root of host names of their own. */
export interface DoorNames {
  /** Host names at whose root a door is served: name to the door's base. */
  readonly hosts: ReadonlyMap<string, string>
  /** First segments of paths that mean the same under every host name. */
  readonly ownPaths: readonly string[]
}

/** Under a door's own host name the path below the door's base, as if that had been sent. */
export function doorPath({ hosts, ownPaths }: DoorNames, path: string, host: string): string {
  const door = hosts.size > 0 ? hosts.get(host.replace(/:\d+$/, '').toLowerCase()) : undefined
  const isOwn = ownPaths.some((own) => path === own || path.startsWith(`${own}/`))
  return door === undefined || isOwn ? path : door + path
}

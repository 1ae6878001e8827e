import { Failure, type Failures } from './failure.ts'
import type { Account, Key, LinkPurpose, RequestLink, Scope, Session } from './model.ts'
import { isWithin } from './paths.ts'

/** Who asks: an account, and by what it was known. */
export type Caller =
  | { readonly account: Account; readonly by: 'key'; readonly key: Key }
  | { readonly account: Account; readonly by: 'session'; readonly session: Session }
  | { readonly account: Account; readonly by: 'link'; readonly purpose: LinkPurpose }
  /** Somebody without an account, who may put files into the one folder that is asked to be filled. */
  | { readonly account: Account; readonly by: 'request'; readonly request: RequestLink; readonly folder: string }

/**
 * What a thing may need of its caller: a scope; a log-in; to change settings, to manage keys, to see the list of requests; or
 * to choose a password, which is what links are for.
 */
export type Need = Scope | 'login' | 'settings:write' | 'keys:manage' | 'requests:read' | 'password:choose'

type Lacking = Failures['forbidden'] | undefined

/** The folder that a caller is held to, with a final slash; null for the whole tree. */
export function prefixOf(caller: Caller): string | null {
  if (caller.by === 'request') return caller.folder
  return caller.by === 'key' ? caller.key.pathPrefix : null
}

/**
 * The one question: may this caller do a thing with this need, at this (normalised) path? A log-in may do all; a key what its
 * scopes name, inside its prefix; a link nothing but what it is for, and a request's link adds files to its folder.
 * @throws Failure `forbidden` with what is missing.
 */
export function requireMay(caller: Caller, need: Need, path?: string): void {
  const lacking = lackingFor(caller, need, path)
  if (lacking) throw new Failure('forbidden', lacking)
}

function lackingFor(caller: Caller, need: Need, path: string | undefined): Lacking {
  if (caller.by === 'session') return undefined
  if (caller.by === 'request') {
    return need === 'files:write' && (path === undefined || isWithin(path, caller.folder))
      ? undefined
      : { needs: 'login' }
  }
  if (caller.by === 'link') {
    return need === 'password:choose' && caller.purpose !== 'confirm' ? undefined : { needs: 'login' }
  }
  switch (need) {
    case 'login':
    case 'password:choose':
      return { needs: 'login' }
    case 'settings:write':
      return scopeFree(caller.key) ?? wholeTree(caller.key)
    case 'keys:manage':
      // Atiru's own rule for its keys, kept wherever they are used.
      return caller.key.kind === 'atiru' ? { needs: 'login' } : scopeFree(caller.key)
    case 'requests:read':
      return within(caller.key, 'user:read') ?? wholeTree(caller.key)
    default:
      return within(caller.key, need, path)
  }
}

function within({ scopes, pathPrefix }: Key, scope: Scope, path?: string): Lacking {
  if (scopes !== null && !scopes.includes(scope)) return { needs: 'scope', detail: scope }
  if (path !== undefined && !isWithin(path, pathPrefix)) {
    return { needs: 'prefix', detail: pathPrefix ?? '' }
  }
  return undefined
}

const scopeFree = ({ scopes }: Key): Lacking => (scopes === null ? undefined : { needs: 'full_key' })

const wholeTree = ({ pathPrefix }: Key): Lacking =>
  pathPrefix === null ? undefined : { needs: 'prefix', detail: pathPrefix }

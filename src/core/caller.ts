import { Failure } from './failure.ts'
import type { Account, Key, Scope, Session } from './model.ts'

/** Who asks: an account, and by what it was known. */
export type Caller =
  | { readonly account: Account; readonly by: 'key'; readonly key: Key }
  | { readonly account: Account; readonly by: 'session'; readonly session: Session }

/** The folder that a caller is held to, with a final slash; null for the whole tree. */
export function prefixOf(caller: Caller): string | null {
  return caller.by === 'key' ? caller.key.pathPrefix : null
}

/**
 * The one question: may this caller do a thing that needs the scope, at this (normalised) path? A log-in may do all; a key
 * what its scopes name, inside its prefix.
 * @throws Failure `forbidden` with what is missing.
 */
export function requireMay(caller: Caller, scope: Scope, path?: string): void {
  if (caller.by !== 'key') return
  const { scopes, pathPrefix } = caller.key
  if (scopes !== null && !scopes.includes(scope)) throw new Failure('forbidden', { needs: 'scope', detail: scope })
  if (pathPrefix !== null && path !== undefined && !path.startsWith(pathPrefix)) {
    throw new Failure('forbidden', { needs: 'prefix', detail: pathPrefix })
  }
}

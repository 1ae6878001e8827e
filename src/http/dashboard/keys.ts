import type { Caller } from '../../core/caller.ts'
import { invalid } from '../../core/failure.ts'
import { mendable } from './failures.ts'
import { emptyWish, type KeyForm, keyPage, keysPage, lifetimes } from './keys-page.ts'
import { type Answer, leave, type Visit } from './visit.ts'

const dayMs = 86_400_000

export async function showKeys(visit: Visit, caller: Caller): Promise<Answer> {
  return keysPage(visit, (await visit.core.keys.list(caller)).keys, emptyWish)
}

/** Makes a key and leads to the page that shows it: a form that was answered at once would make another when reloaded. */
export async function makeKey(visit: Visit, caller: Caller): Promise<Answer> {
  const wish = wishFrom(await visit.fields())
  const { keys } = visit.core
  try {
    const expiresAt = expiryOf(wish.days, visit.core.clock.now())
    const made = await keys.create(caller, { kind: 'ak', ...wish, expiresAt })
    // The form's own fragment would come along, and stay when this page is left for the list.
    return leave(`/app/keys/made/${visit.madeKeys.keep(sessionOf(caller), made)}#made`)
  } catch (error) {
    const problem = mendable(error)
    return keysPage(visit, (await keys.list(caller)).keys, wish, problem)
  }
}

/** Shows a key that was made just now, the once. */
export function showMadeKey(visit: Visit, caller: Caller): Answer {
  // Something that looks ahead must not see it in its reader's place.
  const isLook = visit.request.method === 'HEAD'
  const made = isLook ? undefined : visit.madeKeys.take(sessionOf(caller), visit.params.id ?? '')
  return made ? keyPage(visit, made) : leave('/app/keys?notice=once')
}

const sessionOf = (caller: Caller): string => (caller.by === 'session' ? caller.session.id : '')

export async function revokeKey({ core, params }: Visit, caller: Caller): Promise<Answer> {
  await core.keys.revoke(caller, params.id ?? '')
  return leave('/app/keys?notice=revoked')
}

function wishFrom(fields: URLSearchParams): KeyForm {
  return {
    name: fields.get('name') ?? '',
    scopes: fields.getAll('scope'),
    pathPrefix: fields.get('path_prefix')?.trim() ?? '',
    days: fields.get('days') ?? '',
  }
}

/** @throws Failure `invalid` for a lifetime that is not offered. */
function expiryOf(days: string, now: number): number | null {
  const offered = lifetimes.find((one) => one.days === days)
  if (!offered) throw invalid('days', 'choose one of the times offered')
  return offered.days === '' ? null : now + Number(offered.days) * dayMs
}

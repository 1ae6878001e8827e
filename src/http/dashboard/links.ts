import type { Caller } from '../../core/caller.ts'
import { isFailure } from '../../core/failure.ts'
import type { LinkPurpose } from '../../core/model.ts'
import type { Visit } from './visit.ts'

/** Who holds a link that is good still. Looking uses nothing up: mail programs and messengers look ahead. */
export async function holderOf({ core }: Visit, token: string, purpose: LinkPurpose): Promise<Caller | undefined> {
  try {
    return await core.registration.byLink(token, purpose)
  } catch (error) {
    if (isLinkOver(error)) return undefined
    throw error
  }
}

export function isLinkOver(error: unknown): boolean {
  return isFailure(error) && error.code === 'not_found' && error.detail.what === 'link'
}

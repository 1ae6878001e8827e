import { type Caller, requireMay } from './caller.ts'
import type { AccountSettings, Catalogue } from './catalogue.ts'
import { invalid } from './failure.ts'
import type { Account } from './model.ts'
import type { Plans } from './plans.ts'
import type { Clock } from './ports.ts'

const urlLimitCharacters = 1_024

/** What an account sets for itself. */
export class Settings {
  readonly #parts: { catalogue: Catalogue; clock: Clock; plans: Plans }

  constructor(parts: { catalogue: Catalogue; clock: Clock; plans: Plans }) {
    this.#parts = parts
  }

  /** @throws Failure `invalid`, `forbidden`. */
  async change(caller: Caller, { publicUrlBase, maxUploadBytes }: AccountSettings): Promise<Account> {
    requireMay(caller, 'settings:write')
    const { catalogue, clock, plans } = this.#parts
    const limit = plans.uploadLimitOf(caller.account)
    if (typeof maxUploadBytes === 'number' && (maxUploadBytes < 1 || maxUploadBytes > limit))
      throw invalid('max_upload_size_bytes', `a whole number from 1 to ${limit}, or null for ${limit}`)
    const settings = {
      ...(publicUrlBase !== undefined && { publicUrlBase: publicUrlBase === null ? null : urlBase(publicUrlBase) }),
      ...(maxUploadBytes !== undefined && { maxUploadBytes }),
    }
    if (Object.keys(settings).length === 0) return caller.account
    return catalogue.write.setSettings({ accountId: caller.account.id, settings, now: clock.now() })
  }
}

/** An address that links may begin with: http(s), without query, fragment and credentials; no slash at its end. */
function urlBase(sent: string): string {
  const url = URL.parse(sent.trim())
  const isPlain = url && /^https?:$/.test(url.protocol) && url.username + url.password === ''
  if (!isPlain || /[?#]/.test(sent) || sent.length > urlLimitCharacters) {
    throw invalid('public_url_base', 'an http or https address without query and credentials, or null')
  }
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { LinkPurpose } from '../../core/model.ts'
import type { LinkRow } from '../schema.ts'
import type { Transactions, Work } from './context.ts'
import { insertMail } from './mails.ts'
import { endWaysOfBefore, findByEmail, insertAccount, insertLink, requireFreeEmail, update } from './people.ts'

type Writes = Pick<
  CatalogueWrites,
  'register' | 'confirm' | 'sendLink' | 'createLink' | 'completeSetUp' | 'completeReset'
>

/** What is good once, for whoever holds a mailbox or was handed an address. */
export const links: Transactions<Writes> = {
  async register(work, { account, link, confirm, known }) {
    const found = await findByEmail(work, account.email ?? '')
    const isKnown = found !== undefined && found.verified_at !== null
    const mail = isKnown ? known : confirm
    const sent = await insertMail(work, mail, found?.disabled_at != null)
    if (isKnown || found?.disabled_at != null) return
    const accountId = found?.id ?? (await insertAccount(work, account)).id
    if (sent) await insertLink(work, { ...link, accountId })
  },

  async confirm(work, { digest, now }) {
    const link = await linkOf(work, digest, 'confirm', now)
    if (!link) throw noLink()
    // Mail programs look at links ahead of people, and people click twice.
    if (link.used_at !== null) return { redirectTo: link.redirect_to }
    await requireActive(work, link.account_id)
    await useUp(work, link.id, now)
    await endWaysOfBefore(work, link.account_id)
    await update(work, link.account_id, { password_hash: link.password_hash, verified_at: now, updated_at: now })
    return { redirectTo: link.redirect_to }
  },

  async sendLink(work, { email, link, mail }) {
    const account = await findByEmail(work, email)
    const isActive = account !== undefined && account.disabled_at === null
    const sent = await insertMail(work, mail, !isActive)
    if (sent && isActive) await insertLink(work, { ...link, accountId: account.id })
  },

  createLink: insertLink,

  async completeSetUp(work, { digest, email, passwordHash, now }) {
    const link = await takeLink(work, digest, 'set-up', now)
    await requireFreeEmail(work, email, link.account_id)
    await endWaysOfBefore(work, link.account_id)
    return update(work, link.account_id, { email, password_hash: passwordHash, verified_at: now, updated_at: now })
  },

  async completeReset(work, { digest, passwordHash, now }) {
    const link = await takeLink(work, digest, 'reset', now)
    await requireActive(work, link.account_id)
    await endWaysOfBefore(work, link.account_id)
    return update(work, link.account_id, { password_hash: passwordHash, verified_at: now, updated_at: now })
  },
}

function linkOf(work: Work, digest: string, purpose: LinkPurpose, now: number): Promise<LinkRow | undefined> {
  return work.db
    .selectFrom('links')
    .selectAll()
    .where('digest', '=', digest)
    .where('purpose', '=', purpose)
    .where('expires_at', '>', now)
    .executeTakeFirst()
}

async function takeLink(work: Work, digest: string, purpose: LinkPurpose, now: number): Promise<LinkRow> {
  const link = await linkOf(work, digest, purpose, now)
  if (!link || link.used_at !== null) throw noLink()
  await useUp(work, link.id, now)
  return link
}

async function useUp(work: Work, id: string, now: number): Promise<void> {
  await work.db.updateTable('links').set({ used_at: now }).where('id', '=', id).execute()
}

async function requireActive(work: Work, accountId: string): Promise<void> {
  const account = await work.db
    .selectFrom('accounts')
    .select('id')
    .where('id', '=', accountId)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  if (!account) throw new Failure('forbidden', { needs: 'active_account' })
}

const noLink = () => new Failure('not_found', { what: 'link', id: '' })

import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { LinkPurpose } from '../../core/model.ts'
import type { LinkRow } from '../schema.ts'
import type { Transactions, Work } from './context.ts'
import { insertMail } from './mails.ts'
import {
  findByEmail,
  insertAccount,
  insertLink,
  requireActive,
  requireFreeEmail,
  revokePriorAccess,
  update,
} from './people.ts'

type Writes = Pick<
  CatalogueWrites,
  'register' | 'confirm' | 'sendLink' | 'createLink' | 'completeSetUp' | 'completeReset'
>

/** What is good once, for whoever holds a mailbox or was handed an address. */
export const links: Transactions<Writes> = {
  async register(work, { account, link, confirm, known }) {
    const found = await findByEmail(work, account.email ?? '')
    const isVerified = found !== undefined && found.verified_at !== null
    await insertMail(work, isVerified ? known : confirm, found === undefined || found.disabled_at === null)
    const accountId = found?.id ?? (await insertAccount(work, account)).id
    // Also where the letter does not bring it: a log-in with this password is then answered alike, whoever has the address.
    await insertLink(work, { ...link, accountId })
  },

  async confirm(work, { digest, choose, now }) {
    const link = await linkOf(work, digest, 'confirm', now)
    if (!link) throw noLink()
    const confirmed = { redirectTo: link.redirect_to, hasPassword: true }
    // Mail programs look at links ahead of people, and people click twice.
    if (link.used_at !== null) return confirmed
    await requireActive(work, link.account_id)
    await useUp(work, link.id, now)
    const isOnlyOne = !(await hasOtherRegistrations(work, link))
    await revokePriorAccess(work, link.account_id)
    const passwordHash = isOnlyOne ? link.password_hash : null
    await update(work, link.account_id, { password_hash: passwordHash, verified_at: now, updated_at: now })
    if (isOnlyOne) return confirmed
    await insertLink(work, { ...choose, accountId: link.account_id })
    return { ...confirmed, hasPassword: false }
  },

  async sendLink(work, { email, link, mail }) {
    const account = await findByEmail(work, email)
    const isActive = account !== undefined && account.disabled_at === null
    const queued = await insertMail(work, mail, isActive)
    if (queued === 'queued' && isActive) await insertLink(work, { ...link, accountId: account.id })
  },

  createLink: insertLink,

  async completeSetUp(work, { digest, email, passwordHash, now }) {
    const link = await takeLink(work, digest, 'set-up', now)
    await requireActive(work, link.account_id)
    await requireFreeEmail(work, email, link.account_id)
    await revokePriorAccess(work, link.account_id)
    return update(work, link.account_id, { email, password_hash: passwordHash, verified_at: now, updated_at: now })
  },

  async completeReset(work, { digest, passwordHash, now }) {
    const link = await takeLink(work, digest, 'reset', now)
    await requireActive(work, link.account_id)
    await revokePriorAccess(work, link.account_id)
    return update(work, link.account_id, { password_hash: passwordHash, verified_at: now, updated_at: now })
  },
}

/**
 * Whether somebody else may have registered this address, too. Two letters that look alike cannot be told apart by whoever
 * gets them, so whose password it is would depend on which of the two is followed.
 */
async function hasOtherRegistrations(work: Work, link: LinkRow): Promise<boolean> {
  const other = await work.db
    .selectFrom('links')
    .select('id')
    .where('account_id', '=', link.account_id)
    .where('purpose', '=', 'confirm')
    .where('id', '!=', link.id)
    .where('password_hash', '!=', link.password_hash)
    .limit(1)
    .executeTakeFirst()
  return other !== undefined
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

const noLink = () => new Failure('not_found', { what: 'link', id: '' })

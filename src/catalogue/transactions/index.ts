import type { CatalogueWrites } from '../../core/catalogue.ts'
import { accounts } from './accounts.ts'
import { activity } from './activity.ts'
import { actors } from './actors.ts'
import { blobs } from './blobs.ts'
import { codes } from './codes.ts'
import type { Transactions } from './context.ts'
import { errands } from './errands.ts'
import { files } from './files.ts'
import { folders } from './folders.ts'
import { keys } from './keys.ts'
import { links } from './links.ts'
import { magicLinks } from './magic-links.ts'
import { mails } from './mails.ts'
import { paths } from './paths.ts'
import { projects } from './projects.ts'
import { sessions } from './sessions.ts'
import { shares } from './shares.ts'
import { uploads } from './uploads.ts'

/** All writes there are. */
export const transactions: Transactions<CatalogueWrites> = {
  ...accounts,
  ...links,
  ...codes,
  ...actors,
  ...magicLinks,
  ...sessions,
  ...keys,
  ...projects,
  ...mails,
  ...files,
  ...folders,
  ...paths,
  ...uploads,
  ...shares,
  ...blobs,
  ...errands,
  ...activity,
}

export type TransactionName = keyof CatalogueWrites

/** Those that write the second database alone: they take no part in the catalogue's transaction. */
export const ofActivity: ReadonlySet<TransactionName> = new Set<TransactionName>(['recordActivity', 'pruneActivity'])

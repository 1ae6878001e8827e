import type { CatalogueWrites } from '../../core/catalogue.ts'
import { accounts } from './accounts.ts'
import { activity } from './activity.ts'
import { blobs } from './blobs.ts'
import type { Transactions } from './context.ts'
import { errands } from './errands.ts'
import { files } from './files.ts'
import { folders } from './folders.ts'
import { keys } from './keys.ts'

/** All writes there are. */
export const transactions: Transactions<CatalogueWrites> = {
  ...accounts,
  ...keys,
  ...files,
  ...folders,
  ...blobs,
  ...errands,
  ...activity,
}

export type TransactionName = keyof CatalogueWrites

/** Those that write the second database alone: they take no part in the catalogue's transaction. */
export const ofActivity: ReadonlySet<TransactionName> = new Set<TransactionName>(['recordActivity', 'pruneActivity'])

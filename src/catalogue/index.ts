import type { Catalogue, CatalogueReads } from '../core/catalogue.ts'
import { auditOf } from './audit.ts'
import { openReader } from './connection.ts'
import { OutsideChanges } from './outside.ts'
import { accountReads } from './reads/accounts.ts'
import { activityReads } from './reads/activity.ts'
import { errandReads } from './reads/errands.ts'
import { keyReads } from './reads/keys.ts'
import { mailReads } from './reads/mails.ts'
import { pathReads } from './reads/paths.ts'
import { shareReads } from './reads/shares.ts'
import { treeReads } from './reads/tree.ts'
import { uploadReads } from './reads/uploads.ts'
import { Remembered } from './remembered.ts'
import { bringUpToDate, closeLogs, type UpgradeOptions } from './upgrade.ts'
import { Writer } from './writer.ts'

export { UnusableData } from './migrate.ts'
export { requireKnownSchema } from './upgrade.ts'

export interface CatalogueOptions {
  readonly dir: string
  /** Whether a server in another process may be running beside, to be told of what this one changes. */
  readonly tellsOthers: boolean
  /** How older databases are brought up to date; where absent, without the folder's lock, with copies, and told to nobody. */
  readonly upgrade?: Partial<UpgradeOptions>
  /** Told when nothing can be written any more, for good: the process had better start anew. */
  readonly onDeath?: (error: Error) => void
}

/** The catalogue with figures of its memory, for tests and metrics. */
export interface OpenCatalogue extends Catalogue {
  remembered(): { hits: number; misses: number }
}

/**
 * Opens the catalogue in a data folder, made or brought up to date first.
 * @throws UnusableData where a newer version wrote it, or an older one serves it.
 */
export async function openCatalogue(options: CatalogueOptions): Promise<OpenCatalogue> {
  await bringUpToDate(options.dir, { hasLock: false, keepsCopies: true, report: () => {}, ...options.upgrade })
  const reader = openReader(options.dir)
  const plain: Omit<CatalogueReads, 'ping'> = {
    ...accountReads(reader.db),
    ...keyReads(reader.db),
    ...activityReads(reader.db),
    ...mailReads(reader.db),
    ...treeReads(reader.db),
    ...pathReads(reader.db),
    ...uploadReads(reader.db),
    ...shareReads(reader.db),
    ...errandReads(reader.db),
  }
  const remembered = new Remembered(plain)
  const outside = new OutsideChanges(reader.raw)
  const { dir, tellsOthers } = options
  const writer = new Writer({ dir, tellsOthers }, (touched) => remembered.drop(touched), options.onDeath ?? (() => {}))
  return {
    read: {
      ...plain,
      file: (fileId) => remembered.file(fileId),
      keyByDigest: (digest) => remembered.keyByDigest(digest),
      account: (id) => remembered.account(id),
      ping: async () => {
        reader.raw.prepare('SELECT 1 FROM accounts LIMIT 1').get()
        // Forgets nothing, and asks the writer whether it is still there.
        await writer.write.forgetBlobs({ digests: [] })
      },
    },
    write: writer.write,
    audit: auditOf(reader),
    refresh: () => {
      const touched = outside.take()
      if (touched) remembered.drop(touched)
    },
    remembered: () => ({ hits: remembered.hits, misses: remembered.misses }),
    close: async () => {
      await writer.close()
      reader.raw.close()
      // Only who may write, and is the last, moves the log into the database: then a store at rest is one file for each.
      closeLogs(options.dir)
    },
  }
}

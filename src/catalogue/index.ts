import type { Catalogue, CatalogueReads } from '../core/catalogue.ts'
import { auditOf } from './audit.ts'
import { openActivityWriter, openReader, openWriter } from './connection.ts'
import { activityMigrations, catalogueMigrations, migrate } from './migrate.ts'
import { OutsideChanges } from './outside.ts'
import { accountReads } from './reads/accounts.ts'
import { errandReads } from './reads/errands.ts'
import { treeReads } from './reads/tree.ts'
import { Remembered } from './remembered.ts'
import { Writer } from './writer.ts'

export { UnusableData } from './migrate.ts'

export interface CatalogueOptions {
  readonly dir: string
  /** Whether a server in another process may be running beside, to be told of what this one changes. */
  readonly tellsOthers: boolean
}

/** The catalogue with figures of its memory, for tests and metrics. */
export interface OpenCatalogue extends Catalogue {
  remembered(): { hits: number; misses: number }
}

/**
 * Opens the catalogue in a data folder, made or brought up to date first.
 * @throws UnusableData where a newer version wrote it.
 */
export async function openCatalogue(options: CatalogueOptions): Promise<OpenCatalogue> {
  await bringUpToDate(options.dir)
  const reader = openReader(options.dir)
  const ping = async (): Promise<void> => void reader.raw.prepare('SELECT 1 FROM accounts LIMIT 1').get()
  const plain: CatalogueReads = {
    ...accountReads(reader.db),
    ...treeReads(reader.db),
    ...errandReads(reader.db),
    ping,
  }
  const remembered = new Remembered(plain)
  const outside = new OutsideChanges(reader.raw)
  const writer = new Writer(options, (touched) => remembered.drop(touched))
  return {
    read: {
      ...plain,
      file: (fileId) => remembered.file(fileId),
      keyByDigest: (digest) => remembered.keyByDigest(digest),
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
    },
  }
}

async function bringUpToDate(dir: string): Promise<void> {
  const catalogue = openWriter(dir)
  const activity = openActivityWriter(dir)
  try {
    await migrate(catalogue.db, catalogueMigrations, 'catalogue.db')
    await migrate(activity.db, activityMigrations, 'activity.db')
  } finally {
    catalogue.raw.close()
    activity.raw.close()
  }
}

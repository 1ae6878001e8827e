import { existingFolder } from './blobs/layout.ts'
import { LocalBlobs } from './blobs/local.ts'
import { type OpenCatalogue, openCatalogue } from './catalogue/index.ts'
import type { Config } from './config/index.ts'
import { sessionLifeMs } from './core/access.ts'
import type { BlobStore, Clock } from './core/ports.ts'

export const systemClock: Clock = { now: () => Date.now() }

/** The parts that the command line needs for work beside a server, or without one. */
export interface Store {
  readonly catalogue: OpenCatalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  /** Lets a new key sign access tokens. */
  rotateSigningKey(): Promise<void>
  close(): Promise<void>
}

/** Opens a data folder without serving it. @throws UnusableFolder, UnusableData. */
export async function openStore(config: Config): Promise<Store> {
  const folder = await existingFolder(config.data.dir)
  const catalogue = await openCatalogue({ dir: folder.dir, tellsOthers: true })
  const blobs = new LocalBlobs({ folder, reserveBytes: config.data.reserve })
  return {
    catalogue,
    blobs,
    clock: systemClock,
    rotateSigningKey: async () => {
      // Only here: other commands need nothing of it.
      const { rotateSigningKey } = await import('./tokens/index.ts')
      await rotateSigningKey({ dir: folder.dir, clock: systemClock, tokenLifeMs: sessionLifeMs })
    },
    close: async () => {
      await blobs.close()
      await catalogue.close()
    },
  }
}

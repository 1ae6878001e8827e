import assert from 'node:assert/strict'
import { configWith } from '../../src/config/index.ts'
import { checkStore } from '../../src/jobs/fsck.ts'
import { openStore } from '../../src/store.ts'

/** The store says of itself what it holds: as `larder fsck --read-data`, without a process of its own for it. */
export async function mustBeSound(folder: string): Promise<void> {
  const store = await openStore(configWith({ 'data.dir': folder }))
  const found: string[] = []
  try {
    await checkStore(store, { readData: true, quarantine: false, onDamage: ({ what }) => found.push(what) })
  } finally {
    await store.close()
  }
  assert.deepEqual(found, [])
}

import { readdir } from 'node:fs/promises'
import { prepareFolder } from '../../src/blobs/layout.ts'
import { LocalBlobs } from '../../src/blobs/local.ts'
import { blobStoreContract } from '../contract/blobs.ts'
import { temporaryFolder } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'

blobStoreContract('blobs on the local disk', async (t) => {
  const folder = await prepareFolder(await temporaryFolder(t))
  const store = new LocalBlobs({ folder, reserveBytes: 0 })
  atEnd(t, () => store.close())
  return { store, leftovers: async () => (await readdir(folder.tmp)).length }
})

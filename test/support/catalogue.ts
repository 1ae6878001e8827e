import { createHash, randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { nanoid } from 'nanoid'
import { type OpenCatalogue, openCatalogue } from '../../src/catalogue/index.ts'
import type { Destination, Publication, PutFile, Quota } from '../../src/core/catalogue.ts'
import { segmentsFor } from '../../src/core/names.ts'
import { temporaryFolder } from './app.ts'
import { atEnd } from './at-end.ts'

/** A catalogue of the test's own, with one account. */
export async function openTestCatalogue(t: Pick<TestContext, 'after'>, dir?: string) {
  const folder = dir ?? (await temporaryFolder(t))
  const catalogue = await openCatalogue({ dir: folder, tellsOthers: false })
  atEnd(t, () => catalogue.close())
  return { catalogue, folder }
}

export async function newAccount(catalogue: OpenCatalogue, email: string): Promise<string> {
  const id = randomUUID()
  await catalogue.write.createAccount({ id, email, passwordHash: null, isOwner: false, verified: true, now: 1 })
  return id
}

/** A publication of one file whose bytes nobody has: the catalogue never looks at them. */
export function publication(
  accountId: string,
  name: string,
  size = 10,
  destination: Destination = { segments: [] },
  quota: Quota = { bytes: null, files: null },
): Publication {
  const fileId = nanoid(16)
  const digest = createHash('sha256').update(`${name} ${size}`).digest('hex')
  const file = {
    digest,
    size,
    id: randomUUID(),
    fileId,
    entryId: randomUUID(),
    contentType: 'text/plain',
    name,
    segments: segmentsFor(name, fileId),
    isPublic: true,
    description: '',
    tags: [],
  }
  return { accountId, destination, prefix: null, files: [file], quota, now: Date.now() }
}

type Wish = Partial<Omit<PutFile, 'file'>> & { readonly file?: Partial<PutFile['file']> }

/** A file put at a path. Its bytes nobody has; they are the same for the same text and size. */
export function putting(accountId: string, path: string, size = 10, wish: Wish = {}): PutFile {
  const digest = createHash('sha256').update(`${path} ${size}`).digest('hex')
  const file = {
    digest,
    size,
    id: randomUUID(),
    fileId: nanoid(16),
    entryId: randomUUID(),
    contentType: 'text/plain',
    isPublic: false,
    description: '',
    tags: [],
  }
  const quota = { bytes: null, files: null }
  return { accountId, path, prefix: null, message: '', quota, now: 1, ...wish, file: { ...file, ...wish.file } }
}

import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { TestApp } from './app.ts'

const everything = { depth: 'below', limit: 100_000, offset: 0 } as const

/** Everything that an account holds and what lies on the disk: equal before and after whatever must change nothing. */
export async function stateOf(app: Pick<TestApp, 'catalogue' | 'folder'>): Promise<object> {
  const { read } = app.catalogue
  const accounts = await Promise.all(
    (await read.accounts()).map(async (account) => {
      const root = await read.root(account.id)
      return {
        account,
        root,
        files: await read.files({ folderId: root.id, ...everything }),
        folders: await read.folders({ folderId: root.id, ...everything }),
      }
    }),
  )
  return { accounts, blobs: await namesBelow(join(app.folder, 'blobs')), tmp: await readdir(join(app.folder, 'tmp')) }
}

/** Where the blob of a digest lies. */
export function blobPath({ folder }: Pick<TestApp, 'folder'>, digest: string): string {
  return join(folder, 'blobs', 'sha256', digest.slice(0, 2), digest.slice(2, 4), digest)
}

/** Files anywhere below a folder, by their paths from it. */
export async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

/** Waits for what happens soon after an answer. It fails by the test's time-out, with what it waited for. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await isSo()); ) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A small file, whole and on the disk when this resolves, or as it was before. For its owner's eyes alone. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  // Always the same name: what a crash left half written is replaced, and does not lie there for ever.
  const temporary = `${path}.tmp`
  try {
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** A folder, with those above it that are missing: each that is new has its name in the one above on the disk, too. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Puts on the disk which names a folder holds. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

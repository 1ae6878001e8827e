import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UnusableFolder, userName, userText } from './unusable.ts'

/**
 * A store belongs to the owner of its `format` file. Root is refused where that is somebody else: what root made there, the
 * owner could not open any more. Changes nothing.
 * @throws UnusableFolder with how to run the same as the owner.
 */
export async function requireOwner(dir: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const owner = await stat(join(dir, 'format')).catch(() => undefined)
  if (!owner || owner.uid === 0) return
  const { uid, gid } = owner
  const name = await userName(uid)
  const as = name === undefined ? `setpriv --reuid=${uid} --regid=${gid} --clear-groups` : `runuser -u ${name} --`
  throw new UnusableFolder(
    `The store in ${dir} belongs to ${await userText(uid)}, who could not open what root makes in it. ` +
      `Run this as the owner: ${as} larder … (in a container: --user ${uid}:${gid}). Nothing was changed.`,
  )
}

/**
 * Refuses links that somebody else has put into a data folder, or one that is to become one: what they lead to would be changed, or
 * removed, by a user who may do more. Root's lead where root wants. Changes nothing.
 * @throws UnusableFolder
 */
export async function requireOwnLinks(dir: string): Promise<void> {
  for (const name of [...(await readdir(dir).catch(() => [])), join('blobs', 'sha256')]) {
    const path = join(dir, name)
    const found = await lstat(path).catch(() => undefined)
    if (!found?.isSymbolicLink() || found.uid === 0 || found.uid === process.getuid?.()) continue
    throw new UnusableFolder(
      `${path} is a link that belongs to ${await userText(found.uid)}: what it leads to is not touched for somebody else. ` +
        `Remove it, or make it anew as the user that Larder runs as. Nothing was changed.`,
    )
  }
}

import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../durable.ts'

const secretBytes = 32

const form = z.strictObject({
  issuer: z.string().min(1),
  /** The first one signs; the others are good until the tokens that they signed have ended. */
  keys: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        secret: z.base64url(),
        made_at: z.number(),
        retired_at: z.number().nullable(),
      }),
    )
    .min(1),
})

/** What is no key file; the message is for the person who starts Larder. */
export class UnusableKeyFile extends Error {
  override name = 'UnusableKeyFile'
}

export type KeyFile = z.infer<typeof form>
export type SigningKey = KeyFile['keys'][number]

export const keyFilePath = (dir: string): string => join(dir, 'tokens.json')

/** What the folder's tokens are signed with; made where there is nothing yet. @throws UnusableKeyFile. */
export async function readOrMake(path: string, now: number): Promise<KeyFile> {
  const known = await read(path)
  if (known) return known
  const made = { issuer: `larder-${randomUUID()}`, keys: [newKey(now)] }
  await write(path, made)
  return made
}

/** A new key signs from now on. Keys that were retired longer ago than tokens live go. */
export async function rotate(path: string, now: number, tokenLifeMs: number): Promise<void> {
  const { issuer, keys } = await readOrMake(path, now)
  const old = keys
    .map((key) => ({ ...key, retired_at: key.retired_at ?? now }))
    .filter((key) => now - key.retired_at < tokenLifeMs)
  await write(path, { issuer, keys: [newKey(now), ...old] })
}

/** Moves with every change of the file. */
export async function versionOf(path: string): Promise<string> {
  const { mtimeNs, ino, size } = await stat(path, { bigint: true })
  return `${ino} ${size} ${mtimeNs}`
}

async function read(path: string): Promise<KeyFile | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (text === undefined) return undefined
  // Whatever put it back (a backup, a copy), nobody else may read it.
  await chmod(path, 0o600)
  const parsed = form.safeParse(jsonOf(text))
  if (!parsed.success)
    throw new UnusableKeyFile(`${path} is damaged: restore it, or remove it (which signs everybody out)`)
  return parsed.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const write = (path: string, content: KeyFile): Promise<void> =>
  writeWhole(path, `${JSON.stringify(content, undefined, 2)}\n`)

function newKey(now: number): SigningKey {
  const secret = randomBytes(secretBytes).toString('base64url')
  return { id: randomUUID(), secret, made_at: now, retired_at: null }
}

import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createTransport } from 'nodemailer'
import type { Letter } from '../core/model.ts'
import type { Mailer } from '../core/ports.ts'
import { messageOf, type Sender } from './message.ts'

/** For a server that has no mail server: letters lie in a folder, and the log says where. They hold secrets, as letters do. */
export function openOutboxMailer(folder: string, sender: Sender, report: (message: string) => void): Mailer {
  const dir = resolve(folder)
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  return {
    send: async (letter, id) => {
      const { message } = await composer.sendMail(messageOf(letter, id, sender))
      await makeFolder(dir)
      const path = join(dir, await nameOf(dir, letter, id))
      await writeWhole(path, message as Buffer)
      report(`mail ${id} (${letter.purpose}) is in ${path}`)
    },
    close: async () => composer.close(),
  }
}

/** As they were written, in the order of their names. A letter that is written again keeps the name that it has. */
async function nameOf(dir: string, { purpose }: Letter, id: string): Promise<string> {
  const end = `-${purpose}-${id.replace(/[^\w-]/g, '_')}.eml`
  const before = (await readdir(dir)).find((name) => /^\d{8}T\d{9}Z-/.test(name) && name.slice(19) === end)
  return before ?? `${new Date().toISOString().replace(/[-:.]/g, '')}${end}`
}

async function makeFolder(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  // Each folder that is new has its name in the one above it.
  for (let made = dir; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Whole and on disk, or not at all. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(bytes)
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

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
